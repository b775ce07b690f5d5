/** What the panel shows and does: the current task, its link, the lists; no drawing here. */
import { Signal } from '@lumino/signaling';

import { Answers } from './answers';
import type { AnswerDetails } from './answers';
import type {
  Api,
  Balance,
  FileHit,
  SlashCommand,
  Status,
  TaskSummary
} from './api';
import { wordsOf } from './api';
import { Attachments } from './attached';
import { Draft } from './draft';
import { Choice } from './choice';
import { Follower, onlyStreams } from './follower';
import type { MakeLink } from './follower';
import { Front } from './front';
import type { Page, Remark } from './front';
import { download, exportFormat } from './download';
import type { Link, LinkState } from './link';
import { Lists } from './lists';
import type { Memory } from './memory';
import { Outbox } from './outbox';
import type { LinkOpened, Tool, Transcript } from './state';
import { isRunning } from './transcript';
import type { Command, Decision, Event, Mode, Refusal } from './wire';

export interface SessionOptions {
  readonly api: Api;
  readonly memory: Memory;
  readonly link: MakeLink;
  /** The notebook that the user is in. */
  readonly notebook: () => string | null;
  /** A random id of this page. */
  readonly client: string;
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

  /** What the next message says, and what it takes along. */
  readonly draft: Draft;
  readonly attached: Attachments;

  constructor(private readonly _options: SessionOptions) {
    this.draft = new Draft(_options.memory);
    this.attached = new Attachments(_options.memory);
    this.attached.load(null);
    this._lists = new Lists(_options.api, {
      changed: () => this.changed.emit(),
      failed: why => this.say('error', why)
    });
    this._outbox = new Outbox({
      arrived: (text, isMine) => {
        if (isMine) {
          this.attached.arrived(text);
        }
        this.draft.drop(text);
        this.arrived.emit(text);
      },
      returned: text => {
        this.draft.giveBack(text);
        this.attached.returned(text);
        this.returned.emit(text);
      }
    });
    this._follower = new Follower(_options.link, {
      took: (event, before) => this._took(event, before),
      refused: refusal => this._refused(refusal),
      linkChanged: (state, link) => this._linkChanged(state, link)
    });
  }

  get memory(): Memory {
    return this._options.memory;
  }
  get status(): Status | null {
    return this._lists.status;
  }
  get task(): string | null {
    return this._follower.task;
  }
  get transcript(): Transcript {
    return this._follower.transcript;
  }
  get linkState(): LinkState {
    return this._follower.linkState;
  }
  /** A card's click that got no answer may be repeated when this changes. */
  get epoch(): number {
    return this._follower.epoch;
  }
  get page(): Page {
    return this._front.page;
  }
  get remark(): Remark | null {
    return this._front.remark;
  }
  get tasks(): readonly TaskSummary[] | null {
    return this._lists.tasks;
  }
  get balance(): Balance | null {
    return this._lists.balance;
  }
  get isSending(): boolean {
    return this._outbox.text !== null;
  }
  get isRunning(): boolean {
    return isRunning(this.transcript);
  }
  /** Open asks of all tasks, as far as they are known. */
  get openAsks(): number {
    return Math.max(this._lists.openAsks, this.transcript.asks.length);
  }
  get mode(): Mode {
    return this.task === null
      ? (this._choice.mode ?? this.status?.mode ?? 'ask')
      : this.transcript.mode;
  }
  get model(): string {
    const chosen = this._choice.modelFor(this.status, this.memory.isOffline);
    return this.task === null ? chosen : this.transcript.model || chosen;
  }
  /** Whether the welcome panel stands in for the chat. */
  get needsWelcome(): boolean {
    const { status } = this;
    return (
      status !== null &&
      !status.key.set &&
      !this.memory.isOffline &&
      this.task === null
    );
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
    this.memory.task = id;
    this._front.page = 'chat';
    this.draft.load(id);
    this.attached.load(id);
    this._follower.open(id);
    this.changed.emit();
  }

  /** Begin anew; the task itself is made with its first message. The present one stays in the history. */
  newTask(): void {
    this._leave();
    this.memory.task = null;
    this.draft.load(null);
    this.attached.load(null);
    this._front.page = 'chat';
    this.changed.emit();
  }

  async send(text: string): Promise<void> {
    const words = text.trim();
    if (words === '' || this.isSending || this._localCommand(words)) {
      return;
    }
    const isSlash = /^\/[a-z][a-z-]*(\s|$)/i.test(words);
    this._front.remark = null;
    this._outbox.put(isSlash && this.task !== null ? null : words);
    this.changed.emit();
    try {
      await this._ensureTask();
    } catch (error) {
      this._outbox.giveBack();
      this.say('error', wordsOf(error));
      return;
    }
    this._outbox.put(isSlash ? null : words);
    const { client } = this._options;
    this._follower.send({
      type: 'turn.start',
      text,
      attachments: isSlash ? [] : this.attached.send(),
      notebook: this._options.notebook(),
      client
    });
    this.changed.emit();
  }

