/** The settings in the panel: the same file as JupyterLab's settings editor, and the key. */
import React, { useEffect, useId, useReducer, useState } from 'react';

import type { Field, Preferences, Value } from '../preferences';
import { wordsOf } from '../api';
import { useKimi } from './context';

/** Settings by the beginning of their names; the rest stands in the last group. */
const GROUPS: readonly (readonly [string, readonly string[]])[] = [
  ['general', ['kimi.displayName', 'kimi.model', 'kimi.mode', 'kimi.thinking']],
  ['limits', ['kimi.max']],
  ['approvals', ['kimi.autoApprove']],
  ['prices', ['kimi.pricing']],
  ['instructions', ['kimi.instructions']],
  ['more', ['']]
];

export function SettingsPage(): JSX.Element {
  const { session, trans, outside } = useKimi();
  const fields = useFields(outside.preferences);
  const titles: Record<string, string> = {
    general: trans.__('General'),
    limits: trans.__('Limits'),
    approvals: trans.__('Approvals'),
    prices: trans.__('Prices'),
    instructions: trans.__('Instructions'),
    more: trans.__('More')
  };
  const hints: Record<string, string> = {
    approvals: trans.__(
      'Not a sandbox: allowing a program allows what that program runs.'
    ),
    prices: trans.__(
      'For the estimate only; prices change, see platform.moonshot.ai/docs/pricing.'
    )
  };
  return (
    <section
      className="jp-Kimi-settings"
      aria-label={trans.__('Settings')}
      data-testid="kimi-settings"
    >
      <KeyState />
      {grouped(fields).map(([group, members]) => (
        <fieldset key={group} className="jp-Kimi-settingsGroup">
          <legend>{titles[group]}</legend>
          {hints[group] && <p className="jp-Kimi-hint">{hints[group]}</p>}
          {members.map(field => (
            <Setting key={field.name} field={field} />
          ))}
        </fieldset>
      ))}
      {fields.length === 0 && (
        <p className="jp-Kimi-hint">
          {trans.__('The settings could not be read; reload the page.')}
        </p>
      )}
      <div className="jp-Kimi-actions">
        <button
          type="button"
          className="jp-Kimi-link"
          onClick={outside.openSettings}
        >
          {trans.__('Open JupyterLab’s settings editor')}
        </button>
      </div>
      <p className="jp-Kimi-hint">
        {trans.__('Kimi Jupyter %1', session.status?.version ?? '')}
      </p>
    </section>
  );
}

function grouped(
  fields: readonly Field[]
): readonly (readonly [string, readonly Field[]])[] {
  const taken = new Set<string>();
  return GROUPS.map(([group, starts]) => {
    const members = fields.filter(
      ({ name }) =>
        !taken.has(name) && starts.some(start => name.startsWith(start))
    );
    members.forEach(({ name }) => taken.add(name));
    return [group, members] as const;
  }).filter(([, members]) => members.length > 0);
}

function KeyState(): JSX.Element {
  const { session, trans, outside } = useKimi();
  const key = session.status?.key;
  const words =
    key === undefined
      ? '…'
      : !key.set
        ? trans.__('No key is set.')
        : key.source === 'environment'
          ? trans.__('Set, by `MOONSHOT_API_KEY` in the environment.')
          : key.source === 'session'
            ? trans.__('Set, for this session only.')
            : trans.__('Set, in the credential store of your system.');
  const remove = async () => {
    const isSure = await outside.confirm(
      trans.__('Remove the saved Moonshot API key?'),
      trans.__('Kimi can’t answer until you set one again.'),
      trans.__('Remove')
    );
    if (isSure) {
      await session
        .clearKey()
        .catch((error: unknown) => session.say('error', wordsOf(error)));
    }
  };
  return (
    <fieldset className="jp-Kimi-settingsGroup">
      <legend>{trans.__('Moonshot API key')}</legend>
      <p>{words}</p>
      {key?.warning && <p className="jp-Kimi-hint">{key.warning}</p>}
      <div className="jp-Kimi-actions">
        <button
          type="button"
          className="jp-Kimi-button"
          onClick={() => session.show('key')}
        >
          {key?.set ? trans.__('Change key') : trans.__('Set key')}
        </button>
        {key?.set && key.source !== 'environment' && (
          <button
            type="button"
            className="jp-Kimi-button"
            onClick={() => void remove()}
          >
            {trans.__('Remove key')}
          </button>
        )}
      </div>
    </fieldset>
  );
}

