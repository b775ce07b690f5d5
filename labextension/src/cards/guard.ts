/** Decides which clicks on a card count: a person's, and not before the card could be read. */
import { useEffect, useRef, useState } from 'react';
import type { RefObject } from 'react';

/** A card takes no click for this long after it appeared, so that nobody approves by a click meant for what was there before. */
export const ARMING_MS = 500;

/** What a click is judged by. */
export interface Click {
  readonly isTrusted: boolean;
}

export interface Guard {
  /** The card came into sight. */
  appeared(): void;
  allows(click: Click): boolean;
}

/** Refuses what a script sent, and what came too early. */
export class ClickGuard implements Guard {
  constructor(private readonly _now: () => number = () => performance.now()) {}

  appeared(): void {
    this._since = this._now();
  }

  allows(click: Click): boolean {
    return click.isTrusted && this._now() - this._since >= ARMING_MS;
  }

  private _since = Infinity;
}

/** Tells the guard when the card comes into sight, each time anew; gives back whether clicks count by now. */
export function useArming(card: RefObject<HTMLElement>, guard: Guard): boolean {
  const [isArmed, setArmed] = useState(false);
  const timer = useRef(0);
  useEffect(() => {
    const arm = () => {
      guard.appeared();
      window.clearTimeout(timer.current);
      setArmed(false);
      timer.current = window.setTimeout(() => setArmed(true), ARMING_MS);
    };
    const watcher = watch(card.current, arm);
    return () => {
      window.clearTimeout(timer.current);
      watcher();
    };
  }, [card, guard]);
  return isArmed;
}

function watch(node: HTMLElement | null, onAppear: () => void): () => void {
  if (node === null || typeof IntersectionObserver === 'undefined') {
    onAppear();
    return () => undefined;
  }
  let isSeen = false;
  const observer = new IntersectionObserver(entries => {
    const isInSight = entries[entries.length - 1]?.isIntersecting === true;
    if (isInSight && !isSeen) {
      onAppear();
    }
    isSeen = isInSight;
  });
  observer.observe(node);
  return () => observer.disconnect();
}
