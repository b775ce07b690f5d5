/** Leads the keyboard back to the input when the card that it was in has been answered. */
import { useLayoutEffect, useRef } from 'react';
import type { RefObject } from 'react';

/** Gives back what to call with the answer; the focus moves when the card goes, and only if it is nowhere else by then. */
export function useFocusBack(card: RefObject<HTMLElement>): () => void {
  const wasHere = useRef(false);
  useLayoutEffect(() => {
    const node = card.current;
    const panel = node?.closest('.jp-Kimi');
    return () => {
      const at = document.activeElement;
      const isLost = at === null || at === document.body || node?.contains(at);
      if (wasHere.current && isLost) {
        panel?.querySelector<HTMLElement>('.jp-Kimi-input')?.focus();
      }
    };
  }, [card]);
  return () => {
    wasHere.current = card.current?.contains(document.activeElement) === true;
  };
}
