/** A tool call: what it is, how it stands, and its result on demand. */
import React, { memo, useEffect, useState } from 'react';

import { duration, terminal } from '../format';
import type { Ask, Tool, ToolStatus } from '../state';
import { useKimi } from '../views/context';
import { useClock, useSession, useStream } from '../views/hooks';
import { Picture } from '../views/picture';
import { Visible } from '../views/visible';
import { AskCard } from './ask';
import {
  BackgroundStatus,
  commandOf,
  KeepRunning,
  ShortCommand
} from './background';
import { Diff } from './diff';

type Trans = ReturnType<typeof useKimi>['trans'];

/** Characters of a result that are shown at first. */
const SHOWN = 20_000;

export const ToolCard = memo(function ToolCard({
  tool
}: {
  readonly tool: Tool;
}): JSX.Element {
  const { ask } = tool;
  const isAsking = ask?.open === true;
  const isRunning = tool.status === 'running';
  const [isUnfolded, setUnfolded] = useState<boolean | null>(null);
  const shows = isUnfolded ?? (isRunning && tool.name === 'execute_command');
  const question = ask?.effect.question ?? null;
  const hasMore =
    !isAsking &&
    question === null &&
    (tool.output !== '' || tool.diff !== null || isRunning);
  if (isAsking) {
    return (
      <div className="jp-Kimi-tool jp-mod-asking" data-testid="kimi-tool">
        <OpenAsk key={ask.ask} ask={ask} />
      </div>
    );
  }
  return (
    <div
      className={`jp-Kimi-tool jp-mod-${tool.status} ${question === null ? '' : 'jp-mod-question'}`}
      data-testid="kimi-tool"
    >
      <button
        type="button"
        className="jp-Kimi-fold jp-Kimi-toolHead"
        aria-expanded={shows}
        disabled={!hasMore}
        onClick={() => setUnfolded(!shows)}
      >
        <StatusSign status={tool.status} />
        <span className="jp-Kimi-toolTitle">
          <Visible text={question?.text ?? (tool.title || tool.name)} />
          <Command tool={tool} />
        </span>
        <Facts tool={tool} />
      </button>
      <KeepRunning tool={tool} />
      {tool.images.map((url, i) => (
        <Picture key={i} url={url} name={tool.title} />
      ))}
      <BackgroundStatus call={tool.call} />
      {ask !== null && <Comment ask={ask} />}
      {shows && hasMore && <Result tool={tool} />}
    </div>
  );
});

/** The command line of a shell call, as far as it fits. */
function Command({ tool }: { readonly tool: Tool }): JSX.Element | null {
  const command = commandOf(tool);
  const isNamed = command === null || tool.title.includes(command);
  return isNamed ? null : (
    <>
      {' '}
      <ShortCommand command={command} />
    </>
  );
}

export function OpenAsk({ ask }: { readonly ask: Ask }): JSX.Element {
  const session = useSession(useKimi().session);
  useEffect(() => session.watch(ask.ask), [session, ask.ask]);
  return (
    <AskCard
      ask={ask}
      epoch={session.epoch}
      onAnswer={(decision, details) =>
        session.answer(ask.ask, decision, details)
      }
    />
  );
}

function Facts({ tool }: { readonly tool: Tool }): JSX.Element {
  const { session, trans } = useKimi();
  const isRunning = tool.status === 'running';
  const now = useClock(isRunning);
  const { ask, summary, title } = tool;
  const isQuestion = ask !== null && ask.effect.question !== null;
  const what =
    isQuestion && tool.status === 'rejected' ? trans.__('no answer') : summary;
  const isSaid = isQuestion && tool.status === 'done';
  const parts = [
    isSaid || title.includes(`(${summary})`) ? '' : what,
    ask === null
      ? ''
      : decided(ask, session.isAnsweredElsewhere(ask.ask), trans),
    isRunning ? duration(Math.max(now - tool.runningAt, 0)) : '',
    tool.done && tool.status !== 'rejected' && tool.ms >= 100
      ? duration(tool.ms)
      : ''
  ].filter(part => part !== '');
  return (
    <span className="jp-Kimi-toolFacts">
      {(summary === '' || !tool.done) && (
        <span>{wordFor(tool.status, trans)}</span>
      )}
      {parts.map(part => (
        <span key={part}>
          <Visible text={part} />
        </span>
      ))}
    </span>
  );
}

