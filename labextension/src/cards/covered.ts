/** Whether something foreign lies over a card, be it such that clicks go through it. */

const COLUMNS = 5;
const ROWS = 7;

/**
 * Looks at points all over the part of the card that is in sight. What takes no clicks would not be found there,
 * so for that look everything takes them.
 */
export function isCovered(card: HTMLElement): boolean {
  const document = card.ownerDocument;
  if (typeof document.elementFromPoint !== 'function') {
    return false;
  }
  // Content elsewhere may bear any class of ours: only what stands in this very panel is ours.
  const own = card.closest('.jp-Kimi') ?? card;
  const all = document.createElement('style');
  all.textContent = '* { pointer-events: auto !important; }';
  document.head.appendChild(all);
  try {
    return points(card).some(([x, y]) => {
      const top = document.elementFromPoint(x, y);
      return top !== null && !own.contains(top);
    });
  } finally {
    all.remove();
  }
}

/** Points inside the card and inside all that clips it. */
function points(card: HTMLElement): [number, number][] {
  const box = card.getBoundingClientRect();
  const frame = card.closest('.jp-Kimi-scroller') ?? card;
  const { left, right, top, bottom } = frame.getBoundingClientRect();
  const [x, width] = span(box.left, box.right, left, right, window.innerWidth);
  const [y, height] = span(
    box.top,
    box.bottom,
    top,
    bottom,
    window.innerHeight
  );
  const at = (i: number, count: number) => (i + 0.5) / count;
  return width <= 0 || height <= 0
    ? []
    : Array.from({ length: COLUMNS * ROWS }, (_, i) => [
        x + width * at(i % COLUMNS, COLUMNS),
        y + height * at(Math.floor(i / COLUMNS), ROWS)
      ]);
}

/** Where the part in sight begins, and how long it is. */
function span(
  from: number,
  to: number,
  frameFrom: number,
  frameTo: number,
  end: number
): [number, number] {
  const start = Math.max(from, frameFrom, 0);
  return [start, Math.min(to, frameTo, end) - start];
}
