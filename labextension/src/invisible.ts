/** Makes characters visible that could hide or reorder what a person approves. */

export interface Piece {
  readonly text: string;
  /** The text stands for a character that cannot be seen. */
  readonly isMark: boolean;
}

/**
 * Controls, bidi and zero-width characters, fillers, tags, variation selectors and odd spaces;
 * line feed and tab stay as they are.
 */
const INVISIBLE =
  // eslint-disable-next-line no-control-regex, no-misleading-character-class
  /[\u0000-\u0008\u000b-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;
/** Enough to push what follows out of sight. */
const SPACES = / {40,}/g;
/** More combining marks on one letter than any script uses. */
const STACK = /\p{M}{4,}/gu;

/** The text in pieces: as it is, and `⟨U+202E⟩` where something cannot be seen. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  const marks = [INVISIBLE, STACK, SPACES]
    .flatMap(pattern => [...text.matchAll(pattern)])
    .sort((a, b) => a.index - b.index);
  for (const match of marks) {
    if (match.index < from) {
      continue;
    }
    if (match.index > from) {
      found.push({ text: text.slice(from, match.index), isMark: false });
    }
    found.push({ text: written(match[0]), isMark: true });
    from = match.index + match[0].length;
  }
  if (from < text.length) {
    found.push({ text: text.slice(from), isMark: false });
  }
  return found;
}

/** The text with every such character written out. */
export function visible(text: string): string {
  return pieces(text)
    .map(piece => piece.text)
    .join('');
}

/** Whether anything in the text cannot be seen. */
export function hasInvisible(text: string): boolean {
  return pieces(text).some(piece => piece.isMark);
}

function written(found: string): string {
  return found.startsWith('  ')
    ? `⟨${found.length} spaces⟩`
    : Array.from(found, mark).join('');
}

function mark(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}
