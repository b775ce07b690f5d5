/** The fold's part for turns: how they begin, end and are taken back. */
import type { Ask, Past, Tool, Turn, Transcript } from '../state';
import type { Rewound, TurnEnded, TurnStarted } from '../wire';

const TITLE_LENGTH = 60;

export function runningTurn(state: Transcript): Turn | null {
  const turn = state.turns[state.turns.length - 1];
  return turn !== undefined && turn.ended === null ? turn : null;
}

export function withLastTurn(
  state: Transcript,
  change: (turn: Turn) => Turn
): Transcript {
  const last = state.turns[state.turns.length - 1];
  return last === undefined
    ? state
    : { ...state, turns: [...state.turns.slice(0, -1), change(last)] };
}

export function turnStarted(
  before: Transcript,
  event: TurnStarted
): Transcript {
  const state =
    runningTurn(before) === null
      ? before
      : endTurn(before, { reason: 'interrupted', message: null });
  const { seq, at, text, attachments } = event;
  const turn: Turn = {
    seq,
    at,
    text,
    attachments,
    items: [],
    ended: null,
    todo: state.todo
  };
  return {
    ...state,
    title: state.title || titleFrom(text),
    rewound: null,
    turns: [...state.turns, turn]
  };
}

/** The title of a task that nobody named: the first line of its first message. */
export function titleFrom(text: string): string {
  const lines = text.split('\n').map(line => line.trim().replace(/\s+/g, ' '));
  const points = Array.from(lines.find(line => line !== '') ?? '');
  return points.length <= TITLE_LENGTH
    ? points.join('')
    : points
        .slice(0, TITLE_LENGTH - 1)
        .join('')
        .trimEnd() + '…';
}

export function endTurn(
  state: Transcript,
  {
    reason,
    message,
    fault
  }: Pick<TurnEnded, 'reason' | 'message'> & { fault?: string | null }
): Transcript {
  const { open, live } = state;
  const next = withLastTurn(state, turn => ({
    ...turn,
    ended: {
      reason,
      message: message ?? null,
      fault: fault ?? null,
      items: turn.items.length
    },
    items: turn.items.map(item => {
      switch (item.kind) {
        case 'tool':
          return endTool(item, live);
        case 'reply':
          return open?.reply === item.reply && !item.done
            ? { ...item, think: open.think, text: open.text }
            : item;
        case 'ask':
          return { ...item, ask: cancelled(item.ask) };
        default:
          return item;
      }
    })
  }));
  return { ...next, asks: [], open: null, live: {} };
}

function cancelled(ask: Ask): Ask {
  return ask.open
    ? { ...ask, open: false, decision: 'cancelled', by: 'agent' }
    : ask;
}

function endTool(tool: Tool, live: Transcript['live']): Tool {
  const ask = tool.ask && cancelled(tool.ask);
  return tool.done
    ? { ...tool, ask }
    : {
        ...tool,
        ask,
        output: live[tool.call] ?? tool.output,
        status: tool.status === 'running' ? 'unknown' : 'failed'
      };
}

/** Go back to before `to`, or undo the going back at `to`; turns that stay keep what was added to them since. */
export function rewound(state: Transcript, event: Rewound): Transcript {
  const { seq, to, restored, kept, undone } = event;
  const left = { ...state.left };
  for (const turn of state.turns) {
    left[turn.seq] = turn;
  }
  const earlier = undone ? state.past[to] : undefined;
  const numbers = state.turns.map(turn => turn.seq);
  const first = state.turns.find(turn => turn.seq >= to);
  const target: Past = earlier ?? {
    turns: numbers.filter(number => number < to),
    todo: first?.todo ?? state.todo
  };
  const turns = target.turns.flatMap(number => left[number] ?? []);
  const staysLast =
    turns[turns.length - 1]?.seq === numbers[numbers.length - 1];
  return {
    ...state,
    turns,
    todo: target.todo,
    left,
    past: { ...state.past, [seq]: { turns: numbers, todo: state.todo } },
    rewound: { seq, restored, kept, undone },
    asks: [],
    queued: [],
    open: staysLast ? state.open : null,
    live: staysLast ? state.live : {}
  };
}
