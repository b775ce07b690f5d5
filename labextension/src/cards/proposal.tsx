/** What a user may change of a proposal before it is approved: single hunks left out, or the whole text. */
import React from 'react';

import type { AnswerDetails } from '../answers';
import { useKimi } from '../views/context';
import type { Effect } from '../wire';

export interface Changes {
  /** Places of the hunks that are left out. */
  readonly left: ReadonlySet<number>;
  /** The proposal as the user wrote it anew. */
  readonly edited: string | null;
}

export const UNCHANGED: Changes = { left: new Set(), edited: null };

/** The text that can be edited, or `null` where there is none to be had. */
export function proposed({ diff, command }: Effect): string | null {
  return diff !== null ? diff.after : (command?.command ?? null);
}

/** What goes with an approval; nothing where it holds for all as proposed. */
export function detailsOf(
  effect: Effect,
  { left, edited }: Changes
): AnswerDetails | undefined {
  if (edited !== null && edited !== proposed(effect)) {
    return { edited };
  }
  const hunks = (effect.diff?.hunks ?? []).map((_, i) => i);
  return left.size > 0 ? { hunks: hunks.filter(i => !left.has(i)) } : undefined;
}

interface ProposalProps {
  readonly effect: Effect;
  readonly changes: Changes;
  readonly onChange: (changes: Changes) => void;
}

export function Proposal({
  effect,
  changes,
  onChange
}: ProposalProps): JSX.Element {
  const { trans } = useKimi();
  const { left, edited } = changes;
  const text = proposed(effect);
  const hunks = effect.diff?.hunks ?? [];
  const toggle = (place: number) => {
    const next = new Set(left);
    if (!next.delete(place)) {
      next.add(place);
    }
    onChange({ ...changes, left: next });
  };
  return (
    <>
      {hunks.length > 1 && edited === null && (
        <fieldset className="jp-Kimi-hunks">
          <legend>{trans.__('Changes to approve')}</legend>
          {hunks.map(({ line, added, removed }, i) => (
            <label key={i}>
              <input
                type="checkbox"
                checked={!left.has(i)}
                onChange={() => toggle(i)}
              />
              <span>{trans.__('Line %1 (+%2 −%3)', line, added, removed)}</span>
            </label>
          ))}
        </fieldset>
      )}
      {edited !== null && (
        <textarea
          className="jp-Kimi-comment jp-Kimi-edit"
          rows={effect.diff ? 12 : 3}
          autoFocus
          spellCheck={false}
          aria-label={trans.__('Edited proposal')}
          value={edited}
          onChange={event =>
            onChange({ ...changes, edited: event.target.value })
          }
        />
      )}
      {text !== null && (
        <button
          type="button"
          className="jp-Kimi-link jp-Kimi-editLink"
          onClick={() =>
            onChange({ ...changes, edited: edited === null ? text : null })
          }
        >
          {edited !== null
            ? trans.__('Discard my edit')
            : effect.diff
              ? trans.__('Edit before approving')
              : trans.__('Edit')}
        </button>
      )}
    </>
  );
}
