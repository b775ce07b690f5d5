/** One message of the user and what followed. */
import React, { memo } from 'react';

import { OpenAsk, ToolCard } from '../cards/tool';
import { visible } from '../invisible';
import type { Item, Turn } from '../state';
import { useKimi } from './context';
import { CopyButton } from './copy';
import { TurnEnd } from './end';
import { Markdown } from './markdown';
import { Picture } from './picture';
import { ReplyView } from './reply';
import { RewindButton } from './rewind';
import { Visible } from './visible';

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
    case 'message':
      return <Bubble text={item.text} attachments={item.attachments} />;
    case 'ask':
      return item.ask.open ? (
        <div className="jp-Kimi-tool jp-mod-asking">
          <OpenAsk key={item.ask.ask} ask={item.ask} />
        </div>
      ) : (
        <p className="jp-Kimi-remarkLine">
          <Visible
            text={[item.title, item.ask.comment].filter(Boolean).join(' → ')}
          />
        </p>
      );
    case 'compacted':
      return (
        <details className="jp-Kimi-compacted">
          <summary>{trans.__('Older conversation was summarised')}</summary>
          <Markdown text={item.summary} isDone={true} />
        </details>
      );
  }
}

function UserMessage({ turn }: { readonly turn: Turn }): JSX.Element {
  return (
    <Bubble text={turn.text} attachments={turn.attachments} seq={turn.seq} />
  );
}

interface BubbleProps extends Pick<Turn, 'text' | 'attachments'> {
  /** Of the turn that it began; one that joined later can't be gone back to. */
  readonly seq?: number;
}

function Bubble({ text, attachments, seq }: BubbleProps): JSX.Element {
  const { session, trans } = useKimi();
  return (
    <div className="jp-Kimi-user" data-testid="kimi-message">
      <div className="jp-Kimi-role">
        <span>
          {visible(session.status?.display_name ?? '') || trans.__('You')}
        </span>
        <span className="jp-Kimi-corner">
          {seq !== undefined && <RewindButton seq={seq} />}
          <CopyButton text={() => text} label={trans.__('Copy the message')} />
        </span>
      </div>
      <div className="jp-Kimi-userText">{text}</div>
      {attachments.length > 0 && (
        <ul
          className="jp-Kimi-attachments"
          aria-label={trans.__('Attachments')}
        >
          {attachments.map(({ path, image }, i) => (
            <li key={i}>
              <Picture url={image} name={path} />
              {visible(path)}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
