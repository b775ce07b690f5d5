/** The body of a command's card: the whole command, where it runs and for how long. */
import React, { useLayoutEffect, useRef, useState } from 'react';

import { duration } from '../format';
import { useKimi } from '../views/context';
import { Visible } from '../views/visible';
import type { CommandLine } from '../wire';
import { isAtEnd } from './reading';

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
    if (node !== null && isAtEnd(node)) {
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
        <Fact name={trans.__('in')}>
          {command.cwd === '.' ? (
            trans.__('the workspace')
          ) : (
            <Visible text={command.cwd} />
          )}
        </Fact>
        <Fact
          name={command.background ? trans.__('runs') : trans.__('at most')}
        >
          {command.background
            ? trans.__('in the background, without a time limit')
            : duration(command.timeout_seconds * 1000)}
        </Fact>
        {(isLong || lines > 1) && (
          <Fact name={trans.__('size')}>
            {trans.__(
              '%1 lines, %2 characters',
              lines,
              command.command.length.toLocaleString()
            )}
          </Fact>
        )}
      </dl>
    </div>
  );
}

function Fact({
  name,
  children
}: {
  readonly name: string;
  readonly children: React.ReactNode;
}): JSX.Element {
  return (
    <div>
      <dt>{name}</dt> <dd>{children}</dd>
    </div>
  );
}
