/** Commands in the background: the way there, how they stand, and their end. */
import { stopIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { visible } from '../invisible';
import type { Background, Tool } from '../state';
import { useKimi } from '../views/context';
import { IconButton } from '../views/header';
import { useSession } from '../views/hooks';
import { Visible } from '../views/visible';

/** Characters of a command that are shown in a line. */
const SHOWN = 200;

/** What a shell call runs; `null` for any other. */
export function commandOf(tool: Tool): string | null {
  if (tool.name !== 'execute_command') {
    return null;
  }
  if (tool.ask?.effect.command) {
    return tool.ask.effect.command.command;
  }
  try {
    const { command } = JSON.parse(tool.arguments) as { command?: unknown };
    return typeof command === 'string' ? command : null;
  } catch {
    return null;
  }
}

/** A command line as far as it fits, whole on hover. */
export function ShortCommand({
  command
}: {
  readonly command: string;
}): JSX.Element {
  return (
    <code title={visible(command)}>
      <Visible
        text={command.length > SHOWN ? `${command.slice(0, SHOWN)}…` : command}
      />
    </code>
  );
}

/** Lets a running command go on while the agent does. */
export function KeepRunning({
  tool
}: {
  readonly tool: Tool;
}): JSX.Element | null {
  const { session, trans } = useKimi();
  if (tool.name !== 'execute_command' || tool.status !== 'running') {
    return null;
  }
  return (
    <p className="jp-Kimi-decided">
      <button
        type="button"
        className="jp-Kimi-link"
        title={trans.__(
          'Kimi goes on without waiting for it; it has no time limit then.'
        )}
        onClick={() =>
          session.command({ type: 'command.background', call: tool.call })
        }
      >
        {trans.__('Keep running in the background')}
      </button>
    </p>
  );
}

/** How a command stands that went on in the background. */
export function BackgroundStatus({
  call
}: {
  readonly call: string;
}): JSX.Element | null {
  const { session: given, trans } = useKimi();
  const session = useSession(given);
  const entry = session.transcript.background[call];
  if (entry === undefined) {
    return null;
  }
  return (
    <p className="jp-Kimi-decided" data-testid="kimi-background">
      {entry.ended ? (
        <Visible text={trans.__('In the background: %1', entry.summary)} />
      ) : (
        <>
          {trans.__('Runs in the background')}{' '}
          <button
            type="button"
            className="jp-Kimi-link"
            onClick={() => session.command({ type: 'command.stop', call })}
          >
            {trans.__('Stop it')}
          </button>
        </>
      )}
    </p>
  );
}

/** One command that runs in the background, above the input. */
export function BackgroundLine({
  entry
}: {
  readonly entry: Background;
}): JSX.Element {
  const { session, trans } = useKimi();
  const tool = session.toolOf(entry.call);
  const command = (tool && commandOf(tool)) ?? tool?.title ?? entry.call;
  return (
    <div className="jp-Kimi-runs" data-testid="kimi-background-line">
      <span className="jp-Kimi-sign jp-mod-running" aria-hidden="true" />
      <span className="jp-Kimi-runsText">
        <span className="jp-Kimi-hint">{trans.__('In the background')}</span>
        <ShortCommand command={command} />
      </span>
      <IconButton
        icon={stopIcon}
        label={trans.__('Stop the background command')}
        onClick={() =>
          session.command({ type: 'command.stop', call: entry.call })
        }
      />
    </div>
  );
}
