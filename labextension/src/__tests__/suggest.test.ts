import { describe, expect, it } from 'vitest';

import { insert, wantedAt } from '../suggest';

describe('the word at the caret', () => {
  const kinds = (text: string, caret = text.length) => {
    const wanted = wantedAt(text, caret);
    return wanted === null ? null : [wanted.kind, wanted.query];
  };

  it('is a slash command only where the message begins with it', () => {
    expect(kinds('/mo')).toEqual(['slash', 'mo']);
    expect(kinds('/')).toEqual(['slash', '']);
    expect(kinds('look at /mo')).toBeNull();
    expect(kinds('/model kimi')).toBeNull();
    expect(kinds('/srv/data')).toBeNull();
  });

  it('is a mention after an @ that begins a word', () => {
    expect(kinds('review @src/ut')).toEqual(['mention', 'src/ut']);
    expect(kinds('(@a')).toEqual(['mention', 'a']);
    expect(kinds('@')).toEqual(['mention', '']);
    expect(kinds('me@example')).toBeNull();
    expect(kinds('`@x')).toBeNull();
    expect(kinds('@a b')).toBeNull();
  });

  it('goes on through spaces inside quotes', () => {
    expect(kinds('see @"my no')).toEqual(['mention', 'my no']);
    expect(kinds('see @"my notes"')).toBeNull();
  });

  it('is replaced by the choice, with a space after it', () => {
    const text = 'review @ut please';
    const wanted = wantedAt(text, 10);
    expect(wanted && insert(text, wanted, 'src/utils.ts')).toEqual({
      text: 'review @src/utils.ts please',
      caret: 21
    });
  });

  it('gives a path with spaces its quotes, which the server reads as one', () => {
    const text = '@"my';
    const wanted = wantedAt(text, 4);
    expect(wanted && insert(text, wanted, 'my notes.txt').text).toBe(
      '@"my notes.txt" '
    );
  });
});
