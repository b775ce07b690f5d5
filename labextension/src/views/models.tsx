/** Which model answers, and the list to choose another from: context, vision and price of each. */
import { caretDownEmptyThinIcon, checkIcon } from '@jupyterlab/ui-components';
import React, { useRef, useState } from 'react';
import type { KeyboardEvent } from 'react';

import type { ModelInfo } from '../api';
import { count } from '../format';
import { visible } from '../invisible';
import { OFFLINE } from '../choice';
import { useKimi } from './context';
import { useOutside } from './hooks';

export function ModelPicker(): JSX.Element | null {
  const { session, trans } = useKimi();
  const [isOpen, setOpen] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  useOutside(frame, isOpen, () => setOpen(false));
  const { model, status } = session;
  if (model === '') {
    return null;
  }
  const close = () => {
    setOpen(false);
    frame.current?.querySelector('button')?.focus();
  };
  const choose = (id: string) => {
    close();
    session.setModel(id);
  };
  const move = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const rows = [
      ...(frame.current?.querySelectorAll<HTMLElement>('[role=option]') ?? [])
    ];
    const at = rows.findIndex(row => row === document.activeElement);
    if (event.key === 'Escape') {
      close();
    } else if (step !== undefined && rows.length > 0) {
      event.preventDefault();
      rows[(at + step + rows.length) % rows.length]?.focus();
    }
  };
  const isDefault = model === status?.default_model;
  return (
    <div className="jp-Kimi-models" ref={frame} onKeyDown={move}>
      <button
        type="button"
        className="jp-Kimi-modelButton"
        aria-haspopup="listbox"
        aria-expanded={isOpen}
        title={trans.__('Choose the model')}
        onClick={() => setOpen(!isOpen)}
      >
        {model === OFFLINE
          ? trans.__('Offline demo · scripted model')
          : visible(model)}
        <caretDownEmptyThinIcon.react tag="span" width="12px" aria-hidden />
      </button>
      {isOpen && (
        <div className="jp-Kimi-menu jp-mod-down">
          <div role="listbox" aria-label={trans.__('Models')}>
            {(status?.models ?? []).map(info => (
              <ModelRow
                key={info.id}
                info={info}
                isChosen={info.id === model}
                onChoose={() => choose(info.id)}
              />
            ))}
          </div>
          {!isDefault && model !== OFFLINE && <MakeDefault onDone={close} />}
        </div>
      )}
    </div>
  );
}

function ModelRow({
  info,
  isChosen,
  onChoose
}: {
  readonly info: ModelInfo;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}): JSX.Element {
  const { trans } = useKimi();
  const { input_price: input, output_price: output } = info;
  const facts = [
    info.context > 0 && trans.__('%1 context', count(info.context)),
    info.vision && trans.__('sees images'),
    typeof input === 'number' &&
      typeof output === 'number' &&
      trans.__('$%1 in, $%2 out per million', input, output)
  ].filter(Boolean);
  return (
    <button
      type="button"
      role="option"
      aria-selected={isChosen}
      autoFocus={isChosen}
      className="jp-Kimi-model"
      onClick={onChoose}
    >
      <span className="jp-Kimi-modelName">
        {isChosen ? (
          <checkIcon.react tag="span" width="14px" aria-hidden />
        ) : (
          <span className="jp-Kimi-noCheck" />
        )}
        {visible(info.name)}
      </span>
      <span className="jp-Kimi-hint">{facts.join(' · ')}</span>
    </button>
  );
}

function MakeDefault({
  onDone
}: {
  readonly onDone: () => void;
}): JSX.Element | null {
  const { session, trans, outside } = useKimi();
  const { preferences } = outside;
  if (preferences === null) {
    return null;
  }
  return (
    <button
      type="button"
      className="jp-Kimi-makeDefault"
      onClick={() => {
        onDone();
        preferences.set('kimi.model', session.model).then(
          () => session.refreshStatus(),
          (error: unknown) => session.say('error', String(error))
        );
      }}
    >
      {trans.__('Use %1 for new tasks', visible(session.model))}
    </button>
  );
}
