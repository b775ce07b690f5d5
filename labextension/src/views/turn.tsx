/** One message of the user and what followed. */
import React, { memo } from 'react';

import { ToolCard } from '../cards/tool';
import { visible } from '../invisible';
import type { Item, Turn } from '../state';
import { useKimi } from './context';
import { CopyButton } from './copy';
import { TurnEnd } from './end';
import { Markdown } from './markdown';
import { ReplyView } from './reply';

export interface TurnProps {
  readonly turn: Turn;
  readonly isLast: boolean;
}

export const TurnView = memo(function TurnView({
  turn,
  isLast
}: TurnProps): JSX.Element {
  const { trans } = useKimi();
  const isLive = turn.ended === null;
  const end = turn.ended?.items ?? turn.items.length;
  return (
    <article className="jp-Kimi-turn">
      <UserMessage turn={turn} />
      <div className="jp-Kimi-answer">
        {turn.items.length > 0 && (
          <div className="jp-Kimi-role">{trans.__('Kimi')}</div>
        )}
        {turn.items.slice(0, end).map((item, i) => (
          <ItemView key={keyOf(item, i)} item={item} isLive={isLive} />
        ))}
        {turn.ended !== null && (
          <TurnEnd turn={turn} end={turn.ended} isLast={isLast} />
        )}
        {turn.items.slice(end).map((item, i) => (
          <ItemView key={keyOf(item, i)} item={item} isLive={false} />
        ))}
      </div>
    </article>
  );
});

function keyOf(item: Item, index: number): string {
  switch (item.kind) {
    case 'reply':
      return `reply:${item.reply}`;
    case 'tool':
      return `tool:${item.call}:${index}`;
    default:
      return `${item.kind}:${index}`;
  }
}

export function ItemView({
  item,
  isLive
}: {
  readonly item: Item;
  readonly isLive: boolean;
}): JSX.Element {
  const { trans } = useKimi();
  switch (item.kind) {
    case 'reply':
      return <ReplyView item={item} isLive={isLive} />;
    case 'tool':
      return <ToolCard tool={item} />;
    case 'notice':
      return (
        <div className={`jp-Kimi-notice jp-mod-${item.level}`} role="note">
          <Markdown text={item.text} isDone={true} />
        </div>
      );
    case 'compacted':
      return (
        <details className="jp-Kimi-compacted">
          <summary>{trans.__('Older messages were summed up')}</summary>
          <Markdown text={item.summary} isDone={true} />
        </details>
      );
  }
}

function UserMessage({ turn }: { readonly turn: Turn }): JSX.Element {
  const { session, trans } = useKimi();
  return (
    <div className="jp-Kimi-user" data-testid="kimi-message">
      <div className="jp-Kimi-role">
        <span>
          {visible(session.status?.display_name ?? '') || trans.__('You')}
        </span>
        <CopyButton
          text={() => turn.text}
          label={trans.__('Copy the message')}
        />
      </div>
      <div className="jp-Kimi-userText">{turn.text}</div>
      {turn.attachments.length > 0 && (
        <ul
          className="jp-Kimi-attachments"
          aria-label={trans.__('Attachments')}
        >
          {turn.attachments.map(({ path }, i) => (
            <li key={i}>{visible(path)}</li>
          ))}
        </ul>
      )}
    </div>
  );
}
