/** What the screen holds of a task: plain, frozen data, made by `transcript.ts` alone. */
import type {
  AskClosed,
  AskOpened,
  FileDiff,
  Mode,
  Notice,
  TodoChanged,
  TurnEnded,
  TurnStarted
} from './wire';

/** A local fact: the link is there again, and what only deltas told comes once more. */
export interface LinkOpened {
  readonly type: 'link.opened';
}

/** One reply of the model; while it streams, its words are in `Transcript.open`. */
export interface Reply {
  readonly kind: 'reply';
  readonly reply: string;
  readonly think: string;
  readonly text: string;
  readonly done: boolean;
  readonly finish: string;
  readonly thinkMs: number;
  readonly startedAt: number;
  readonly model: string;
}

/** The reply that streams; `storedThink` and `storedText` are the lengths that the log holds. */
export interface OpenReply {
  readonly reply: string;
  readonly think: string;
  readonly text: string;
  readonly storedThink: number;
  readonly storedText: number;
  readonly startedAt: number;
  /** When its text began, or 0; reasoning lasts until then. */
  readonly textAt: number;
  readonly lastAt: number;
  /** The tool call that is being written. */
  readonly call: { readonly name: string; readonly size: number } | null;
}

/** The last ask of a tool call. */
export interface Ask {
  readonly ask: string;
  readonly kind: AskOpened['kind'];
  readonly effect: AskOpened['effect'];
  readonly options: AskOpened['options'];
  readonly why: string;
  readonly open: boolean;
  readonly decision: AskClosed['decision'] | null;
  readonly by: string;
  readonly comment: string | null;
}

export type ToolStatus =
  'waiting' | 'asking' | 'running' | 'done' | 'failed' | 'rejected' | 'unknown';

/** One tool call; while it runs, its output is in `Transcript.live`. */
export interface Tool {
  readonly kind: 'tool';
  readonly call: string;
  readonly name: string;
  readonly title: string;
  readonly arguments: string;
  readonly status: ToolStatus;
  readonly done: boolean;
  readonly ask: Ask | null;
  readonly output: string;
  readonly summary: string;
  /** When it was let through, by the server's clock; 0 before. */
  readonly runningAt: number;
  readonly ms: number;
  readonly diff: FileDiff | null;
  /** What the model was shown. */
  readonly images: readonly string[];
}

/** A sentence for the user. */
export interface Note {
  readonly kind: 'notice';
  readonly level: Notice['level'];
  readonly text: string;
}

/** The mark where older conversation was replaced by a summary. */
export interface Compaction {
  readonly kind: 'compacted';
  readonly summary: string;
}

/** A message that was typed while the turn ran and joined it here. */
export interface Message {
  readonly kind: 'message';
  readonly seq: number;
  readonly text: string;
  readonly attachments: TurnStarted['attachments'];
}

/** The agent's own question, which belongs to no tool call. */
export interface Asking {
  readonly kind: 'ask';
  readonly title: string;
  readonly ask: Ask;
}

export type Item = Reply | Tool | Note | Compaction | Message | Asking;

export interface End {
  readonly reason: TurnEnded['reason'];
  readonly message: string | null;
  readonly fault: string | null;
  /** How many items stood there then; later ones are notices. */
  readonly items: number;
}

/** One message of the user and what followed. */
export interface Turn {
  readonly seq: number;
  readonly at: number;
  readonly text: string;
  readonly attachments: TurnStarted['attachments'];
  readonly items: readonly Item[];
  readonly ended: End | null;
  /** The plan when it began; a rewind to before it goes back to that. */
  readonly todo: TodoChanged['items'];
}

/** A message that waits for the next step of the turn. */
export type Queued = Omit<Message, 'kind'>;

/** A command that went on in the background. */
export interface Background {
  readonly call: string;
  readonly ended: boolean;
  readonly summary: string;
  /** What it has printed since its call was answered, or since the page joined; once it has ended, all of it. */
  readonly output: string;
}

/** The last going back, until the next message. */
export interface Rewind {
  readonly seq: number;
  readonly restored: readonly string[];
  readonly kept: readonly string[];
  readonly undone: boolean;
}

/** What a rewind left, to come back when it is undone. */
export interface Past {
  readonly turns: readonly number[];
  readonly todo: TodoChanged['items'];
}

/** The usage of all requests, of rewound turns too: they were paid for. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly cached_tokens: number;
  readonly completion_tokens: number;
  readonly cost: number | null;
  readonly currency: string;
  readonly requests: number;
}

/** How full the model's context was at the last request. */
export interface Context {
  readonly used: number;
  readonly size: number;
}

export interface Retry {
  readonly why: string;
  readonly attempt: number;
  readonly attempts: number;
  readonly waitMs: number;
}

export interface Transcript {
  readonly seq: number;
  readonly title: string;
  readonly notebook: string | null;
  readonly origin: string;
  readonly model: string;
  readonly mode: Mode;
  readonly notices: readonly Note[];
  readonly turns: readonly Turn[];
  readonly asks: readonly string[];
  readonly open: OpenReply | null;
  /** Output so far of the running calls, by call id. */
  readonly live: Readonly<Record<string, string>>;
  readonly retrying: Retry | null;
  readonly todo: TodoChanged['items'];
  readonly queued: readonly Queued[];
  /** By call id; one table for the task. */
  readonly background: Readonly<Record<string, Background>>;
  readonly rewound: Rewind | null;
  /** By the seq of a `rewound`. */
  readonly past: Readonly<Record<number, Past>>;
  /** Turns as they were at the last rewind, by their seq. */
  readonly left: Readonly<Record<number, Turn>>;
  readonly usage: Usage;
  readonly context: Context | null;
}

export const EMPTY: Transcript = {
  seq: 0,
  title: '',
  notebook: null,
  origin: 'browser',
  model: '',
  mode: 'ask',
  notices: [],
  turns: [],
  asks: [],
  open: null,
  live: {},
  retrying: null,
  todo: [],
  queued: [],
  background: {},
  rewound: null,
  past: {},
  left: {},
  usage: {
    prompt_tokens: 0,
    cached_tokens: 0,
    completion_tokens: 0,
    cost: null,
    currency: 'USD',
    requests: 0
  },
  context: null
};
