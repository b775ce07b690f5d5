/** Follows one task at a time: its link, and the fold of what comes over it. */
import type { Link, LinkState } from './link';
import { EMPTY } from './state';
import type { LinkOpened, Transcript } from './state';
import { fold } from './transcript';
import { TRANSIENT } from './wire';
import type { Command, Event, Refusal } from './wire';

/** Makes the link to a task; it names the last event that is held. */
export type MakeLink = (task: string, last: () => number) => Link;

/** Who wants to know. */
export interface Listener {
  /** The event is in the transcript; `before` is the one without it. */
  took(event: Event | LinkOpened, before: Transcript): void;
  refused(refusal: Refusal): void;
  linkChanged(state: LinkState, link: Link): void;
}

export class Follower {
  constructor(
    private readonly _makeLink: MakeLink,
    private readonly _listener: Listener
  ) {}

  get task(): string | null {
    return this._task;
  }
  get transcript(): Transcript {
    return this._transcript;
  }
  get linkState(): LinkState {
    return this._link?.state ?? 'closed';
  }
  /** How often an answer that was sent may have been lost: the link was opened anew, or a command refused. */
  get epoch(): number {
    return this._epoch;
  }

  /** Follow this task from its first event. */
  open(task: string): void {
    this.close();
    this._task = task;
    const link = this._makeLink(task, () => this._transcript.seq);
    this._link = link;
    link.received.connect((_, event) => this._take(event));
    link.refused.connect((_, refusal) => {
      this._epoch += 1;
      this._listener.refused(refusal);
    });
    link.stateChanged.connect((_, state) =>
      this._listener.linkChanged(state, link)
    );
    link.open();
  }

  close(): void {
    this._link?.close();
    this._link = null;
    this._task = null;
    this._transcript = EMPTY;
  }

  send(command: Command): void {
    this._link?.send(command);
  }

  retryNow(): void {
    this._link?.retryNow();
  }

  private _take(event: Event | LinkOpened): void {
    const before = this._transcript;
    this._transcript = fold(before, event);
    if (event.type === 'link.opened') {
      this._epoch += 1;
    }
    this._listener.took(event, before);
  }

  private _task: string | null = null;
  private _link: Link | null = null;
  private _transcript: Transcript = EMPTY;
  private _epoch = 0;
}

/** Whether an event only brought more of what streams; all else draws the page anew. */
export function onlyStreams(
  event: Event | LinkOpened,
  before: Transcript,
  after: Transcript
): boolean {
  switch (event.type) {
    case 'reply.partial':
      return true;
    case 'link.opened':
    case 'retrying':
      return false;
    default:
      return TRANSIENT.has(event.type) && before.turns === after.turns;
  }
}
