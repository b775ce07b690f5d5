/** What the panel shows and does: the current task, its link, the lists; no drawing here. */
import { Signal } from '@lumino/signaling';

import type { Api, Balance, Status, TaskSummary } from './api';
import { wordsOf } from './api';
import { download, exportFormat } from './download';
import type { Link, LinkState } from './link';
import { Lists } from './lists';
import type { Memory } from './memory';
import { EMPTY } from './state';
import type { LinkOpened, Transcript } from './state';
import { fold, isRunning } from './transcript';
import { TRANSIENT } from './wire';
import type { Command, Decision, Event, Mode, Refusal } from './wire';

export const OFFLINE = 'offline-demo';

export type Page = 'chat' | 'history' | 'key';

/** A sentence above the input until it is dismissed or the next message goes out. */
export interface Remark {
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
}

export interface SessionOptions {
  readonly api: Api;
  readonly memory: Memory;
  /** Makes the link to a task; it names the last event that the session holds. */
  readonly link: (task: string, last: () => number) => Link;
  /** The notebook that the user is in. */
  readonly notebook: () => string | null;
  /** A random id of this page. */
  readonly client: string;
}

/** What goes with an answer to an ask. */
export interface AnswerDetails {
  readonly comment?: string;
  readonly edited?: string;
  readonly hunks?: readonly number[];
}

export class Session {
  /** Something changed besides the words that stream. */
  readonly changed = new Signal<this, void>(this);
  /** More of the open reply, or of live output. */
  readonly streamed = new Signal<this, void>(this);
  /** A message could not be sent: its text goes back into the input. */
  readonly returned = new Signal<this, string>(this);
  /** A message has arrived: it need not stay in the input. */
  readonly arrived = new Signal<this, string>(this);
  /** The user chose a mode; settings keep it, bypass apart. */
  readonly modeChosen = new Signal<this, Mode>(this);

  constructor(private readonly _options: SessionOptions) {
    this._lists = new Lists(_options.api, {
      changed: () => this.changed.emit(),
      failed: why => this.say('error', why)
    });
  }

  get memory(): Memory {
    return this._options.memory;
  }
  get status(): Status | null {
    return this._lists.status;
  }
  get task(): string | null {
    return this._task;
  }
  get transcript(): Transcript {
    return this._transcript;
  }
  get linkState(): LinkState {
    return this._link?.state ?? 'closed';
  }
  /** How often the link was opened; a card's click that got no answer may be repeated then. */
  get epoch(): number {
    return this._epoch;
  }
  get page(): Page {
    return this._page;
  }
  get remark(): Remark | null {
    return this._remark;
  }
  get tasks(): readonly TaskSummary[] | null {
    return this._lists.tasks;
  }
  get balance(): Balance | null {
    return this._lists.balance;
  }
  get isSending(): boolean {
    return this._sending !== null;
  }
  get isRunning(): boolean {
    return isRunning(this._transcript);
  }
  /** Open asks of all tasks, as far as they are known. */
  get openAsks(): number {
    return Math.max(this._lists.openAsks, this._transcript.asks.length);
  }
  get mode(): Mode {
    return this._task === null
      ? (this._mode ?? this._lists.status?.mode ?? 'ask')
      : this._transcript.mode;
  }
  get model(): string {
    const chosen = this._isDemo ? OFFLINE : (this._lists.status?.model ?? '');
    return this._task === null ? chosen : this._transcript.model || chosen;
  }
  /** Whether the welcome panel stands in for the chat. */
  get needsWelcome(): boolean {
    const { status } = this;
    return (
      status !== null &&
      !status.key.set &&
      !this.memory.isOffline &&
      this._task === null
    );
  }

  /** The scripted model was chosen; a key that came since ends that. */
  private get _isDemo(): boolean {
    return this.memory.isOffline && this._lists.status?.key.set !== true;
  }

  /** Read the status and show the task that was shown last. */
  async start(): Promise<void> {
    const task = this.memory.task;
    if (task !== null) {
      this.open(task);
    }
    await this.refreshStatus();
    void this.refreshBalance();
    void this.refreshTasks();
  }

  refreshStatus(): Promise<void> {
    return this._lists.refreshStatus();
  }

  refreshBalance(): Promise<void> {
    return this._lists.refreshBalance();
  }

  refreshTasks(query?: string): Promise<void> {
    return this._lists.refreshTasks(query);
  }

