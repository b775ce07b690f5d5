// Written by `make wire` from kimi_jupyter/protocol; not to be edited.

/** An ask has its answer. */
export interface AskClosed {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'ask.closed';
  /** The ask's id. */
  readonly ask: string;
  /** `cancelled` where the turn ended first. */
  readonly decision: 'approve' | 'approve_task' | 'approve_remember' | 'reject' | 'cancelled';
  /** `browser`, `kernel`, or `agent` for a cancelled one. */
  readonly by: string;
  /** What the user said to it. */
  readonly comment: string | null;
}

/** The agent waits for the outside. */
export interface AskOpened {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'ask.opened';
  /** 128 random bits in hex; single use. */
  readonly ask: string;
  /** Which card draws it. */
  readonly kind: 'read' | 'write' | 'command' | 'note' | 'stop' | 'question';
  /** The tool call that waits; empty where the agent itself asks (a limit is reached, it goes round in circles). */
  readonly call: string;
  /** What is asked about. */
  readonly effect: Effect;
  /** The answers that count. */
  readonly options: readonly ('approve' | 'approve_task' | 'approve_remember' | 'reject')[];
  /** Why it asks, where that is not plain: a protected name, a file changed since the last card. */
  readonly why: string;
}

/** A whole reply of the model. */
export interface AssistantMessage {
  readonly role: 'assistant';
  /** The visible text, perhaps empty beside tool calls. */
  readonly content: string;
  /** The reasoning as it came; `None` when the API sent no such field, which differs from an empty text. */
  readonly reasoning_content: string | null;
  /** In the order in which the model asked for them. */
  readonly tool_calls: readonly ToolCall[];
}

/** A file as it was inlined with a message. */
export interface Attachment {
  /** Relative to the workspace, or the name of an uploaded file. */
  readonly path: string;
  /** The text that the model is given. */
  readonly text: string;
  /** Bytes of the file. */
  readonly size: number;
  /** For an image: its `data:` URL; `text` is then empty. */
  readonly image: string | null;
}

/** The model is writing the arguments of a tool call. */
export interface CallDelta {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'call.delta';
  /** Id of the reply. */
  readonly reply: string;
  /** Name of the tool. */
  readonly name: string;
  /** Characters of arguments so far. */
  readonly size: number;
}

/** Files that a tool call changed, with images to go back to. */
export interface Checkpoint {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'checkpoint';
  /** The tool call. */
  readonly call: string;
  /** What can be put back. */
  readonly files: readonly FileImage[];
  /** Changed files of which no image was kept: too large, too many, or not readable. */
  readonly uncovered: readonly string[];
}

/** A command goes on in the background after its call was answered. */
export interface CommandBackgrounded {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'command.backgrounded';
  /** The call that started it; `read_output` and `stop_command` name it so. */
  readonly call: string;
}

/** A background command is over. */
export interface CommandEnded {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'command.ended';
  /** The call that started it. */
  readonly call: string;
  /** Such as `exit code 0` or `stopped`. */
  readonly summary: string;
  /** What it had printed, its head and tail where that is long; without secrets. */
  readonly output: string;
}

/** What a shell command would run. */
export interface CommandLine {
  /** The text for the shell, exactly. */
  readonly command: string;
  /** Where it runs, relative to the workspace; `.` for the workspace itself. */
  readonly cwd: string;
  /** After this it is ended with all that it started; in the background it has no time limit. */
  readonly timeout_seconds: number;
  /** It goes on in the background, until it ends or is stopped. */
  readonly background: boolean;
}

/** Older conversation was replaced by a summary; the log keeps the originals. */
export interface Compacted {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'compacted';
  /** What stands for the older part. */
  readonly summary: string;
  /** The last event that the summary stands for. */
  readonly upto: number;
}

