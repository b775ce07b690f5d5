import { describe, expect, it } from 'vitest';

import { count, duration, money, terminal } from '../format';
import { hasInvisible, visible } from '../invisible';

const TRICKS = [
  ...[
    0x00, 0x07, 0x08, 0x0d, 0x1b, 0x7f, 0x85, 0xa0, 0xad, 0x034f, 0x061c,
    0x115f, 0x180e
  ],
  ...[
    0x2003, 0x200b, 0x200d, 0x200e, 0x200f, 0x2028, 0x202a, 0x202e, 0x2060,
    0x2066, 0x2069
  ],
  ...[0x2800, 0x3164, 0xfe0f, 0xfeff, 0xffa0, 0xe0041, 0xe0100]
];

describe('what cannot be seen', () => {
  it.each(TRICKS)('is written out: %i', code => {
    const hex = code.toString(16).toUpperCase().padStart(4, '0');
    expect(visible(`a${String.fromCodePoint(code)}b`)).toBe(`a⟨U+${hex}⟩b`);
  });

  it('leaves ordinary text of any script alone', () => {
    const text = 'rm -rf ./build\n\tпривет 你好 שלום é ñ';
    expect(visible(text)).toBe(text);
    expect(hasInvisible(text)).toBe(false);
  });

  it('writes out a stack of combining marks', () => {
    expect(visible('a' + '\u0301'.repeat(5))).toBe('a' + '⟨U+0301⟩'.repeat(5));
  });
});

describe('terminal output', () => {
  it('test_f5: is not swallowed by an escape that nobody ends', () => {
    expect(terminal('a\u001b]8;;https://evil.example\nb\u001bPq\nc')).toBe(
      'a\nb\nc'
    );
  });

  it.each([
    ['\u001b[31mred\u001b[0m\n', 'red\n'],
    ['\u001b]0;title\u0007text', 'text'],
    ['\u001b]8;;https://x.org\u001b\\link\u001b]8;;\u001b\\', 'link'],
    ['\u001b]52;c;cm0gLXJm\u0007ok', 'ok'],
    [' 1%\r 50%\r100%\ndone\r\n', '100%\ndone\n'],
    ['pass\b\b\b\bfail', 'fail'],
    ['\u009b31mx\u0090y', '31mxy'],
    ['\u001b]0;never ends', '']
  ])('reads %j as %j', (raw, plain) => {
    expect(terminal(raw)).toBe(plain);
  });
});

it('writes numbers as people read them', () => {
  expect([400, 3_200, 12_000, 185_000].map(duration)).toEqual([
    '0.4 s',
    '3 s',
    '12 s',
    '3 min 5 s'
  ]);
  expect([950, 12_345, 256_000, 1_250_000].map(count)).toEqual([
    '950',
    '12.3k',
    '256k',
    '1.25M'
  ]);
  expect([money(0.0123, 'USD'), money(4.2, 'CNY'), money(0, 'EUR')]).toEqual([
    '$0.0123',
    '¥4.20',
    '0.00 EUR'
  ]);
});