  /** Send the task any command that is neither a message nor an answer. */
  command(
    command: Exclude<Command, { type: 'turn.start' | 'ask.answer' }>
  ): void {
    this._follower.send(command);
  }

  /** A tool call, the last of this id; `null` where it is gone. */
  toolOf(call: string): Tool | null {
    const items = this.transcript.turns.flatMap(turn => turn.items);
    const tools = items.filter(item => item.kind === 'tool');
    return tools.reverse().find(tool => tool.call === call) ?? null;
  }

  stop(): void {
    this._follower.send({ type: 'turn.stop' });
  }

  findFiles(query: string): Promise<readonly FileHit[]> {
    return this._options.api.files(query);
  }

  slashCommands(): Promise<readonly SlashCommand[]> {
    return this._lists.slashCommands();
  }

  /** The ask is on this page's screen. */
  watch(ask: string): void {
    this._answers.watch(ask);
  }

  /** Whether the ask was answered while this page showed it, but not by this page. */
  isAnsweredElsewhere(ask: string): boolean {
    return this._answers.isElsewhere(ask);
  }

  answer(ask: string, decision: Decision, details: AnswerDetails = {}): void {
    this._answers.give(ask);
    this._follower.send({ type: 'ask.answer', ask, decision, ...details });
  }

  setMode(mode: Mode): void {
    if (this.task === null) {
      this._choice.mode = mode;
    }
    this._follower.send({ type: 'mode.set', mode });
    this.modeChosen.emit(mode);
    this.changed.emit();
  }

  /** The model from the next message on; in a task that is not made yet it waits for that. */
  setModel(model: string): void {
    if (this.task === null) {
      this._choice.model = model;
    }
    this._follower.send({ type: 'model.set', model });
    this.changed.emit();
  }

  retryLink(): void {
    this._follower.retryNow();
  }

  /* The key */

  async setKey(key: string): Promise<void> {
    await this._options.api.setKey(key);
    this.memory.isOffline = false;
    this._front.page = 'chat';
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
    if (id === this.task) {
      const page = this._front.page;
      this.newTask();
      this.show(page);
    }
  }

  /* The page */

  show(page: Page): void {
    this._front.turnTo(page);
    this.changed.emit();
  }

  say(level: Remark['level'], text: string): void {
    this._front.remark = { level, text };
    this.changed.emit();
  }

  dismiss(): void {
    this._front.remark = null;
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
    this._follower.close();
    this._outbox.clear();
    this._front.remark = null;
    this._choice.clear();
  }

  /** Make the task where there is none yet, in the mode and with the model that were chosen. */
  private async _ensureTask(): Promise<void> {
    if (this.task !== null) {
      return;
    }
    const { text } = this._outbox;
    const id = await this._options.api.createTask(this._options.notebook());
    const first = this._choice.commands(this.status, this.memory.isOffline);
    const { items } = this.attached;
    this.attached.clear();
    this.open(id);
    this.attached.add(items);
    this._outbox.put(text);
    first.forEach(command => this._follower.send(command));
  }

  private _localCommand(text: string): boolean {
    const [word, ...rest] = text.toLowerCase().split(/\s+/);
    const format = exportFormat(rest[0]);
    if (word === '/export' && this.task !== null && format !== null) {
      download(this.exportUrl(this.task, format));
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

  private _took(event: Event | LinkOpened, before: Transcript): void {
    this._outbox.take(event, before.queued);
    if (event.type === 'turn.ended') {
      void this.refreshBalance();
    }
    const streams = onlyStreams(event, before, this.transcript);
    (streams ? this.streamed : this.changed).emit();
  }

  private _refused(refusal: Refusal): void {
    if (refusal.command === 'turn.start') {
      this._outbox.giveBack();
    }
    this.say('warning', refusal.why);
  }

  private _linkChanged(state: LinkState, link: Link): void {
    if (state === 'waiting' && this.task !== null) {
      if (!link.holds('turn.start')) {
        this._outbox.giveBack();
      }
      if (link.failures === 2) {
        void this._explain(this.task);
      }
    }
    this.changed.emit();
  }

  private async _explain(task: string): Promise<void> {
    const error = await this._options.api.whyNoSocket(task);
    if (error === null || task !== this.task) {
      return;
    }
    if (error.status === 404) {
      this.newTask();
    }
    this.say('warning', error.message);
  }

  private readonly _lists: Lists;
  private readonly _follower: Follower;
  private readonly _outbox: Outbox;
  private readonly _answers = new Answers();
  private readonly _front = new Front();
  private readonly _choice = new Choice();
}
