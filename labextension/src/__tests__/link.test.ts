import { beforeEach, describe, expect, it } from 'vitest';

import { Link } from '../link';
import type { LinkState, Socket } from '../link';
import type { Command } from '../wire';

class FakeSocket implements Socket {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: { readonly data: unknown }) => void) | null = null;
  onclose:
    | ((event: { readonly code: number; readonly reason: string }) => void)
    | null = null;
  readonly sent: Command[] = [];
  isClosed = false;

  constructor(readonly after: number) {}

  send(data: string): void {
    this.sent.push(JSON.parse(data) as Command);
  }
  close(): void {
    this.isClosed = true;
  }
  open(): void {
    this.onopen?.(undefined as never);
  }
  receive(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  drop(): void {
    this.onclose?.({ code: 1006, reason: '' });
  }
}

describe('the link', () => {
  let sockets: FakeSocket[] = [];
  let timers: { run: () => void; ms: number; isCancelled: boolean }[] = [];
  let last = 0;
  let received: string[] = [];
  let states: LinkState[] = [];
  let link: Link;

  const socket = (): FakeSocket => sockets[sockets.length - 1]!;
  const elapse = () => {
    timers.splice(0).forEach(timer => !timer.isCancelled && timer.run());
  };

  beforeEach(() => {
    sockets = [];
    timers = [];
    received = [];
    states = [];
    last = 0;
    link = new Link({
      last: () => last,
      connect: after => {
        sockets.push(new FakeSocket(after));
        return socket();
      },
      later: (run, ms) => {
        const timer = { run, ms, isCancelled: false };
        timers.push(timer);
        return () => (timer.isCancelled = true);
      }
    });
    link.received.connect((_, event) => received.push(event.type));
    link.stateChanged.connect((_, state) => states.push(state));
    link.open();
  });

  it('tells that it is open before the first event', () => {
    socket().open();
    socket().receive({ type: 'turn.started', seq: 2 });
    expect(received).toEqual(['link.opened', 'turn.started']);
    expect(states).toEqual(['connecting', 'open']);
  });

  it('names the last event that the reader holds when it connects again', () => {
    socket().open();
    last = 17;
    socket().drop();
    elapse();
    expect(sockets.map(each => each.after)).toEqual([0, 17]);
  });

  it('keeps commands while it is not open, and sends none of them twice', () => {
    link.send({ type: 'turn.stop' });
    expect(link.holds('turn.stop')).toBe(true);
    socket().open();
    expect(socket().sent).toEqual([{ type: 'turn.stop' }]);
    socket().drop();
    elapse();
    socket().open();
    expect(socket().sent).toEqual([]);
  });

  it('waits longer after each failure, up to a limit, and starts anew after success', () => {
    const waits: number[] = [];
    for (let i = 0; i < 9; i++) {
      socket().drop();
      waits.push(timers[0]!.ms);
      elapse();
    }
    expect(waits[0]).toBeLessThan(400);
    expect(waits[8]).toBeGreaterThanOrEqual(8_000);
    expect(waits[8]).toBeLessThanOrEqual(12_000);
    socket().open();
    socket().drop();
    expect(timers[0]!.ms).toBeLessThan(400);
  });

  it('tells a refusal apart from events', () => {
    const refusals: string[] = [];
    link.refused.connect((_, refusal) => refusals.push(refusal.why));
    socket().open();
    socket().receive({
      type: 'command.refused',
      why: 'A turn runs.',
      command: 'turn.start'
    });
    expect(refusals).toEqual(['A turn runs.']);
    expect(received).toEqual(['link.opened']);
  });

  it('hears nothing more once it is closed, and does not connect again', () => {
    const old = socket();
    old.open();
    link.close();
    old.receive({ type: 'turn.started', seq: 2 });
    old.drop();
    elapse();
    expect(received).toEqual(['link.opened']);
    expect(sockets).toHaveLength(1);
    expect(old.isClosed).toBe(true);
  });

  it('tries at once when it is told to', () => {
    socket().drop();
    link.retryNow();
    expect(sockets).toHaveLength(2);
    elapse();
    expect(sockets).toHaveLength(2);
  });
});