  /* The task */

  /** Show a task of the history, or the present one. */
  open(id: string): void {
    this._leave();
    this._task = id;
    this.memory.task = id;
    this._page = 'chat';
    const link = this._options.link(id, () => this._transcript.seq);
    this._link = link;
    link.received.connect((_, event) => this._take(event));
    link.refused.connect((_, refusal) => this._refused(refusal));
    link.stateChanged.connect((_, state) => this._linkChanged(state));
    link.open();
    this.changed.emit();
  }

  /** Begin anew; the task itself is made with its first message. The present one stays in the history. */
  newTask(): void {
    this._leave();
    this.memory.task = null;
    this._page = 'chat';
    this.changed.emit();
  }

  async send(text: string): Promise<void> {
    const words = text.trim();
    if (words === '' || this._sending !== null || this._localCommand(words)) {
      return;
    }
    const isSlash = /^\/[a-z][a-z-]*(\s|$)/i.test(words);
    this._remark = null;
    this._sending = isSlash && this._task !== null ? null : words;
    this.changed.emit();
    try {
      await this._ensureTask();
    } catch (error) {
      this._giveBack();
      this.say('error', wordsOf(error));
      return;
    }
    this._sending = isSlash ? null : words;
    const { client } = this._options;
    this._link?.send({
      type: 'turn.start',
      text,
      notebook: this._options.notebook(),
      client
    });
    this.changed.emit();
  }

  /** Send the task any command that is neither a message nor an answer. */
  command(
    command: Exclude<Command, { type: 'turn.start' | 'ask.answer' }>
  ): void {
    this._link?.send(command);
  }

  /** Headline of a tool call, or its id where it is gone. */
  titleOf(call: string): string {
    const items = this._transcript.turns.flatMap(turn => turn.items);
    const tool = items.find(item => item.kind === 'tool' && item.call === call);
    return tool?.kind === 'tool' ? tool.title : call;
  }

  stop(): void {
    this._link?.send({ type: 'turn.stop' });
  }

  /** The ask is on this page's screen. */
  watch(ask: string): void {
    this._watched.add(ask);
  }

  /** Whether the ask was answered while this page showed it, but not by this page. */
  isAnsweredElsewhere(ask: string): boolean {
    return this._watched.has(ask) && !this._answered.has(ask);
  }

  answer(ask: string, decision: Decision, details: AnswerDetails = {}): void {
    this._answered.add(ask);
    this._link?.send({ type: 'ask.answer', ask, decision, ...details });
  }

  setMode(mode: Mode): void {
    if (this._task === null) {
      this._mode = mode;
    }
    this._link?.send({ type: 'mode.set', mode });
    this.modeChosen.emit(mode);
    this.changed.emit();
  }

  retryLink(): void {
    this._link?.retryNow();
  }

  /* The key */

  async setKey(key: string): Promise<void> {
    await this._options.api.setKey(key);
    this.memory.isOffline = false;
    this._page = 'chat';
    await this.refreshStatus();
    void this.refreshBalance();
  }

  async clearKey(): Promise<void> {
    await this._options.api.clearKey();
    await this.refreshStatus();
    void this.refreshBalance();
  }

  /** Use the scripted model, which needs no key. */
  tryOffline(): void {
    this.memory.isOffline = true;
    this.newTask();
  }

  /* The history */

  async renameTask(id: string, title: string): Promise<void> {
    await this._options.api.renameTask(id, title);
  }

  /** Copy a task and show the copy. */
  async forkTask(id: string): Promise<void> {
    this.open(await this._options.api.forkTask(id));
  }

  exportUrl(id: string, format: 'md' | 'json' | 'ipynb'): string {
    return this._options.api.exportUrl(id, format);
  }

  async deleteTask(id: string): Promise<void> {
    await this._options.api.deleteTask(id);
    if (id === this._task) {
      const page = this._page;
      this.newTask();
      this.show(page);
    }
  }

  /* The page */

  show(page: Page): void {
    this._page = page;
    if (this._remark?.level === 'info') {
      this._remark = null;
    }
    this.changed.emit();
  }

  say(level: Remark['level'], text: string): void {
    this._remark = { level, text };
    this.changed.emit();
  }

  dismiss(): void {
    this._remark = null;
    this.changed.emit();
  }