/** What a tool call would do, declared before it is done; the card shows this and nothing else. */
export interface Effect {
  /** Which rule of the policy applies. */
  readonly kind: 'read' | 'write' | 'command' | 'note' | 'stop' | 'question';
  /** The card's headline, such as `Write file src/utils.ts (+5 −2)`. */
  readonly title: string;
  /** Workspace-relative paths that it touches. */
  readonly paths: readonly string[];
  /** For a write. */
  readonly diff: FileDiff | null;
  /** For a shell command. */
  readonly command: CommandLine | null;
  /** For a question, of the model or of the agent itself (a limit is reached, it goes round in circles). */
  readonly question: Question | null;
  /** Why it asks in every mode, where it touches a protected name. */
  readonly protected: string | null;
  /** SHA-256 over all that will be done, or what the agent's own question is about; an approval holds for this digest only. */
  readonly digest: string;
}

/** What a write does to one file. */
export interface FileDiff {
  /** Relative to the workspace, with `/`. */
  readonly path: string;
  /** The file does not exist yet. */
  readonly is_new: boolean;
  /** Lines added. */
  readonly added: number;
  /** Lines removed. */
  readonly removed: number;
  /** Unified diff with three lines of context, cut after 2,000 lines. */
  readonly unified: string;
  /** The unified diff was cut. */
  readonly is_cut: boolean;
  /** The present text, `None` where it is longer than 200,000 characters. */
  readonly before: string | null;
  /** The proposed text, `None` where it is longer than 200,000 characters. */
  readonly after: string | null;
  /** SHA-256 of the present bytes in hex; empty for a new file. */
  readonly before_hash: string;
  /** SHA-256 of the bytes that will be written, in hex. */
  readonly after_hash: string;
  /** The changes in the order of the unified diff; an answer names them by their place, from 0. */
  readonly hunks: readonly Hunk[];
}

/** A file before and after a change, by the hashes of its bytes; empty where there was no file. */
export interface FileImage {
  /** Relative to the workspace. */
  readonly path: string;
  /** SHA-256 in hex of the kept image. */
  readonly before: string;
  /** SHA-256 in hex of what the change left. */
  readonly after: string;
}

/** One change of a diff; the user may approve it without the others. */
export interface Hunk {
  /** The line of the present text where it begins, from 1. */
  readonly line: number;
  /** Lines added. */
  readonly added: number;
  /** Lines removed. */
  readonly removed: number;
}

/** The approval mode of the task changed. */
export interface ModeChanged {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'mode.changed';
  /** The mode from now on. */
  readonly mode: 'ask' | 'accept_edits' | 'plan' | 'bypass';
}

/** The model of the task changed. */
export interface ModelChanged {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'model.changed';
  /** The model from now on. */
  readonly model: string;
}

/** Something that the user should know. */
export interface Notice {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'notice';
  /** How it is drawn. */
  readonly level: 'info' | 'warning' | 'error';
  /** What happened and what to do. */
  readonly text: string;
}

/** What the agent wants to know from the user. */
export interface Question {
  /** The question. */
  readonly text: string;
  /** Answers to choose from; a free text is always possible. */
  readonly options: readonly string[];
}

/** The answer to a command that can't be taken; it goes to its sender only and is not part of the log. */
export interface Refusal {
  readonly type: 'command.refused';
  /** What happened and what to do. */
  readonly why: string;
  /** Type of the refused command. */
  readonly command: string;
}

/** The model's whole message; replaces all parts of the same reply. */
export interface ReplyDone {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'reply.done';
  /** Id of the reply. */
  readonly reply: string;
  /** The message as it will be replayed to the model. */
  readonly message: AssistantMessage;
  /** `stop`, `length`, `tool_calls`, `content_filter`; `stopped` where the user stopped it, `error` where the last try failed. */
  readonly finish: string;
  /** The model that wrote it. */
  readonly model: string;
  /** How long it reasoned before the first text, in milliseconds. */
  readonly think_ms: number;
}

/** What has come since the last `reply.partial` of the same reply; stored about once a second. */
export interface ReplyPartial {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'reply.partial';
  /** Id of the reply. */
  readonly reply: string;
  /** Reasoning since the last one. */
  readonly think: string;
  /** Text since the last one. */
  readonly text: string;
}

/** A request failed and will be sent again. */
export interface Retrying {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'retrying';
  /** What the API said. */
  readonly why: string;
  /** The try that comes next, from 2. */
  readonly attempt: number;
  /** How many tries there are at most. */
  readonly attempts: number;
  /** How long until then. */
  readonly wait_ms: number;
}

