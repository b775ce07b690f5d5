/** Going back to before a message, and undoing that. */
import React from 'react';

import { rewindIcon } from '../icons';
import { useKimi } from './context';

export function RewindButton({ seq }: { readonly seq: number }): JSX.Element {
  const { session, trans, outside } = useKimi();
  const label = trans.__('Go back to before this message');
  const go = async () => {
    const files = await outside.rewind();
    if (files !== null) {
      session.command({ type: 'task.rewind', seq, files });
    }
  };
  return (
    <button
      type="button"
      className="jp-Kimi-copy"
      aria-label={label}
      title={label}
      disabled={session.isRunning}
      onClick={() => void go()}
    >
      <rewindIcon.react tag="span" width="14px" height="14px" />
    </button>
  );
}

export function RewoundLine(): JSX.Element | null {
  const { session, trans } = useKimi();
  const { rewound } = session.transcript;
  if (rewound === null) {
    return null;
  }
  const { seq, restored, kept, undone } = rewound;
  const facts = [
    undone ? trans.__('Undone') : trans.__('Went back'),
    restored.length > 0 &&
      trans._n('%1 file put back', '%1 files put back', restored.length),
    kept.length > 0 &&
      trans.__(
        '%1 left alone because they changed since',
        kept.length.toLocaleString()
      )
  ].filter(Boolean);
  return (
    <div
      className="jp-Kimi-notice"
      role="note"
      title={[...restored, ...kept].join('\n')}
    >
      {facts.join('; ')}{' '}
      <button
        type="button"
        className="jp-Kimi-link"
        disabled={session.isRunning}
        onClick={() =>
          session.command({ type: 'task.rewind', seq, files: true })
        }
      >
        {trans.__('Undo')}
      </button>
    </div>
  );
}
