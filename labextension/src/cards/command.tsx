/** The body of a command's card: the whole command, where it runs and for how long. */
import React, { useLayoutEffect, useRef, useState } from 'react';

import { duration } from '../format';
import { useKimi } from '../views/context';
import { Visible } from '../views/visible';
import type { CommandLine } from '../wire';

export interface CommandBodyProps {
  readonly command: CommandLine;
  /** The end of the command was in sight. */
  readonly onSeen: () => void;
}

export function CommandBody({
  command,
  onSeen
}: CommandBodyProps): JSX.Element {
  const { trans } = useKimi();
  const box = useRef<HTMLPreElement>(null);
  const [isLong, setLong] = useState(false);
  const check = () => {
    const node = box.current;
    if (
      node !== null &&
      node.scrollTop + node.clientHeight >= node.scrollHeight - 4
    ) {
      onSeen();
    }
  };
  useLayoutEffect(() => {
    const node = box.current;
    setLong(node !== null && node.scrollHeight > node.clientHeight + 4);
    check();
    // Once, when it is laid out: what was seen stays seen.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  const lines = command.command.split('\n').length;
  return (
    <div className="jp-Kimi-command">
      <pre
        ref={box}
        onScroll={check}
        tabIndex={0}
        aria-label={trans.__('Command')}
      >
        <Visible text={command.command} />
      </pre>
      <dl className="jp-Kimi-commandFacts">
        <dt>{trans.__('in')}</dt>
        <dd>
          {command.cwd === '.' ? (
            trans.__('the workspace')
          ) : (
            <Visible text={command.cwd} />
          )}
        </dd>
        <dt>{command.background ? trans.__('runs') : trans.__('at most')}</dt>
        <dd>
          {command.background
            ? trans.__('in the background, without a time limit')
            : duration(command.timeout_seconds * 1000)}
        </dd>
        {(isLong || lines > 1) && (
          <>
            <dt>{trans.__('size')}</dt>
            <dd>
              {trans.__(
                '%1 lines, %2 characters',
                lines,
                command.command.length
              )}
            </dd>
          </>
        )}
      </dl>
    </div>
  );
}