/** The conversation went back; events from `to` to here no longer count. */
export interface Rewound {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'rewound';
  /** The first event that is left out. */
  readonly to: number;
  /** Files that were put back. */
  readonly restored: readonly string[];
  /** Files that were left alone, because they changed since the agent wrote them. */
  readonly kept: readonly string[];
  /** This undoes the `rewound` event at `to`: what that left out counts again. */
  readonly undone: boolean;
}

/** All settings; the field's alias is the name in the file. */
export interface Settings {
  /** Your name, shown in the chat header; display only. */
  readonly 'kimi.displayName': string;
  /** Moonshot model id that new tasks start with. */
  readonly 'kimi.model': string;
  /** Whether the model reasons before it answers; only `kimi-k2.6` can do without, the others always think. */
  readonly 'kimi.thinking': 'on' | 'off';
  /** Ask permission, accept edits, plan or bypass permissions. */
  readonly 'kimi.mode': 'ask' | 'accept_edits' | 'plan' | 'bypass';
  /** How many requests the agent may make for one message before it stops. */
  readonly 'kimi.maxTurns': number;
  /** Uncached input plus output of a whole task, in tokens, before it stops. */
  readonly 'kimi.maxTaskTokens': number;
  /** Estimated USD of a whole task; before a request that may go beyond it you are asked. Empty for no limit. */
  readonly 'kimi.maxTaskCost': number | null;
  /** Reading, listing and searching files asks for nothing. */
  readonly 'kimi.autoApprove.read': boolean;
  /** `write_file` and `apply_diff` ask for nothing; the same effect as the mode Accept edits. */
  readonly 'kimi.autoApprove.write': boolean;
  /** Regular expressions; a command that one of them matches in full asks for nothing. Not a sandbox. */
  readonly 'kimi.autoApprove.commands': readonly string[];
  /** USD per million input tokens, for the cost estimate only; empty for the bundled price. */
  readonly 'kimi.pricing.inputPerMillion': number | null;
  /** USD per million output tokens, for the cost estimate only; empty for the bundled price. */
  readonly 'kimi.pricing.outputPerMillion': number | null;
  /** `https://api.moonshot.ai/v1` where empty; `https://api.moonshot.cn/v1` for keys of the Chinese site. */
  readonly 'kimi.baseUrl': string;
  /** Give the model the block of instructions below. */
  readonly 'kimi.instructions.enabled': boolean;
  /** Your own text of that block; empty for the bundled one. */
  readonly 'kimi.instructions.text': string;
  /** Give the model the workspace's own `AGENTS.md` and `KIMI.md` with each message. */
  readonly 'kimi.instructions.files': boolean;
  /** What `%%kimi` does where nobody can answer (nbconvert, papermill): plan mode, or refuse to start. */
  readonly 'kimi.unattended': 'plan' | 'deny';
}

/** First event of every log. */
export interface TaskCreated {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'task.created';
  /** Version of the log format. */
  readonly schema_version: number;
  /** Empty until the first message or a rename names it. */
  readonly title: string;
  /** The notebook that it belongs to, relative to the workspace. */
  readonly notebook: string | null;
  /** The working folder, relative to the workspace. */
  readonly folder: string;
  /** Model id at the start. */
  readonly model: string;
  /** Approval mode at the start. */
  readonly mode: 'ask' | 'accept_edits' | 'plan' | 'bypass';
  /** The system prompt, rendered once so that the prompt's prefix stays the same. */
  readonly system: string;
  /** Who started it: `browser`, or `kernel:<id>`; a kernel may answer asks of its own tasks only. */
  readonly origin: string;
}

/** The task has another title. */
export interface TaskRenamed {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'task.renamed';
  /** The title from now on. */
  readonly title: string;
}

/** More text of the open reply. */
export interface TextDelta {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'text.delta';
  /** Id of the reply. */
  readonly reply: string;
  /** The new part. */
  readonly text: string;
}

/** More reasoning of the open reply. */
export interface ThinkDelta {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'think.delta';
  /** Id of the reply; a delta of another reply than the open one replaces that one. */
  readonly reply: string;
  /** The new part. */
  readonly text: string;
}

