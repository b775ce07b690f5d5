/** React's side of signals and time. */
import type { ISignal } from '@lumino/signaling';
import { useEffect, useReducer, useState } from 'react';
import type { RefObject } from 'react';

import type { Session } from '../session';

/** Draw again at the next frame after the session changed. */
export function useSession(session: Session): Session {
  useFrames(session, true, false);
  return session;
}

/** Draw again with each piece that streams, while `isLive`; otherwise never. */
export function useStream(session: Session, isLive: boolean): Session {
  useFrames(session, isLive, true);
  return session;
}

function useFrames(session: Session, isOn: boolean, streams: boolean): void {
  const [, draw] = useReducer((drawn: number) => drawn + 1, 0);
  useEffect(() => {
    if (!isOn) {
      return;
    }
    const frame = new Frame(draw);
    const changed = () => frame.request();
    const signals: ISignal<Session, void>[] = streams
      ? [session.changed, session.streamed]
      : [session.changed];
    signals.forEach(signal => signal.connect(changed));
    // What came between drawing and now.
    frame.request();
    return () => {
      signals.forEach(signal => signal.disconnect(changed));
      frame.cancel();
    };
  }, [session, isOn, streams]);
}

/** Runs something once before the next paint, however often it is asked; a hidden page has no frames. */
class Frame {
  constructor(private readonly _run: () => void) {}

  request(): void {
    if (this._isRequested) {
      return;
    }
    this._isRequested = true;
    if (document.hidden) {
      this._timer = window.setTimeout(this._fire, 250);
    } else {
      this._frame = window.requestAnimationFrame(this._fire);
    }
  }

  cancel(): void {
    window.cancelAnimationFrame(this._frame);
    window.clearTimeout(this._timer);
  }

  private readonly _fire = (): void => {
    this._isRequested = false;
    this._run();
  };

  private _isRequested = false;
  private _frame = 0;
  private _timer = 0;
}

/** The time now, told again every `ms` while `runs`. */
export function useClock(runs: boolean, ms = 1000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!runs) {
      return;
    }
    setNow(Date.now());
    const timer = window.setInterval(() => setNow(Date.now()), ms);
    return () => window.clearInterval(timer);
  }, [runs, ms]);
  return now;
}

/** Close what is open when the pointer goes down elsewhere. */
export function useOutside(
  frame: RefObject<HTMLElement>,
  isOn: boolean,
  close: () => void
): void {
  useEffect(() => {
    if (!isOn) {
      return;
    }
    const pressed = (event: Event) => {
      if (!frame.current?.contains(event.target as Node)) {
        close();
      }
    };
    document.addEventListener('pointerdown', pressed);
    return () => document.removeEventListener('pointerdown', pressed);
  });
}
