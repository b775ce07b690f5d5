import { describe, expect, it } from 'vitest';

import { Blocks, definitions } from '../blocks';

const cut = (text: string) => {
  const blocks = new Blocks();
  blocks.push(text);
  blocks.end();
  return blocks.closed.map(block =>
    block.kind === 'code' ? `[${block.language}]${block.text}` : block.text
  );
};

const TEXT = `# Title
First paragraph
goes on.

| a | b |
|---|---|
| 1 | 2 |

- one

  still one
- two
  \`\`\`py
  x = 1

  y = 2
  \`\`\`

after
\`\`\`js
let a;

let b;
\`\`\`
> quote
`;

describe('blocks', () => {
  it('cuts at blank lines, headings and fences, never inside a list or a fence', () => {
    expect(cut(TEXT)).toEqual([
      '# Title\n',
      'First paragraph\ngoes on.\n',
      '| a | b |\n|---|---|\n| 1 | 2 |\n',
      '- one\n\n  still one\n- two\n  ```py\n  x = 1\n\n  y = 2\n  ```\n\n',
      'after\n',
      '[js]let a;\n\nlet b;',
      '> quote\n'
    ]);
  });

  it('cuts alike however the text arrives', () => {
    for (let step = 1; step < 12; step++) {
      const blocks = new Blocks();
      for (let i = 0; i < TEXT.length; i += step) {
        blocks.push(TEXT.slice(i, i + step));
      }
      blocks.end();
      const whole = new Blocks();
      whole.push(TEXT);
      whole.end();
      expect(blocks.closed).toEqual(whole.closed);
    }
  });

  it('never changes a closed block', () => {
    const blocks = new Blocks();
    let before: unknown[] = [];
    for (const character of TEXT) {
      blocks.push(character);
      expect(blocks.closed.slice(0, before.length)).toEqual(before);
      before = [...blocks.closed];
    }
  });

  it('shows an open fence as code, without the beginning of its end', () => {
    const blocks = new Blocks();
    blocks.push('```python\nprint(1)\n``');
    expect(blocks.open).toEqual({
      kind: 'code',
      text: 'print(1)',
      language: 'python'
    });
  });

  it('takes a shorter or other fence for code', () => {
    expect(cut('````md\n```\ninner\n```\n~~~\n````\nend')).toEqual([
      '[md]```\ninner\n```\n~~~',
      'end\n'
    ]);
  });

  it('cuts a long list at an item and an endless line at a space', () => {
    const list = cut(
      Array.from({ length: 600 }, (_, i) => `${i + 1}. item number ${i}`).join(
        '\n'
      )
    );
    expect(list.length).toBeGreaterThan(1);
    expect(list.join('')).toContain('600. item number 599');
    const line = cut('word '.repeat(20_000));
    expect(line.length).toBeGreaterThan(4);
  });

  it('cuts a long table into tables with the same head', () => {
    const rows = Array.from({ length: 3000 }, (_, i) => `| ${i} | x |\n`).join(
      ''
    );
    const tables = cut(`| a | b |\n|---|---|\n${rows}\nafter | it`);
    expect(tables.length).toBeGreaterThan(2);
    expect(tables.pop()).toBe('after | it\n');
    expect(
      tables.every(table => table.startsWith('| a | b |\n|---|---|\n'))
    ).toBe(true);
  });

  it('keeps folded details together', () => {
    const text =
      '<details><summary>x</summary>\n\nhidden\n\n</details>\n\nafter\n';
    expect(cut(text)).toEqual([
      '<details><summary>x</summary>\n\nhidden\n\n</details>\n',
      'after\n'
    ]);
  });

  it('finds the definitions that other blocks refer to', () => {
    expect(definitions('see [a][1]\n\n[1]: https://x.org "t"\n')).toBe(
      '[1]: https://x.org "t"'
    );
  });
});