/** The agent's plan, whole. */
export interface TodoChanged {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'todo.changed';
  /** All lines in order. */
  readonly items: readonly TodoItem[];
}

/** One line of the agent's plan. */
export interface TodoItem {
  /** What is to be done. */
  readonly text: string;
  /** How far it is. */
  readonly status: 'open' | 'active' | 'done';
}

/** One call that the model asks for. */
export interface ToolCall {
  /** Opaque, echoed verbatim. */
  readonly id: string;
  /** Name of the tool. */
  readonly name: string;
  /** JSON text as it came, perhaps malformed. */
  readonly arguments: string;
}

/** A tool call has its result. */
export interface ToolDone {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'tool.done';
  /** Id of the call. */
  readonly call: string;
  /** Whether it did what was asked. */
  readonly ok: boolean;
  /** What the model is told. */
  readonly output: string;
  /** One line for the card, such as `exit code 0` or `120 lines`. */
  readonly summary: string;
  /** How long it ran, in milliseconds. */
  readonly ms: number;
  /** For a write: what is in the file now, compared with before. */
  readonly diff: FileDiff | null;
  /** `data:` URLs of images that the model is shown besides the output. */
  readonly images: readonly string[];
}

/** Live output of a running call. */
export interface ToolOutput {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'tool.output';
  /** Id of the call. */
  readonly call: string;
  /** The new part. */
  readonly text: string;
}

/** The call was let through and its effect begins: without a `tool.done` the outcome is unknown. */
export interface ToolRunning {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'tool.running';
  /** Id of the call. */
  readonly call: string;
}

/** A tool call is taken up; nothing has been done yet. */
export interface ToolStarted {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'tool.started';
  /** Id of the call. */
  readonly call: string;
  /** Name of the tool. */
  readonly name: string;
  /** Its headline, such as `Read file src/utils.ts`. */
  readonly title: string;
  /** The arguments as JSON text. */
  readonly arguments: string;
}

/** The agent stopped; the next message starts another turn. */
export interface TurnEnded {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'turn.ended';
  /** Why it stopped. */
  readonly reason: 'done' | 'stopped' | 'turn_limit' | 'token_limit' | 'budget' | 'error' | 'interrupted';
  /** What happened and what to do, where that is not plain. */
  readonly message: string | null;
  /** For `error`: the kind of fault, as `ModelError.fault` names it. */
  readonly fault: string | null;
}

/** The user sent a message while a turn runs; it waits for the next safe point. */
export interface TurnQueued {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'turn.queued';
  /** What the user typed. */
  readonly text: string;
  /** Files as they were read at that moment. */
  readonly attachments: readonly Attachment[];
}

/** The user sent a message. */
export interface TurnStarted {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'turn.started';
  /** What the user typed. */
  readonly text: string;
  /** Files as they were read at that moment. */
  readonly attachments: readonly Attachment[];
  /** The notebook that the user was in. */
  readonly notebook: string | null;
  /** The client that drives the turn. */
  readonly client: string | null;
  /** What the model is told besides: date, mode, open notebook; not typed by the user. */
  readonly note: string;
  /** The workspace's own instruction files (`AGENTS.md`, `KIMI.md`) as they were at that moment; data, never rules. */
  readonly instructions: readonly Attachment[];
}

/** A queued message no longer waits: it joined the turn, was taken back, or the turn was stopped first. */
export interface TurnUnqueued {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'turn.unqueued';
  /** Its `turn.queued` event. */
  readonly queued: number;
  /** Whether the model is told of it from here on; if not, it is the user's draft again. */
  readonly joined: boolean;
}

/** What one request used. */
export interface UsageReported {
  /** Position in the log, from 1. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The task's id. */
  readonly task: string;
  readonly type: 'usage';
  /** All input, cached input included. */
  readonly prompt_tokens: number;
  /** Input served from the prefix cache. */
  readonly cached_tokens: number;
  /** Output, reasoning included. */
  readonly completion_tokens: number;
  /** Estimate in `currency`; `None` where no price is known. */
  readonly cost: number | null;
  /** Currency of the cost. */
  readonly currency: string;
  /** Size of the model's context window; 0 where unknown. */
  readonly context_tokens: number;
}

