/** The approval card: what would be done, and the answers that count. */
import React, { useEffect, useId, useRef, useState } from 'react';
import type { MouseEvent } from 'react';

import type { AnswerDetails } from '../answers';
import type { Ask } from '../state';
import { useKimi } from '../views/context';
import { Visible } from '../views/visible';
import type { Decision } from '../wire';
import { CommandBody } from './command';
import { isCovered } from './covered';
import { detailsOf, Proposal, proposed, UNCHANGED } from './proposal';
import { QuestionBody } from './question';
import { useFocusBack } from './focus';
import { ClickGuard, useArming } from './guard';
import type { Guard } from './guard';
import { needsReading } from './reading';
import { WriteBody } from './write';

export interface AskCardProps {
  readonly ask: Ask;
  /** Changes when a click that got no answer may be repeated. */
  readonly epoch: number;
  readonly onAnswer: (decision: Decision, details?: AnswerDetails) => void;
  readonly guard?: Guard;
}

export function AskCard({
  ask,
  epoch,
  onAnswer,
  guard
}: AskCardProps): JSX.Element {
  const { trans } = useKimi();
  const card = useRef<HTMLDivElement>(null);
  const [judge] = useState<Guard>(() => guard ?? new ClickGuard());
  const isArmed = useArming(card, judge);
  const willLeave = useFocusBack(card);
  const [sent, setSent] = useState<Decision | null>(null);
  const [isSeen, setSeen] = useState(() => !needsReading(ask.effect));
  const [isHidden, setHidden] = useState(false);
  const [changes, setChanges] = useState(UNCHANGED);
  const title = useId();
  useEffect(() => setSent(null), [epoch]);

  const answer = (
    event: MouseEvent,
    decision: Decision,
    details?: AnswerDetails
  ) => {
    if (sent !== null || !judge.allows(event.nativeEvent)) {
      return;
    }
    const hides =
      decision !== 'reject' && card.current !== null && isCovered(card.current);
    setHidden(hides);
    if (!hides) {
      setSent(decision);
      willLeave();
      onAnswer(decision, details);
    }
  };
  const { effect } = ask;
  const hunks = effect.diff?.hunks?.length ?? 0;
  const isEdited =
    changes.edited !== null && changes.edited !== proposed(effect);
  const isPartial = !isEdited && changes.left.size > 0;
  const why = [ask.why, effect.protected].filter(Boolean).join(' ');
  return (
    <div
      ref={card}
      className={`jp-Kimi-ask ${isArmed ? '' : 'jp-mod-arming'}`}
      role="group"
      aria-labelledby={title}
      data-ask={ask.ask}
      data-kind={ask.kind}
    >
      <div className="jp-Kimi-askTitle" id={title}>
        <Visible text={effect.title} />
      </div>
      {why !== '' && (
        <p className="jp-Kimi-askWhy">
          <Visible text={why} />
        </p>
      )}
      {effect.command && (
        <CommandBody command={effect.command} onSeen={() => setSeen(true)} />
      )}
      {effect.diff && (
        <WriteBody diff={effect.diff} onSeen={() => setSeen(true)} />
      )}
      {!effect.command && !effect.diff && <Paths paths={effect.paths} />}
      {effect.question ? (
        <QuestionBody
          question={effect.question}
          isBlocked={sent !== null || !isArmed}
          onAnswer={(event, text) =>
            text === null
              ? answer(event, 'reject')
              : answer(event, 'approve', { comment: text })
          }
        />
      ) : (
        <>
          <Proposal effect={effect} changes={changes} onChange={setChanges} />
          <Answers
            options={
              isEdited || isPartial
                ? ask.options.filter(each => /^(approve|reject)$/.test(each))
                : ask.options
            }
            approve={
              isEdited
                ? trans.__('Approve my edit')
                : isPartial
                  ? trans.__(
                      'Approve %1 of %2',
                      hunks - changes.left.size,
                      hunks
                    )
                  : trans.__('Approve')
            }
            isEmpty={isPartial && changes.left.size === hunks}
            isBlocked={sent !== null || !isArmed}
            isUnread={!isSeen}
            isDiff={effect.diff !== null}
            onAnswer={(event, decision, details) =>
              answer(
                event,
                decision,
                decision === 'approve' ? detailsOf(effect, changes) : details
              )
            }
          />
        </>
      )}
      {isHidden && <Covered />}
      <div className="jp-Kimi-hidden" role="status">
        {sent !== null && trans.__('Sent, waiting for the agent')}
      </div>
    </div>
  );
}

