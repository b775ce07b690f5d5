/** What stands between the conversation and the input: the plan, background commands, queued messages. */
import { closeIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { BackgroundLine } from '../cards/background';
import { useKimi } from './context';
import { IconButton } from './header';
import { Visible } from './visible';

export function Pending(): JSX.Element {
  const { session, trans } = useKimi();
  const { todo, background, queued } = session.transcript;
  const done = todo.filter(({ status }) => status === 'done').length;
  const active = todo.find(({ status }) => status === 'active');
  const marks = { open: '○', active: '◐', done: '✓' };
  const words = {
    open: trans.__('open'),
    active: trans.__('in progress'),
    done: trans.__('done')
  };
  const running = Object.values(background).filter(({ ended }) => !ended);
  return (
    <>
      {todo.length > 0 && (
        <details className="jp-Kimi-todo">
          <summary>
            <span className="jp-Kimi-todoCount">
              {trans.__('%1 of %2 done', done, todo.length)}
            </span>
            {active !== undefined && (
              <span className="jp-Kimi-todoNow">
                <Visible text={active.text} />
              </span>
            )}
          </summary>
          <ul>
            {todo.map(({ text, status }, i) => (
              <li key={i} data-status={status}>
                <span role="img" aria-label={words[status]}>
                  {marks[status]}
                </span>
                <span>
                  <Visible text={text} />
                </span>
              </li>
            ))}
          </ul>
        </details>
      )}
      {running.map(entry => (
        <BackgroundLine key={entry.call} entry={entry} />
      ))}
      {queued.map(({ seq, text }) => (
        <div key={seq} className="jp-Kimi-queued" data-testid="kimi-queued">
          <div>
            <span className="jp-Kimi-hint">
              {trans.__('Waits for the next step')}
            </span>
            <div className="jp-Kimi-userText">{text}</div>
          </div>
          <IconButton
            icon={closeIcon}
            label={trans.__('Take the message back')}
            onClick={() => session.command({ type: 'turn.unqueue', seq })}
          />
        </div>
      ))}
    </>
  );
}