/** Answer an open ask; the first answer wins. */
export interface AskAnswer {
  readonly type: 'ask.answer';
  /** The ask's id. */
  readonly ask: string;
  /** Must be one of the ask's options. */
  readonly decision: 'approve' | 'approve_task' | 'approve_remember' | 'reject';
  /** With a reject: what to do instead; the turn then goes on. To a question: the answer, with `approve`. */
  readonly comment?: string | null;
  /** The proposal as the user changed it: a file's whole text, or a command. */
  readonly edited?: string | null;
  /** Places of the hunks that are approved, from 0; `None` for all. */
  readonly hunks?: readonly number[] | null;
}

/** A file that the next message takes along. */
export interface AttachmentRequest {
  /** Relative to the workspace, with `/`. */
  readonly path: string;
  /** Base64 bytes of a file that comes from the user's own computer; `None` for a workspace file, which is read fresh. */
  readonly content?: string | null;
}

/** Let a running command go on in the background; its call is answered at once. */
export interface CommandBackground {
  readonly type: 'command.background';
  /** The running call. */
  readonly call: string;
}

/** End a command that runs in the background, with every process that it started. */
export interface CommandStop {
  readonly type: 'command.stop';
  /** The call that started it. */
  readonly call: string;
}

export type JsonValue = unknown;

/** Change the approval mode of this task. */
export interface ModeSet {
  readonly type: 'mode.set';
  /** The mode to use from the next tool call on. */
  readonly mode: 'ask' | 'accept_edits' | 'plan' | 'bypass';
}

/** Change the model of this task. */
export interface ModelSet {
  readonly type: 'model.set';
  /** An id from the list of models. */
  readonly model: string;
}

/** A browser reports what a notebook operation did. */
export interface NotebookResult {
  readonly type: 'notebook.result';
  /** The ask's id. */
  readonly ask: string;
  /** Whether the operation was done. */
  readonly ok?: boolean;
  /** What the operation gives back, or the reason of its failure. */
  readonly result?: Readonly<Record<string, unknown>>;
}

/** Go back to before an event; what came after it is no longer part of the conversation. */
export interface TaskRewind {
  readonly type: 'task.rewind';
  /** The first event to leave out: a `turn.started`; or a `rewound`, to undo that. */
  readonly seq: number;
  /** Also put back the files that the agent changed since then. */
  readonly files?: boolean;
}

/** Send a message; while a turn runs it is queued and enters at the next safe point. */
export interface TurnStart {
  readonly type: 'turn.start';
  /** What the user typed. */
  readonly text: string;
  /** Files to inline once. */
  readonly attachments?: readonly AttachmentRequest[];
  /** The notebook that the user is in, relative to the workspace. */
  readonly notebook?: string | null;
  /** Id of the sending client; asks that make a browser act are addressed to it. */
  readonly client?: string | null;
}

/** Stop the running turn at once, with every process that it started. */
export interface TurnStop {
  readonly type: 'turn.stop';
}

/** Take back a message that is still queued. */
export interface TurnUnqueue {
  readonly type: 'turn.unqueue';
  /** The `turn.queued` event. */
  readonly seq: number;
}

export type Event = TaskCreated | TurnStarted | TurnQueued | TurnUnqueued | ThinkDelta | TextDelta | CallDelta | ReplyPartial | ReplyDone | ToolStarted | ToolRunning | ToolOutput | ToolDone | AskOpened | AskClosed | CommandBackgrounded | CommandEnded | UsageReported | TodoChanged | ModeChanged | ModelChanged | Compacted | Checkpoint | Rewound | Retrying | Notice | TaskRenamed | TurnEnded;

export type Command = TurnStart | TurnUnqueue | TurnStop | AskAnswer | ModeSet | ModelSet | TaskRewind | CommandBackground | CommandStop | NotebookResult;

/** Event types that are drawn and forgotten. */
export const TRANSIENT: ReadonlySet<Event['type']> = new Set(['think.delta', 'text.delta', 'call.delta', 'tool.output', 'retrying']);

export type Mode = Settings['kimi.mode'];

export type Decision = AskAnswer['decision'];

export const SETTINGS_PLUGIN = 'kimi-jupyter:settings';