function Setting({ field: kept }: { readonly field: Field }): JSX.Element {
  const { outside, trans } = useKimi();
  const [problem, setProblem] = useState('');
  /** What was chosen and is being written down. */
  const [pending, setPending] = useState<Value | undefined>();
  const id = useId();
  const field = pending === undefined ? kept : { ...kept, value: pending };
  const save = (value: Value) => {
    setProblem('');
    setPending(value);
    outside.preferences
      ?.set(kept.name, value)
      .catch((error: unknown) => setProblem(wordsOf(error)))
      .finally(() => setPending(undefined));
  };
  const isChanged =
    JSON.stringify(field.value) !== JSON.stringify(field.standard);
  const shared = { field, id, save };
  return (
    <div className={`jp-Kimi-setting jp-mod-${field.kind}`}>
      {field.kind === 'flag' && <Flag {...shared} />}
      <label htmlFor={id}>{field.title}</label>
      {isChanged && (
        <button
          type="button"
          className="jp-Kimi-link"
          aria-label={trans.__('Reset %1', field.title)}
          onClick={() => save(field.standard)}
        >
          {trans.__('Reset')}
        </button>
      )}
      {field.kind === 'choice' || field.name === 'kimi.model' ? (
        <Choice {...shared} />
      ) : field.kind === 'list' ? (
        <List {...shared} />
      ) : (
        field.kind !== 'flag' && <Text {...shared} say={setProblem} />
      )}
      <p id={`${id}-help`} className="jp-Kimi-hint">
        {field.help.replace(/`/g, '')}
      </p>
      {problem !== '' && (
        <p className="jp-Kimi-problem" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}

interface InputProps {
  readonly field: Field;
  readonly id: string;
  readonly save: (value: Value) => void;
}

function Flag({ field, id, save }: InputProps): JSX.Element {
  return (
    <input
      id={id}
      type="checkbox"
      checked={field.value === true}
      aria-describedby={`${id}-help`}
      onChange={event => save(event.target.checked)}
    />
  );
}

/** A list to choose from; for the model it is the live one. Bypass is for the hand that edits the file. */
function Choice({ field, id, save }: InputProps): JSX.Element {
  const { session, trans } = useKimi();
  const value = String(field.value ?? '');
  const names: Record<string, string> = {
    ask: trans.__('Ask permission'),
    accept_edits: trans.__('Accept edits'),
    plan: trans.__('Plan mode'),
    bypass: trans.__('Bypass permissions')
  };
  const offered =
    field.name === 'kimi.model'
      ? (session.status?.models ?? []).map(model => model.id)
      : field.choices.filter(choice => choice !== 'bypass');
  const all = offered.includes(value) ? offered : [value, ...offered];
  return (
    <select
      id={id}
      value={value}
      aria-describedby={`${id}-help`}
      onChange={event => save(event.target.value)}
    >
      {all.map(choice => (
        <option key={choice} value={choice}>
          {(field.name === 'kimi.mode' && names[choice]) || choice}
        </option>
      ))}
    </select>
  );
}

interface TextProps extends InputProps {
  readonly say: (problem: string) => void;
}

/** What is typed counts when the field is left, or with Enter. */
function Text({ field, id, save, say }: TextProps): JSX.Element {
  const { trans } = useKimi();
  const kept = field.value === null ? '' : String(field.value);
  const [text, setText] = useState(kept);
  useEffect(() => setText(kept), [kept]);
  const commit = () => {
    if (text.trim() === kept) {
      return;
    }
    if (field.kind === 'text') {
      save(text.trim());
      return;
    }
    const value = text.trim() === '' ? null : Number(text);
    if (value === null && field.isOptional) {
      save(null);
    } else if (
      value === null ||
      Number.isNaN(value) ||
      (field.isWhole && !Number.isInteger(value)) ||
      (field.minimum !== null && value < field.minimum)
    ) {
      say(
        trans.__(
          'Give a number of at least %1; the setting is as it was.',
          field.minimum ?? 0
        )
      );
    } else {
      save(value);
    }
  };
  const shared = {
    id,
    value: text,
    'aria-describedby': `${id}-help`,
    spellCheck: false,
    onBlur: commit
  };
  if (field.name === 'kimi.instructions.text') {
    return (
      <textarea
        {...shared}
        rows={5}
        placeholder={trans.__('The bundled text')}
        onChange={event => setText(event.target.value)}
      />
    );
  }
  return (
    <input
      {...shared}
      type="text"
      inputMode={field.kind === 'number' ? 'decimal' : 'text'}
      placeholder={field.isOptional ? trans.__('not set') : ''}
      onChange={event => setText(event.target.value)}
      onKeyDown={event => event.key === 'Enter' && commit()}
    />
  );
}

/** One row per entry, each with its cross. */
function List({ field, id, save }: InputProps): JSX.Element {
  const { trans } = useKimi();
  const entries = Array.isArray(field.value) ? (field.value as string[]) : [];
  if (entries.length === 0) {
    return (
      <p id={id} className="jp-Kimi-hint">
        {trans.__('None yet: “Approve & remember” on a card adds one.')}
      </p>
    );
  }
  return (
    <ul id={id} className="jp-Kimi-settingList">
      {entries.map((entry, place) => (
        <li key={`${place}:${entry}`}>
          <code>{entry}</code>
          <button
            type="button"
            className="jp-Kimi-link"
            aria-label={trans.__('Remove %1', entry)}
            onClick={() => save(entries.filter((_, i) => i !== place))}
          >
            {trans.__('Remove')}
          </button>
        </li>
      ))}
    </ul>
  );
}

function useFields(preferences: Preferences | null): readonly Field[] {
  const [, draw] = useReducer((drawn: number) => drawn + 1, 0);
  useEffect(() => {
    preferences?.changed.connect(draw);
    return () => void preferences?.changed.disconnect(draw);
  }, [preferences]);
  return preferences?.fields ?? [];
}