  /** How many asks are open in all tasks, as the server says. */
  setOpenAsks(count: number): void {
    this._lists.openAsks = count;
    this.changed.emit();
  }

  dispose(): void {
    this._leave();
    Signal.clearData(this);
  }

  private _leave(): void {
    this._link?.close();
    this._link = null;
    this._task = null;
    this._transcript = EMPTY;
    this._sending = null;
    this._remark = null;
    this._mode = null;
    this._queuedHere.clear();
  }

  /** Make the task where there is none yet, in the mode and with the model that were chosen. */
  private async _ensureTask(): Promise<void> {
    if (this._task !== null) {
      return;
    }
    const { _sending: sending, _mode: mode } = this;
    const id = await this._options.api.createTask(this._options.notebook());
    this.open(id);
    this._sending = sending;
    if (this._isDemo && this._lists.status?.model !== OFFLINE) {
      this._link?.send({ type: 'model.set', model: OFFLINE });
    }
    if (mode !== null && mode !== this._lists.status?.mode) {
      this._link?.send({ type: 'mode.set', mode });
    }
  }

  private _localCommand(text: string): boolean {
    const [word, ...rest] = text.toLowerCase().split(/\s+/);
    const format = exportFormat(rest[0]);
    if (word === '/export' && this._task !== null && format !== null) {
      download(this.exportUrl(this._task, format));
      return true;
    }
    switch (text.toLowerCase()) {
      case '/new':
      case '/clear':
        this.newTask();
        return true;
      case '/history':
        this.show('history');
        return true;
      default:
        return false;
    }
  }

  private _take(event: Event | LinkOpened): void {
    const { queued } = this._transcript;
    this._transcript = fold(this._transcript, event);
    if (event.type === 'link.opened') {
      this._epoch += 1;
    } else if (event.type === 'turn.started') {
      this._sending = null;
      this.arrived.emit(event.text);
    } else if (event.type === 'turn.queued') {
      if (this._sending === event.text.trim()) {
        this._sending = null;
        this._queuedHere.add(event.seq);
        this.arrived.emit(event.text);
      }
    } else if (event.type === 'turn.unqueued') {
      const text = queued.find(({ seq }) => seq === event.queued)?.text;
      const isMine = this._queuedHere.delete(event.queued);
      if (isMine && !event.joined && text !== undefined) {
        this.returned.emit(text);
      }
    } else if (event.type === 'turn.ended') {
      void this.refreshBalance();
    }
    const isDelta = event.type !== 'link.opened' && TRANSIENT.has(event.type);
    const settles = event.type === 'reply.partial';
    if (
      (isDelta &&
        event.type !== 'retrying' &&
        this._shown === this._transcript.turns) ||
      settles
    ) {
      this.streamed.emit();
    } else {
      this.changed.emit();
    }
    this._shown = this._transcript.turns;
  }

  private _refused(refusal: Refusal): void {
    if (refusal.command === 'turn.start') {
      this._giveBack();
    }
    this._epoch += 1;
    this.say('warning', refusal.why);
  }

  /** A message whose fate is not known goes back; should it have arrived, its event clears the input again. */
  private _giveBack(): void {
    if (this._sending !== null) {
      const text = this._sending;
      this._sending = null;
      this.returned.emit(text);
    }
  }

  private _linkChanged(state: LinkState): void {
    const link = this._link;
    if (state === 'waiting' && link !== null && this._task !== null) {
      if (!link.holds('turn.start')) {
        this._giveBack();
      }
      if (link.failures === 2) {
        void this._explain(this._task);
      }
    }
    this.changed.emit();
  }

  private async _explain(task: string): Promise<void> {
    const error = await this._options.api.whyNoSocket(task);
    if (error === null || task !== this._task) {
      return;
    }
    if (error.status === 404) {
      this.newTask();
    }
    this.say('warning', error.message);
  }

  private readonly _lists: Lists;
  private _task: string | null = null;
  private _link: Link | null = null;
  private _transcript: Transcript = EMPTY;
  private _shown: Transcript['turns'] = EMPTY.turns;
  private readonly _queuedHere = new Set<number>();
  private readonly _watched = new Set<string>();
  private readonly _answered = new Set<string>();
  private _epoch = 0;
  private _page: Page = 'chat';
  private _remark: Remark | null = null;
  private _sending: string | null = null;
  private _mode: Mode | null = null;
}
