/** A reply of the model: folded reasoning, then the words; the same nodes while it streams and afterwards. */
import React, { memo, useRef, useState } from 'react';

import { duration, size } from '../format';
import { visible } from '../invisible';
import type { OpenReply, Reply } from '../state';
import { useKimi } from './context';
import { CopyButton } from './copy';
import { useClock, useStream } from './hooks';
import { Markdown } from './markdown';

export interface ReplyProps {
  readonly item: Reply;
  /** Its turn runs: more may come. */
  readonly isLive: boolean;
}

export const ReplyView = memo(function ReplyView({
  item,
  isLive
}: ReplyProps): JSX.Element {
  const { session, trans } = useKimi();
  const isOpen = isLive && !item.done;
  const { open } = useStream(session, isOpen).transcript;
  const live = isOpen && open?.reply === item.reply ? open : null;
  const { think, text } = live ?? item;
  return (
    <div className="jp-Kimi-reply" data-testid="kimi-reply">
      {think !== '' && <Reasoning item={item} live={live} think={think} />}
      {text !== '' && <Markdown text={text} isDone={live === null} />}
      {live?.call && (
        <p className="jp-Kimi-writing">
          {trans.__(
            'Preparing %1… %2',
            visible(live.call.name),
            size(live.call.size)
          )}
        </p>
      )}
      <Finish item={item} />
      {live === null && item.finish !== 'tool_calls' && text.trim() !== '' && (
        <div className="jp-Kimi-replyEnd">
          <CopyButton
            className="jp-Kimi-pill"
            text={() => text}
            label={trans.__('Copy the reply as markdown')}
            word={trans.__('Copy')}
          />
        </div>
      )}
    </div>
  );
});

interface ReasoningProps {
  readonly item: Reply;
  readonly live: OpenReply | null;
  readonly think: string;
}

function Reasoning({ item, live, think }: ReasoningProps): JSX.Element {
  const { trans } = useKimi();
  const [isUnfolded, setUnfolded] = useState(false);
  const isThinking = live !== null && live.textAt === 0 && live.call === null;
  const thought = useThinkingTime(item, live, isThinking);
  return (
    <div className="jp-Kimi-reasoning">
      <button
        type="button"
        className="jp-Kimi-fold"
        aria-expanded={isUnfolded}
        onClick={() => setUnfolded(!isUnfolded)}
      >
        <span className="jp-Kimi-caret" aria-hidden="true" />
        <span className={isThinking ? 'jp-Kimi-shimmer' : ''}>
          {isThinking
            ? trans.__('Thinking… %1', duration(thought))
            : thought < 500
              ? trans.__('Thought briefly')
              : trans.__('Thought for %1', duration(thought))}
        </span>
      </button>
      {isUnfolded && (
        <div className="jp-Kimi-thoughts">
          <Markdown text={think} isDone={live === null || !isThinking} />
        </div>
      )}
    </div>
  );
}

/** How long it has thought, going on by this page's clock between two events of the server's. */
function useThinkingTime(
  item: Reply,
  live: OpenReply | null,
  isThinking: boolean
): number {
  const now = useClock(isThinking, 500);
  const last = useRef({ at: 0, seen: 0 });
  if (live === null) {
    return item.thinkMs;
  }
  if (last.current.at !== live.lastAt) {
    last.current = { at: live.lastAt, seen: Date.now() };
  }
  const since = isThinking ? Math.max(now - last.current.seen, 0) : 0;
  return (live.textAt || live.lastAt) - live.startedAt + since;
}

function Finish({ item }: { readonly item: Reply }): JSX.Element | null {
  const { trans } = useKimi();
  switch (item.finish) {
    case 'length':
      return (
        <p className="jp-Kimi-remarkLine">
          {trans.__('The reply ends here: it reached its greatest length.')}
        </p>
      );
    case 'content_filter':
      return (
        <p className="jp-Kimi-remarkLine">
          {trans.__('The API’s content filter ended the reply.')}
        </p>
      );
    default:
      return null;
  }
}
