/** What the word at the caret asks for: a slash command, or a file to mention. No drawing here. */

/** At most so many rows are offered. */
export const MOST = 10;

export interface Wanted {
  readonly kind: 'slash' | 'mention';
  /** What was typed after the sign. */
  readonly query: string;
  /** Where the sign stands, and where the word ends. */
  readonly from: number;
  readonly to: number;
}

/** Signs before an `@` that make it a part of something else, such as a mail address. */
const MENTION = /(?:^|[^\w@.`/])@(?:"([^"\n]*)|([^\s"'`<>|]*))$/;
const SLASH = /^\/([a-z-]*)$/i;

/** What the text before the caret asks for; `null` where it asks for nothing. */
export function wantedAt(text: string, caret: number): Wanted | null {
  const before = text.slice(0, caret);
  const slash = SLASH.exec(before);
  if (slash !== null) {
    const rest = /^[a-z-]*/i.exec(text.slice(caret))?.[0] ?? '';
    return {
      kind: 'slash',
      query: slash[1] ?? '',
      from: 0,
      to: caret + rest.length
    };
  }
  const mention = MENTION.exec(before);
  if (mention === null) {
    return null;
  }
  const query = mention[1] ?? mention[2] ?? '';
  const quote = mention[1] === undefined ? 0 : 1;
  return {
    kind: 'mention',
    query,
    from: caret - query.length - quote - 1,
    to: caret
  };
}

export interface Inserted {
  readonly text: string;
  readonly caret: number;
}

/** The text with the wanted word replaced, and a space after it so that typing goes on. */
export function insert(text: string, wanted: Wanted, value: string): Inserted {
  const word = wanted.kind === 'slash' ? `/${value}` : mention(value);
  const after = text.slice(wanted.to);
  const space = /^\s/.test(after) ? '' : ' ';
  return {
    text: text.slice(0, wanted.from) + word + space + after,
    caret: wanted.from + word.length + 1
  };
}

/** A path as the message names it; one with other than plain signs stands in quotes. */
export function mention(path: string): string {
  return /[\s'`<>|]|[.,;:!?)\]}]$/.test(path) ? `@"${path}"` : `@${path}`;
}
