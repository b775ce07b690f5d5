/** The fold's part for turns: how they begin, end and are taken back. */
import type { Ask, Tool, Turn, Transcript } from '../state';
import type { TurnEnded, TurnStarted } from '../wire';

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
  const turn: Turn = { seq, at, text, attachments, items: [], ended: null };
  return {
    ...state,
    title: state.title || titleFrom(text),
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
        default:
          return item;
      }
    })
  }));
  return { ...next, asks: [], open: null, live: {} };
}

function endTool(tool: Tool, live: Transcript['live']): Tool {
  const ask: Ask | null = tool.ask?.open
    ? { ...tool.ask, open: false, decision: 'cancelled', by: 'agent' }
    : tool.ask;
  return tool.done
    ? { ...tool, ask }
    : {
        ...tool,
        ask,
        output: live[tool.call] ?? tool.output,
        status: tool.status === 'running' ? 'unknown' : 'failed'
      };
}

export function rewound(state: Transcript, to: number): Transcript {
  const turns = state.turns.filter(turn => turn.seq < to);
  const kept = turns.length === state.turns.length;
  return {
    ...state,
    turns,
    asks: [],
    open: kept ? state.open : null,
    live: kept ? state.live : {}
  };
}
