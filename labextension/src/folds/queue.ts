/** The fold's part for messages that are typed while a turn runs. */
import { withLastTurn } from './turns';
import type { Transcript } from '../state';
import type { TurnQueued, TurnUnqueued } from '../wire';

export function queued(state: Transcript, event: TurnQueued): Transcript {
  const { seq, text, attachments } = event;
  return { ...state, queued: [...state.queued, { seq, text, attachments }] };
}

export function unqueued(state: Transcript, event: TurnUnqueued): Transcript {
  const waiting = state.queued.find(({ seq }) => seq === event.queued);
  if (waiting === undefined) {
    return state;
  }
  const next = {
    ...state,
    queued: state.queued.filter(each => each !== waiting)
  };
  return event.joined
    ? withLastTurn(next, turn => ({
        ...turn,
        items: [...turn.items, { kind: 'message', ...waiting }]
      }))
    : next;
}