function Covered(): JSX.Element {
  const { trans } = useKimi();
  return (
    <p className="jp-Kimi-problem" role="alert">
      {trans.__(
        'Something lies over this card, so the click did not count. Move or close it, then click again.'
      )}
    </p>
  );
}

function Paths({ paths }: { readonly paths: readonly string[] }): JSX.Element {
  return (
    <ul className="jp-Kimi-paths">
      {paths.map(path => (
        <li key={path}>
          <Visible text={path} />
        </li>
      ))}
    </ul>
  );
}

interface AnswersProps {
  readonly options: readonly Decision[];
  /** The word on the button that approves. */
  readonly approve: string;
  /** No hunk is left to approve. */
  readonly isEmpty: boolean;
  readonly isBlocked: boolean;
  /** Part of what would be done has not been scrolled into sight yet. */
  readonly isUnread: boolean;
  /** It is a diff that would be read. */
  readonly isDiff: boolean;
  readonly onAnswer: (
    event: MouseEvent,
    decision: Decision,
    details?: AnswerDetails
  ) => void;
}

function Answers({
  options,
  approve,
  isEmpty,
  isBlocked,
  isUnread,
  isDiff,
  onAnswer
}: AnswersProps): JSX.Element {
  const { trans } = useKimi();
  const [comment, setComment] = useState<string | null>(null);
  const words: Record<Decision, string> = {
    approve,
    approve_remember: trans.__('Approve & remember'),
    approve_task: trans.__('Approve for this task'),
    reject: trans.__('Reject')
  };
  // Who writes a comment rejects: another button would drop their words.
  const order: readonly Decision[] =
    comment !== null
      ? ['reject']
      : ['approve', 'reject', 'approve_remember', 'approve_task'];
  const said = comment?.trim() ?? '';
  const details = said === '' ? undefined : { comment: said };
  return (
    <>
      {comment !== null && (
        <textarea
          className="jp-Kimi-comment"
          rows={2}
          autoFocus
          aria-label={trans.__('What to do instead')}
          placeholder={trans.__('What to do instead')}
          value={comment}
          onChange={event => setComment(event.target.value)}
        />
      )}
      {isUnread && (
        <p className="jp-Kimi-hint">
          {isDiff
            ? trans.__('View the diff and scroll to its end to approve it.')
            : trans.__('Scroll to the end of the command to approve it.')}
        </p>
      )}
      <div className="jp-Kimi-actions">
        {order
          .filter(decision => options.includes(decision))
          .map(decision => (
            <button
              key={decision}
              type="button"
              className={`jp-Kimi-button ${decision === order[0] ? 'jp-mod-primary' : ''}`}
              data-decision={decision}
              disabled={
                isBlocked || ((isUnread || isEmpty) && decision !== 'reject')
              }
              title={hintFor(decision, trans)}
              onClick={event =>
                onAnswer(
                  event,
                  decision,
                  decision === 'reject' ? details : undefined
                )
              }
            >
              {words[decision]}
            </button>
          ))}
        {options.includes('reject') && (
          <button
            type="button"
            className="jp-Kimi-link"
            onClick={() => setComment(comment === null ? '' : null)}
          >
            {comment === null
              ? trans.__('Reject with a comment')
              : trans.__('Discard my comment')}
          </button>
        )}
      </div>
    </>
  );
}

function hintFor(
  decision: Decision,
  trans: ReturnType<typeof useKimi>['trans']
): string {
  switch (decision) {
    case 'approve':
      return trans.__('Do this, once');
    case 'approve_remember':
      return trans.__('Do this, and never ask again for exactly this command');
    case 'approve_task':
      return trans.__('Do this, and don’t ask for the like again in this task');
    case 'reject':
      return trans.__('Don’t do this');
  }
}
