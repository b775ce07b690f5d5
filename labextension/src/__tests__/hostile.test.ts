/** F3: no markdown, whole or as a stream cuts it, becomes anything that runs, loads or acts. */
import { EditorLanguageRegistry } from '@jupyterlab/codemirror';
import { createMarkdownParser } from '@jupyterlab/markedparser-extension';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';

import { Flow } from '../flow';
import { LabRenderer } from '../markdown';
import { sanitize } from '../sanitizer';

const RUNS = 10_000;
const REMOTE = 'https://evil.example/x';
const ATOMS = [
  ...'<>"\'`=/&;!-[](){}#|*_~$\\: \n\t',
  '\n\n',
  '```',
  '<!--',
  '-->',
  '<![CDATA[',
  ']]>',
  '&lt;',
  '&#60;',
  '&colon;',
  '&Tab;',
  '\u0000',
  '\u202e',
  '](',
  '![',
  ']: ',
  '<img src=',
  'x onerror="window.__pwn=1">',
  '<svg onload="window.__pwn=1">',
  '<svg>',
  '<math>',
  '<mtext>',
  '<mglyph>',
  '<style>',
  '</style>',
  '<script>window.__pwn=1</script>',
  '<table>',
  '<td>',
  '<select>',
  '<template>',
  '<noscript>',
  '</noscript>',
  '<title>',
  '<textarea>',
  '<xmp>',
  '<form>',
  '<details open ontoggle="window.__pwn=1">',
  '<iframe srcdoc="',
  '<a href="',
  '<a id=body name=cookie>',
  '<input type=checkbox ',
  'style="background:url(',
  'srcset=',
  'javascript:window.__pwn=1',
  'java\tscript:window.__pwn=1',
  'data:text/html,<script>1</script>',
  'data:image/svg+xml,<svg onload=1>',
  'data:image/png;base64,iVBORw0KGgo=',
  'attachment:x.png',
  REMOTE,
  '/kimi/key',
  '\\href{',
  'mermaid\n',
  'word',
  '1. ',
  '- ',
  '| a |\n|---|\n'
];
const markdown = fc
  .array(fc.oneof(fc.constantFrom(...ATOMS), fc.string({ maxLength: 4 })), {
    minLength: 1,
    maxLength: 14
  })
  .map(parts => parts.join(''));

const languages = new EditorLanguageRegistry();
const renderer = new LabRenderer(
  createMarkdownParser(languages),
  null,
  languages
);

/** What may stand in a chat; all else is a fault, named or not. */
const ELEMENTS =
  /^(a|abbr|b|blockquote|br|caption|cite|code|col|colgroup|dd|del|details|dfn|div|dl|dt|em|figcaption|figure|h[1-6]|header|hr|i|img|input|ins|kbd|li|mark|ol|p|pre|q|rp|rt|ruby|s|samp|small|span|strong|sub|summary|sup|table|tbody|td|tfoot|th|thead|tr|u|ul|var|wbr)$/;
const ATTRIBUTES: Record<string, RegExp> = {
  href: /^(https?|mailto):/,
  src: /^data:image\/(png|jpeg|gif|webp);base64,[\w+/=\s]+$/,
  rel: /^noopener noreferrer nofollow$/,
  target: /^_blank$/,
  title: /^(https?|mailto):/,
  class: /^(jp-Kimi-(unloaded|block|code|codeChunk|page)|language-|ͼ|tok-|cm-)/,
  align: /^(left|center|right)$/,
  type: /^checkbox$/,
  tabindex: /^0$/,
  alt: /^/,
  disabled: /^$/,
  checked: /^$/,
  'data-host': /^/,
  'data-lines': /^\d+$/,
  'aria-label': /^[✓–]$/,
  colspan: /^-?\d+$/,
  rowspan: /^-?\d+$/,
  start: /^-?\d+$/,
  value: /^-?\d+$/,
  span: /^-?\d+$/
};

function faults(node: ParentNode): string[] {
  return [...node.querySelectorAll('*')].flatMap(element => [
    ...(element.namespaceURI === 'http://www.w3.org/1999/xhtml' &&
    ELEMENTS.test(element.localName)
      ? []
      : [element.localName]),
    ...(element.localName === 'input' && !(element as HTMLInputElement).disabled
      ? ['input']
      : []),
    ...[...element.attributes]
      .filter(({ name, value }) => ATTRIBUTES[name]?.test(value) !== true)
      .map(({ name, value }) => `${element.localName}[${name}=${value}]`)
  ]);
}

it('test_f3_danger: what the parser alone gives holds what would run', async () => {
  const raw = document.createElement('template');
  const parser = createMarkdownParser(languages);
  raw.innerHTML = await parser.render(
    '<img src=x onerror="window.__pwn=1">\n\n[x](javascript:1)'
  );
  expect(faults(raw.content)).toEqual([
    'img[src=x]',
    'img[onerror=window.__pwn=1]',
    'a[href=javascript:1]'
  ]);
});

it(
  'test_f3: ten thousand texts become nothing that runs, loads or acts',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(markdown, async text => {
        const drawn = await renderer.markdown(text);
        expect(faults(drawn)).toEqual([]);
        // Written out and read again, as by a copy into another page, it is as harmless.
        const again = document.createElement('template');
        again.innerHTML = [...drawn.children].map(e => e.outerHTML).join('');
        expect(faults(again.content)).toEqual([]);
      }),
      { numRuns: RUNS }
    );
    expect('__pwn' in window).toBe(false);
  }
);

it('test_f3: HTML itself, however broken, comes out harmless', () => {
  fc.assert(
    fc.property(markdown, html => {
      expect(faults(sanitize(html))).toEqual([]);
    }),
    { numRuns: 3_000 }
  );
});

it(
  'test_f3: a stream that is cut anywhere is harmless at every step',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        markdown,
        fc.array(fc.nat(200), { maxLength: 5 }),
        async (text, cuts) => {
          const flow = new Flow(document.createElement('div'), {
            renderer,
            codeHead: () => document.createElement('header'),
            now: () => 0,
            later: run => (run(), 0)
          });
          for (const end of [...cuts.sort((a, b) => a - b), text.length]) {
            flow.update(text.slice(0, end), end >= text.length);
            await new Promise(resolve => setTimeout(resolve, 0));
            expect(faults(flow.node)).toEqual([]);
          }
          flow.dispose();
        }
      ),
      { numRuns: 500 }
    );
    expect('__pwn' in window).toBe(false);
  }
);