const SIGNS: Record<ToolStatus, string> = {
  waiting: '○',
  asking: '?',
  running: '',
  done: '✓',
  failed: '✕',
  rejected: '⊘',
  unknown: '?'
};

function StatusSign({ status }: { readonly status: ToolStatus }): JSX.Element {
  const { trans } = useKimi();
  return (
    <span
      className="jp-Kimi-sign"
      role="img"
      aria-label={wordFor(status, trans)}
    >
      {SIGNS[status]}
    </span>
  );
}

function wordFor(
  status: ToolStatus,
  trans: ReturnType<typeof useKimi>['trans']
): string {
  switch (status) {
    case 'waiting':
      return trans.__('waiting');
    case 'asking':
      return trans.__('waits for your answer');
    case 'running':
      return trans.__('running');
    case 'done':
      return trans.__('done');
    case 'failed':
      return trans.__('failed');
    case 'rejected':
      return trans.__('rejected');
    case 'unknown':
      return trans.__('outcome unknown');
  }
}

function Result({ tool }: { readonly tool: Tool }): JSX.Element {
  const { session, trans } = useKimi();
  const runsOn =
    useSession(session).transcript.background[tool.call]?.ended === false;
  const { transcript } = useStream(session, !tool.done || runsOn);
  const live = transcript.live[tool.call];
  const late = transcript.background[tool.call]?.output ?? '';
  const [isWhole, setWhole] = useState(false);
  const result = late || tool.output;
  const output = terminal(tool.done ? result : (live ?? tool.output));
  const shown =
    isWhole || output.length <= SHOWN
      ? output
      : cut(output, tool.done && !runsOn);
  return (
    <div className="jp-Kimi-result">
      {tool.diff !== null && <Diff diff={tool.diff} />}
      {tool.diff === null && output !== '' && (
        <pre tabIndex={0} aria-label={trans.__('Output')}>
          <Visible text={shown} />
        </pre>
      )}
      {shown.length < output.length && (
        <button
          type="button"
          className="jp-Kimi-link"
          onClick={() => setWhole(true)}
        >
          {trans.__('Show all %1 characters', output.length.toLocaleString())}
        </button>
      )}
    </div>
  );
}

/** The beginning of a result, the end of what is still coming. */
function cut(output: string, isDone: boolean): string {
  return isDone ? output.slice(0, SHOWN) : output.slice(-SHOWN);
}

/** What was said to an ask, and where, unless it was here. */
function decided(ask: Ask, isElsewhere: boolean, trans: Trans): string {
  const words: Record<NonNullable<Ask['decision']>, string> = {
    // A question's answer stands on the card in its own words.
    approve: ask.effect.question === null ? trans.__('approved') : '',
    approve_task: trans.__('approved for this task'),
    approve_remember: trans.__('approved and remembered'),
    // The status says it already.
    reject: '',
    cancelled: trans.__('not answered')
  };
  const decision = ask.decision ?? 'cancelled';
  const isByKernel = ask.by.startsWith('kernel');
  const where = isByKernel
    ? trans.__('in the notebook')
    : isElsewhere
      ? trans.__('in another tab')
      : '';
  return [words[decision], decision === 'cancelled' ? '' : where]
    .join(' ')
    .trim();
}

function Comment({ ask }: { readonly ask: Ask }): JSX.Element | null {
  return ask.comment === null || ask.comment === '' ? null : (
    <p className="jp-Kimi-decided">
      {ask.effect.question !== null && '→ '}
      <Visible text={ask.comment} />
    </p>
  );
}
