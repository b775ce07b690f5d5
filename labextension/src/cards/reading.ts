/** What a card asks to be read to its end before it can be approved. */
import type { Effect } from '../wire';

/** Lines of a diff that may be approved unopened: as many as a page of the card in a notebook. */
const LINES = 120;
/** Characters that make as much to read as those lines, however few lines they stand in. */
const CHARACTERS = LINES * 160;

/** Whether the end must have been in sight: of every command, and of a diff that is long. */
export function needsReading({ command, diff }: Effect): boolean {
  if (command !== null) {
    return true;
  }
  const text = diff?.unified ?? '';
  return text.length > CHARACTERS || text.split('\n').length > LINES;
}

export function isAtEnd(node: HTMLElement): boolean {
  return node.scrollTop + node.clientHeight >= node.scrollHeight - 4;
}
