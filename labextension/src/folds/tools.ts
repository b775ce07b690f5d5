/** The fold's part for tool calls and their asks. */
import { runningTurn, withLastTurn } from './turns';
import type { Ask, Item, ToolStatus, Tool, Transcript } from '../state';
import type {
  ToolRunning,
  AskClosed,
  AskOpened,
  ToolDone,
  ToolOutput,
  ToolStarted
} from '../wire';

/** Characters of live output that are kept; the result itself comes whole. */
export const LIVE_LIMIT = 64 * 1024;

const UNKNOWN = 'outcome unknown';

/** Change the last tool call of this id in the running turn. */
function withTool(
  state: Transcript,
  call: string,
  change: (tool: Tool) => Tool
): Transcript {
  const items = runningTurn(state)?.items ?? [];
  const index = items
    .map(item => item.kind === 'tool' && item.call === call)
    .lastIndexOf(true);
  const tool = items[index];
  if (tool?.kind !== 'tool') {
    return state;
  }
  const next = [...items];
  next[index] = change(tool);
  return withLastTurn(state, turn => ({ ...turn, items: next }));
}

export function toolStarted(state: Transcript, event: ToolStarted): Transcript {
  if (runningTurn(state) === null) {
    return state;
  }
  const tool: Tool = {
    kind: 'tool',
    call: event.call,
    name: event.name,
    title: event.title,
    arguments: event.arguments,
    status: 'waiting',
    done: false,
    ask: null,
    output: '',
    summary: '',
    runningAt: 0,
    ms: 0,
    diff: null,
    images: []
  };
  const background = { ...state.background };
  delete background[event.call];
  return withLastTurn({ ...state, background }, turn => ({
    ...turn,
    items: [...turn.items, tool]
  }));
}

export function toolRunning(
  state: Transcript,
  { call, at }: ToolRunning
): Transcript {
  return withTool(state, call, tool => ({
    ...tool,
    status: 'running',
    runningAt: at
  }));
}

export function toolOutput(
  state: Transcript,
  { call, text }: ToolOutput
): Transcript {
  const late = state.background[call];
  if (late?.ended === false && !isOpenTool(state, call)) {
    const entry = { ...late, output: bounded(late.output + text) };
    return { ...state, background: { ...state.background, [call]: entry } };
  }
  const before = state.live[call];
  if (before === undefined && !isOpenTool(state, call)) {
    return state;
  }
  const output = bounded((before ?? '') + text);
  return { ...state, live: { ...state.live, [call]: output } };
}

function bounded(output: string): string {
  return output.length > 2 * LIVE_LIMIT ? output.slice(-LIVE_LIMIT) : output;
}

/** The link is there again: what commands in the background printed comes once more. */
export function backgroundAgain(state: Transcript): Transcript {
  const entries = Object.entries(state.background);
  if (entries.every(([, entry]) => entry.ended || entry.output === '')) {
    return state;
  }
  const background = Object.fromEntries(
    entries.map(([call, entry]) => [
      call,
      entry.ended ? entry : { ...entry, output: '' }
    ])
  );
  return { ...state, background };
}

function isOpenTool(state: Transcript, call: string): boolean {
  const items = runningTurn(state)?.items ?? [];
  return items.some(
    item => item.kind === 'tool' && item.call === call && !item.done
  );
}

export function toolDone(state: Transcript, event: ToolDone): Transcript {
  const live = { ...state.live };
  delete live[event.call];
  const next = withTool(state, event.call, tool => ({
    ...tool,
    done: true,
    output: event.output,
    summary: event.summary,
    ms: event.ms,
    diff: event.diff,
    images: event.images,
    status: statusOf(event, tool.ask)
  }));
  return { ...next, live };
}

function statusOf(event: ToolDone, ask: Ask | null): ToolStatus {
  if (event.ok) {
    return 'done';
  }
  if (event.summary === UNKNOWN) {
    return 'unknown';
  }
  return ask?.decision === 'reject' ? 'rejected' : 'failed';
}

export function askOpened(state: Transcript, event: AskOpened): Transcript {
  const { ask, kind, effect, options, why } = event;
  const opened: Ask = {
    ask,
    kind,
    effect,
    options,
    why,
    open: true,
    decision: null,
    by: '',
    comment: null
  };
  const asking = withTool(state, event.call, tool => ({
    ...tool,
    ask: opened,
    status: 'asking'
  }));
  const next =
    asking === state && runningTurn(state) !== null
      ? withLastTurn(state, turn => ({
          ...turn,
          items: [
            ...turn.items,
            { kind: 'ask', title: effect.title, ask: opened }
          ]
        }))
      : asking;
  return { ...next, asks: [...state.asks, ask] };
}

export function askClosed(before: Transcript, event: AskClosed): Transcript {
  const state = {
    ...before,
    asks: before.asks.filter(ask => ask !== event.ask)
  };
  if (runningTurn(state) === null) {
    return state;
  }
  return withLastTurn(state, turn => ({
    ...turn,
    items: turn.items.map(item => closed(item, event))
  }));
}

function closed(
  item: Item,
  { ask: id, decision, by, comment }: AskClosed
): Item {
  if (
    (item.kind !== 'tool' && item.kind !== 'ask') ||
    item.ask?.ask !== id ||
    !item.ask.open
  ) {
    return item;
  }
  const ask: Ask = { ...item.ask, open: false, decision, by, comment };
  return item.kind === 'tool'
    ? { ...item, ask, status: 'waiting' }
    : { ...item, ask };
}

/** Note how a background command stands, with or without a turn and a tool. */
export function background(
  state: Transcript,
  call: string,
  ended: boolean,
  summary: string,
  output: string
): Transcript {
  const entry = { call, ended, summary, output };
  return { ...state, background: { ...state.background, [call]: entry } };
}
