/**
 * The screen's fold of a task's events: `fold(transcript, event)` gives the next transcript.
 *
 * Pure and without React or JupyterLab; the rules stand in `tests/data/README.md`, and recorded logs hold it to them.
 * What streams stands apart from the turns (`open`, `live`), so that a delta costs the same however long the task is.
 */
import {
  delta,
  linkOpened,
  partial,
  replyDone,
  writing
} from './folds/replies';
import {
  askClosed,
  askOpened,
  background,
  toolDone,
  toolOutput,
  toolStarted,
  toolRunning
} from './folds/tools';
import { queued, unqueued } from './folds/queue';
import {
  endTurn,
  rewound,
  runningTurn,
  turnStarted,
  withLastTurn
} from './folds/turns';
import { EMPTY } from './state';
import type {
  LinkOpened,
  Note,
  Usage,
  Context,
  Retry,
  Transcript
} from './state';
import type {
  Compacted,
  Notice,
  Retrying,
  TaskCreated,
  UsageReported,
  Event
} from './wire';

/** The transcript after `event`; an event that means nothing here gives back the same object, its place apart. */
export function fold(
  before: Transcript,
  event: Event | LinkOpened
): Transcript {
  if (event.type === 'link.opened') {
    return linkOpened(before);
  }
  const after = apply(before, event);
  const settled =
    after.retrying !== null && event.type !== 'retrying'
      ? { ...after, retrying: null }
      : after;
  return event.seq > settled.seq ? { ...settled, seq: event.seq } : settled;
}

/** Whether a turn runs. */
export function isRunning(transcript: Transcript): boolean {
  return runningTurn(transcript) !== null;
}

function apply(state: Transcript, event: Event): Transcript {
  switch (event.type) {
    case 'task.created':
      return taskCreated(event);
    case 'task.renamed':
      return { ...state, title: event.title };
    case 'mode.changed':
      return { ...state, mode: event.mode };
    case 'model.changed':
      return { ...state, model: event.model };
    case 'turn.started':
      return turnStarted(state, event);
    case 'turn.queued':
      return queued(state, event);
    case 'turn.unqueued':
      return unqueued(state, event);
    case 'turn.ended':
      return endTurn(state, event);
    case 'rewound':
      return rewound(state, event);
    case 'command.backgrounded':
      return background(state, event.call, false, '', '');
    case 'command.ended':
      return background(
        state,
        event.call,
        true,
        event.summary,
        // Logs from before it was kept have none.
        event.output ?? ''
      );
    case 'usage':
      return {
        ...state,
        usage: addUsage(state.usage, event),
        context: contextOf(event)
      };
    case 'todo.changed':
      return { ...state, todo: event.items };
    case 'notice':
      return notice(state, event);
    case 'compacted':
      return compacted(state, event);
    case 'retrying':
      return { ...state, retrying: retry(event) };
    case 'checkpoint':
      return state;
    default:
      return applyWork(state, event);
  }
}

type Work = Extract<
  Event,
  {
    type:
      | 'think.delta'
      | 'text.delta'
      | 'call.delta'
      | 'reply.partial'
      | 'reply.done'
      | 'tool.started'
      | 'tool.running'
      | 'tool.output'
      | 'tool.done'
      | 'ask.opened'
      | 'ask.closed';
  }
>;

/** What the model says and its tools do. */
function applyWork(state: Transcript, event: Work): Transcript {
  switch (event.type) {
    case 'think.delta':
    case 'text.delta':
      return delta(state, event);
    case 'call.delta':
      return writing(state, event);
    case 'reply.partial':
      return partial(state, event);
    case 'reply.done':
      return replyDone(state, event);
    case 'tool.started':
      return toolStarted(state, event);
    case 'tool.running':
      return toolRunning(state, event);
    case 'tool.output':
      return toolOutput(state, event);
    case 'tool.done':
      return toolDone(state, event);
    case 'ask.opened':
      return askOpened(state, event);
    case 'ask.closed':
      return askClosed(state, event);
    default:
      return unchanged(state, event);
  }
}

/** The build names every event that has no case; at run time one from a later server changes nothing. */
function unchanged(state: Transcript, _event: never): Transcript {
  return state;
}

function taskCreated(event: TaskCreated): Transcript {
  const { title, model, mode, notebook, origin } = event;
  return { ...EMPTY, title, model, mode, notebook, origin };
}

function addUsage(usage: Usage, event: UsageReported): Usage {
  return {
    prompt_tokens: usage.prompt_tokens + event.prompt_tokens,
    cached_tokens: usage.cached_tokens + event.cached_tokens,
    completion_tokens: usage.completion_tokens + event.completion_tokens,
    cost: event.cost === null ? usage.cost : (usage.cost ?? 0) + event.cost,
    currency: event.currency,
    requests: usage.requests + 1
  };
}

function contextOf(event: UsageReported): Context | null {
  const used = event.prompt_tokens + event.completion_tokens;
  return event.context_tokens > 0 ? { used, size: event.context_tokens } : null;
}

function notice(state: Transcript, { level, text }: Notice): Transcript {
  const note: Note = { kind: 'notice', level, text };
  return state.turns.length === 0
    ? { ...state, notices: [...state.notices, note] }
    : withLastTurn(state, turn => ({ ...turn, items: [...turn.items, note] }));
}

function compacted(state: Transcript, { summary }: Compacted): Transcript {
  return withLastTurn(state, turn => ({
    ...turn,
    items: [...turn.items, { kind: 'compacted', summary }]
  }));
}

function retry({ why, attempt, attempts, wait_ms }: Retrying): Retry {
  return { why, attempt, attempts, waitMs: wait_ms };
}
