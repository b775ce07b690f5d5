/** How a turn ended, where that is not plain, and what to do then. */
import React from 'react';

import type { End, Turn } from '../state';
import { useKimi } from './context';
import { Markdown } from './markdown';

export interface TurnEndProps {
  readonly turn: Turn;
  readonly end: End;
  /** Only the last turn can be gone on with. */
  readonly isLast: boolean;
}

const KEY_FAULTS = new Set(['no_key', 'bad_key', 'forbidden']);

export function TurnEnd({
  turn,
  end,
  isLast
}: TurnEndProps): JSX.Element | null {
  const { trans } = useKimi();
  switch (end.reason) {
    case 'done':
      return end.message === null ? null : <Line text={end.message} />;
    case 'stopped':
      return <Line text={end.message ?? trans.__('Stopped.')} />;
    case 'turn_limit':
    case 'token_limit':
    case 'budget':
      return (
        <Box
          level="warning"
          text={end.message ?? trans.__('A limit was reached.')}
        >
          {isLast && <Continue />}
          {isLast && <Settings />}
        </Box>
      );
    case 'interrupted':
      return (
        <Box
          level="warning"
          text={
            end.message ?? trans.__('The server stopped before Kimi was done.')
          }
        >
          {isLast && <Continue />}
        </Box>
      );
    case 'error':
      return (
        <Box
          level="error"
          text={end.message ?? trans.__('Something went wrong.')}
        >
          {isLast && <Cures turn={turn} fault={end.fault} />}
        </Box>
      );
  }
}

function Line({ text }: { readonly text: string }): JSX.Element {
  return <p className="jp-Kimi-remarkLine">{text}</p>;
}

interface BoxProps {
  readonly level: 'warning' | 'error';
  readonly text: string;
  readonly children: React.ReactNode;
}

function Box({ level, text, children }: BoxProps): JSX.Element {
  return (
    <div
      className={`jp-Kimi-notice jp-mod-${level}`}
      role={level === 'error' ? 'alert' : 'note'}
    >
      <Markdown text={text} isDone={true} />
      <div className="jp-Kimi-actions">{children}</div>
    </div>
  );
}

function Continue(): JSX.Element {
  const { session, trans } = useKimi();
  return (
    <button
      type="button"
      className="jp-Kimi-button"
      onClick={() => void session.send(trans.__('Continue'))}
    >
      {trans.__('Continue')}
    </button>
  );
}

function Settings(): JSX.Element {
  const { trans, outside } = useKimi();
  return (
    <button
      type="button"
      className="jp-Kimi-button"
      onClick={outside.openSettings}
    >
      {trans.__('Settings')}
    </button>
  );
}

function Cures({
  turn,
  fault
}: {
  readonly turn: Turn;
  readonly fault: string | null;
}): JSX.Element {
  const { session, trans } = useKimi();
  const retry = (
    <button
      type="button"
      className="jp-Kimi-button"
      onClick={() => {
        // The failed turn goes first, so that the message does not stand twice.
        session.command({ type: 'task.rewind', seq: turn.seq, files: false });
        void session.send(turn.text);
      }}
    >
      {trans.__('Try again')}
    </button>
  );
  if (fault !== null && KEY_FAULTS.has(fault)) {
    return (
      <>
        <button
          type="button"
          className="jp-Kimi-button jp-mod-primary"
          onClick={() => session.show('key')}
        >
          {fault === 'no_key' ? trans.__('Set key') : trans.__('Change key')}
        </button>
        {retry}
      </>
    );
  }
  return (
    <>
      {retry}
      {(fault === 'unknown_model' || fault === 'unreachable') && <Settings />}
    </>
  );
}
