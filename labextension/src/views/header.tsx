/** The top of the panel: the task's title, who talks to what, and the ways to other pages. */
import { addIcon, settingsIcon } from '@jupyterlab/ui-components';
import type { LabIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { historyClockIcon, kimiIcon } from '../icons';
import { visible } from '../invisible';
import { OFFLINE } from '../choice';
import { useKimi } from './context';

interface IconButtonProps {
  readonly icon: LabIcon;
  readonly label: string;
  readonly onClick: () => void;
  readonly isPressed?: boolean;
}

export function IconButton({
  icon,
  label,
  onClick,
  isPressed
}: IconButtonProps): JSX.Element {
  return (
    <button
      type="button"
      className="jp-Kimi-iconButton"
      aria-label={label}
      title={label}
      aria-pressed={isPressed}
      onClick={onClick}
    >
      <icon.react tag="span" width="16px" height="16px" aria-hidden="true" />
    </button>
  );
}

export function Header(): JSX.Element {
  const { session, trans, outside } = useKimi();
  const { transcript, status, page } = session;
  const title = visible(transcript.title) || trans.__('New task');
  const isHistory = page === 'history';
  return (
    <div className="jp-Kimi-header">
      <div className="jp-Kimi-headerRow">
        <kimiIcon.react
          tag="span"
          className="jp-Kimi-logo"
          width="18px"
          aria-hidden="true"
        />
        <h2 className="jp-Kimi-title" title={title}>
          {isHistory
            ? trans.__('History')
            : session.needsWelcome
              ? trans.__('Kimi')
              : title}
        </h2>
        <IconButton
          icon={addIcon}
          label={trans.__('New task')}
          onClick={() => session.newTask()}
        />
        <IconButton
          icon={historyClockIcon}
          label={trans.__('History')}
          isPressed={isHistory}
          onClick={() => session.show(isHistory ? 'chat' : 'history')}
        />
        <IconButton
          icon={settingsIcon}
          label={trans.__('Settings')}
          onClick={outside.openSettings}
        />
      </div>
      {!session.needsWelcome && (
        <div className="jp-Kimi-headerRow jp-Kimi-facts">
          {status?.display_name && <span>{visible(status.display_name)}</span>}
          <Model model={session.model} />
        </div>
      )}
    </div>
  );
}

function Model({ model }: { readonly model: string }): JSX.Element | null {
  const { trans } = useKimi();
  if (model === OFFLINE) {
    return (
      <span
        className="jp-Kimi-badge"
        title={trans.__(
          'A script plays the model: no key, no cost, nothing is sent.'
        )}
      >
        {trans.__('Offline demo · scripted model')}
      </span>
    );
  }
  return model === '' ? null : (
    <span title={trans.__('Model')}>{visible(model)}</span>
  );
}
