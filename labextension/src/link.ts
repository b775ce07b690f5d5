/**
 * The websocket to one task: events in, commands out.
 *
 * It connects again by itself and names the last event that it has; it sends no command twice. What is sent while there is
 * no connection waits for the next one.
 */
import { Signal } from '@lumino/signaling';

import type { LinkOpened } from './state';
import type { Command, Event, Refusal } from './wire';

/** What we use of a `WebSocket`. */
export interface Socket {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose:
    | ((event: { readonly code: number; readonly reason: string }) => void)
    | null;
  send(data: string): void;
  close(): void;
}

export type LinkState = 'connecting' | 'open' | 'waiting' | 'closed';

export interface LinkOptions {
  /** Opens the socket that brings what came after this event. */
  readonly connect: (after: number) => Socket;
  /** The last event that the reader holds. */
  readonly last: () => number;
  /** Runs something later; gives back what cancels it. */
  readonly later?: (run: () => void, ms: number) => () => void;
}

const FIRST_WAIT = 250;
const LONGEST_WAIT = 10_000;

export class Link {
  /** In order: `link.opened` at each connection, then events. */
  readonly received = new Signal<this, Event | LinkOpened>(this);
  readonly refused = new Signal<this, Refusal>(this);
  readonly stateChanged = new Signal<this, LinkState>(this);

  constructor(private readonly _options: LinkOptions) {}

  get state(): LinkState {
    return this._state;
  }

  /** Attempts since it was open last. */
  get failures(): number {
    return this._failures;
  }

  open(): void {
    this._cancel();
    this._setState('connecting');
    const socket = this._options.connect(this._options.last());
    this._socket = socket;
    socket.onopen = () => this._opened(socket);
    socket.onmessage = ({ data }) => this._message(socket, data);
    socket.onclose = () => this._lost(socket);
  }

  /** Send now, or as soon as there is a connection. */
  send(command: Command): void {
    if (this._state === 'open' && this._socket !== null) {
      this._socket.send(JSON.stringify(command));
    } else {
      this._waiting.push(command);
    }
  }

  /** Whether such a command still waits for a connection. */
  holds(type: Command['type']): boolean {
    return this._waiting.some(command => command.type === type);
  }

  /** Don't wait any longer for the next attempt. */
  retryNow(): void {
    if (this._state === 'waiting') {
      this.open();
    }
  }

  close(): void {
    this._cancel();
    this._setState('closed');
    this._socket?.close();
    this._socket = null;
    Signal.clearData(this);
  }

  private _opened(socket: Socket): void {
    if (socket !== this._socket) {
      return;
    }
    this._failures = 0;
    this._setState('open');
    this.received.emit({ type: 'link.opened' });
    for (const command of this._waiting.splice(0)) {
      socket.send(JSON.stringify(command));
    }
  }

  private _message(socket: Socket, data: unknown): void {
    if (socket !== this._socket || typeof data !== 'string') {
      return;
    }
    const frame = JSON.parse(data) as Event | Refusal;
    if (frame.type === 'command.refused') {
      this.refused.emit(frame);
    } else {
      this.received.emit(frame);
    }
  }

  private _lost(socket: Socket): void {
    if (socket !== this._socket || this._state === 'closed') {
      return;
    }
    this._socket = null;
    const wait = Math.min(FIRST_WAIT * 2 ** this._failures, LONGEST_WAIT);
    this._failures += 1;
    const later = this._options.later ?? startTimer;
    this._cancel = later(() => this.open(), wait * (0.8 + 0.4 * Math.random()));
    this._setState('waiting');
  }

  private _setState(state: LinkState): void {
    if (this._state !== state) {
      this._state = state;
      this.stateChanged.emit(state);
    }
  }

  private _state: LinkState = 'closed';
  private _socket: Socket | null = null;
  private _failures = 0;
  private _cancel: () => void = () => undefined;
  private readonly _waiting: Command[] = [];
}

function startTimer(run: () => void, ms: number): () => void {
  const timer = window.setTimeout(run, ms);
  return () => window.clearTimeout(timer);
}
