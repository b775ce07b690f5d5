/** The fold's part for what the model says. */
import { backgroundAgain } from './tools';
import { runningTurn, withLastTurn } from './turns';
import type { Reply, OpenReply, Transcript } from '../state';
import type {
  CallDelta,
  ReplyDone,
  ReplyPartial,
  TextDelta,
  ThinkDelta
} from '../wire';

/** Change the unfinished reply of the event's id; another unfinished one gives way to it, a finished one stays as it is. */
function withReply(
  state: Transcript,
  { reply, at }: { readonly reply: string; readonly at: number },
  change: (open: OpenReply) => OpenReply
): Transcript {
  const { open } = state;
  if (open !== null && open.reply === reply) {
    return { ...state, open: change(open) };
  }
  const turn = runningTurn(state);
  if (
    turn === null ||
    turn.items.some(
      item => item.kind === 'reply' && item.reply === reply && item.done
    )
  ) {
    return state;
  }
  const fresh: OpenReply = {
    reply,
    think: '',
    text: '',
    storedThink: 0,
    storedText: 0,
    startedAt: at,
    textAt: 0,
    lastAt: at,
    call: null
  };
  const place: Reply = {
    kind: 'reply',
    reply,
    think: '',
    text: '',
    done: false,
    finish: '',
    thinkMs: 0,
    startedAt: at,
    model: state.model
  };
  const items = turn.items.filter(item => item.kind !== 'reply' || item.done);
  return {
    ...withLastTurn(state, last => ({ ...last, items: [...items, place] })),
    open: change(fresh)
  };
}

export function delta(
  state: Transcript,
  event: ThinkDelta | TextDelta
): Transcript {
  return withReply(state, event, open =>
    event.type === 'think.delta'
      ? { ...open, think: open.think + event.text, lastAt: event.at }
      : {
          ...open,
          text: open.text + event.text,
          textAt: open.textAt || event.at,
          lastAt: event.at
        }
  );
}

/** The model writes the arguments of a tool call. */
export function writing(state: Transcript, event: CallDelta): Transcript {
  const { name, size } = event;
  return withReply(state, event, open => ({ ...open, call: { name, size } }));
}

/** What the deltas since the last partial told is now in the log. */
export function partial(state: Transcript, event: ReplyPartial): Transcript {
  return withReply(state, event, open => stored(open, event));
}

function stored(open: OpenReply, event: ReplyPartial): OpenReply {
  const think = open.think.slice(0, open.storedThink) + event.think;
  const text = open.text.slice(0, open.storedText) + event.text;
  return {
    ...open,
    think,
    text,
    storedThink: think.length,
    storedText: text.length,
    textAt: open.textAt || (text === '' ? 0 : event.at),
    lastAt: event.at
  };
}

export function replyDone(before: Transcript, event: ReplyDone): Transcript {
  const state = withReply(before, event, open => open);
  if (state.open?.reply !== event.reply) {
    return state;
  }
  const finished = (item: Reply): Reply => ({
    ...item,
    think: event.message.reasoning_content ?? '',
    text: event.message.content ?? '',
    done: true,
    finish: event.finish,
    thinkMs: event.think_ms,
    model: event.model
  });
  const next = withLastTurn(state, turn => ({
    ...turn,
    items: turn.items.map(item =>
      item.kind === 'reply' && item.reply === event.reply
        ? finished(item)
        : item
    )
  }));
  return { ...next, open: null };
}

export function linkOpened(before: Transcript): Transcript {
  const state = backgroundAgain(before);
  if (runningTurn(state) === null) {
    return state;
  }
  const { open } = state;
  return {
    ...state,
    live: {},
    retrying: null,
    open: open && {
      ...open,
      think: open.think.slice(0, open.storedThink),
      text: open.text.slice(0, open.storedText),
      call: null
    }
  };
}
