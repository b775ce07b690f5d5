/** The conversation. */
import React, { useEffect, useState } from 'react';

import { duration } from '../format';
import { visible } from '../invisible';
import { OFFLINE } from '../choice';
import type { Retry, Transcript } from '../state';
import { useKimi } from './context';
import { useClock } from './hooks';
import { RewoundLine } from './rewind';
import { Scroller } from './scroller';
import { ItemView, TurnView } from './turn';

export function TranscriptView(): JSX.Element {
  const { session, trans } = useKimi();
  const { transcript, isRunning, task } = session;
  const { turns, notices, asks, retrying } = transcript;
  return (
    <Scroller anchor={`${task ?? ''}:${turns.length}`} asks={asks.length > 0}>
      <div
        role="log"
        aria-live="off"
        aria-busy={isRunning}
        aria-label={trans.__('Conversation')}
        className="jp-Kimi-log"
      >
        {turns.length === 0 && <Greeting />}
        {notices.map((notice, i) => (
          <ItemView key={i} item={notice} isLive={false} />
        ))}
        {turns.map((turn, i) => (
          <TurnView
            key={turn.seq}
            turn={turn}
            isLast={i === turns.length - 1}
          />
        ))}
        <RewoundLine />
        {retrying !== null ? (
          <Countdown key={retrying.attempt} retry={retrying} />
        ) : (
          isIdleInTurn(transcript, isRunning) && (
            <p className="jp-Kimi-working">
              <span className="jp-Kimi-shimmer">{trans.__('Working…')}</span>
            </p>
          )
        )}
      </div>
      <Announcer />
    </Scroller>
  );
}

/** Whether the turn runs and nothing on the screen shows it. */
function isIdleInTurn(
  { open, turns, asks }: Transcript,
  isRunning: boolean
): boolean {
  const items = turns[turns.length - 1]?.items ?? [];
  const isToolRunning = items.some(
    item => item.kind === 'tool' && item.status === 'running'
  );
  const isSpeaking =
    open !== null &&
    (open.text !== '' || open.think !== '' || open.call !== null);
  return isRunning && !isSpeaking && !isToolRunning && asks.length === 0;
}

function Greeting(): JSX.Element | null {
  const { session, trans } = useKimi();
  if (session.task !== null && session.linkState !== 'open') {
    return <p className="jp-Kimi-empty">{trans.__('Loading…')}</p>;
  }
  const isOffline = session.model === OFFLINE;
  const ideas = isOffline
    ? [trans.__('Show me what you can do')]
    : [
        trans.__('What is in this workspace?'),
        trans.__('Explain the open notebook'),
        trans.__('Find and fix a bug')
      ];
  return (
    <div className="jp-Kimi-greeting">
      <p>
        {isOffline
          ? trans.__(
              'This is the offline demo: a script plays the model on a sample workspace. It reads, proposes an edit and asks before it changes anything.'
            )
          : trans.__(
              'Ask about your notebooks and files. Kimi shows each change before it makes it.'
            )}
      </p>
      <ul>
        {ideas.map(idea => (
          <li key={idea}>
            <button
              type="button"
              className="jp-Kimi-idea"
              disabled={session.isSending}
              onClick={() => void session.send(idea)}
            >
              {idea}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Countdown({ retry }: { readonly retry: Retry }): JSX.Element {
  const { session, trans } = useKimi();
  const [start] = useState(() => Date.now());
  const now = useClock(true, 250);
  const left = Math.max(0, Math.ceil((start + retry.waitMs - now) / 1000));
  const { attempt, attempts } = retry;
  return (
    <div className="jp-Kimi-notice jp-mod-warning" data-testid="kimi-retrying">
      <p className="jp-Kimi-countdown">
        {left > 0
          ? trans.__(
              'Trying again in %1 (%2 of %3).',
              duration(left * 1000),
              attempt,
              attempts
            )
          : trans.__('Trying again (%1 of %2)…', attempt, attempts)}
      </p>
      <p className="jp-Kimi-hint">{visible(retry.why)}</p>
      <div className="jp-Kimi-actions">
        <button
          type="button"
          className="jp-Kimi-button"
          onClick={() => session.stop()}
        >
          {trans.__('Stop')}
        </button>
      </div>
    </div>
  );
}

/** Tells at the turn's boundaries what happened, for those who don't see it. */
function Announcer(): JSX.Element {
  const { session, trans } = useKimi();
  const { isRunning } = session;
  const asking = session.transcript.asks.length > 0;
  const [words, setWords] = useState('');
  const [wasRunning, setWasRunning] = useState(isRunning);
  useEffect(() => {
    if (asking) {
      setWords(trans.__('Kimi asks for your approval'));
    } else if (isRunning) {
      setWords(trans.__('Kimi is working'));
    } else if (wasRunning) {
      setWords(trans.__('Kimi is done'));
    }
    setWasRunning(isRunning);
  }, [asking, isRunning, wasRunning, trans]);
  return (
    <div className="jp-Kimi-hidden" role="status" aria-live="polite">
      {words}
    </div>
  );
}
