/** The message on its way to the agent, from Enter until the event that it became. */
import type { LinkOpened, Queued } from './state';
import type { Event } from './wire';

/** Who holds the input. */
export interface Sender {
  /** A message is there, this page's or another's: it need not stay in the input. */
  arrived(text: string, isMine: boolean): void;
  /** The message did not come to anything: it goes back into the input. */
  returned(text: string): void;
}

export class Outbox {
  constructor(private readonly _sender: Sender) {}

  /** What has left the input and has not come back as an event. */
  get text(): string | null {
    return this._text;
  }

  put(text: string | null): void {
    this._text = text;
  }

  /** Note what became of the message; `queued` are the messages that waited before this event. */
  take(event: Event | LinkOpened, queued: readonly Queued[]): void {
    if (event.type === 'turn.started') {
      const isMine = this._text !== null;
      this._text = null;
      this._sender.arrived(event.text, isMine);
    } else if (event.type === 'turn.queued') {
      if (this._text === event.text.trim()) {
        this._text = null;
        this._mine.add(event.seq);
        this._sender.arrived(event.text, true);
      }
    } else if (event.type === 'turn.unqueued') {
      const text = queued.find(({ seq }) => seq === event.queued)?.text;
      const isMine = this._mine.delete(event.queued);
      if (isMine && !event.joined && text !== undefined) {
        this._sender.returned(text);
      }
    }
  }

  /** A message whose fate is not known goes back; should it have arrived, its event clears the input again. */
  giveBack(): void {
    const text = this._text;
    if (text !== null) {
      this._text = null;
      this._sender.returned(text);
    }
  }

  /** Forget all of it: another task is shown. */
  clear(): void {
    this._text = null;
    this._mine.clear();
  }

  private _text: string | null = null;
  /** Queued messages that this page sent. */
  private readonly _mine = new Set<number>();
}
