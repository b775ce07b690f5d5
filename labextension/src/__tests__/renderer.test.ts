import { EditorLanguageRegistry } from '@jupyterlab/codemirror';
import { createMarkdownParser } from '@jupyterlab/markedparser-extension';
import { describe, expect, it } from 'vitest';

import { LabRenderer } from '../markdown';

const languages = new EditorLanguageRegistry();
EditorLanguageRegistry.getDefaultLanguages().forEach(each =>
  languages.addLanguage(each)
);
const parser = createMarkdownParser(languages);

const REMOTE = 'https://evil.example/x';

const PAYLOADS = [
  `![a](${REMOTE})`,
  `![a][r]\n\n[r]: ${REMOTE}`,
  `<img src="${REMOTE}" onerror="window.__pwn=1">`,
  `[x](javascript:window.__pwn=1)`,
  `[x](data:text/html;base64,PHNjcmlwdD4x)`,
  `<javascript:window.__pwn=1>`,
  `<style>@import "${REMOTE}"</style>`,
  `<details open><summary>x</summary><iframe src="${REMOTE}"></iframe></details>`,
  '```mermaid\ngraph TD; A-->B; click A "https://evil.example"\n```',
  '```"><img src=x onerror=window.__pwn=1>\ncode\n```',
  '- item\n  ```html"><img src=x onerror=window.__pwn=1>\n  code\n  ```',
  `| <img src=x onerror=window.__pwn=1> |\n|---|\n| <svg onload=window.__pwn=1> |`,
  `# <a id="jupyter-config-data" href="${REMOTE}">x</a>`,
  `$\\href{javascript:window.__pwn=1}{x}$ <b onclick=window.__pwn=1>x</b>`
];

describe('markdown by JupyterLab’s parser', () => {
  const renderer = new LabRenderer(parser, null, languages);

  const draw = async (source: string): Promise<HTMLElement> => {
    const host = document.createElement('div');
    host.appendChild(await renderer.markdown(source));
    return host;
  };

  it.each(PAYLOADS)('is harmless: %s', async payload => {
    const host = await draw(payload);
    expect(
      host.querySelectorAll('img, svg, style, iframe, script, [id], [style]')
    ).toHaveLength(0);
    for (const element of host.querySelectorAll('*')) {
      const names = [...element.attributes].map(attribute => attribute.name);
      expect(names.filter(name => name.startsWith('on'))).toEqual([]);
      expect(element.getAttribute('href') ?? 'https:').toMatch(
        /^(https?|mailto):/
      );
    }
    expect('__pwn' in window).toBe(false);
  });

  it('is harmless however a stream cuts it', async () => {
    for (const payload of PAYLOADS) {
      for (let end = 1; end < payload.length; end += 3) {
        const host = await draw(payload.slice(0, end));
        expect(
          host.querySelectorAll('img, svg, style, iframe, script, [id]')
        ).toHaveLength(0);
      }
    }
    expect('__pwn' in window).toBe(false);
  });

  it('keeps headings, lists, tables, quotes and maths', async () => {
    const host = await draw(
      '## T\n\n1. a\n2. b\n\n> q\n\n| a |\n|--:|\n| $x_1$ |'
    );
    const names = [...host.querySelectorAll('*')].map(
      element => element.localName
    );
    expect(names).toEqual(
      'h2 ol li li blockquote p table thead tr th tbody tr td'.split(' ')
    );
    expect(host.querySelector('td')?.textContent).toBe('$x_1$');
  });

  it.each([
    ['js', 'const a = 1;'],
    ['ts', 'const a: number = 1;'],
    ['jsx', 'const a = <b/>;'],
    ['tsx', 'const a: X = <b/>;'],
    ['py', 'def f(): pass'],
    ['sh', 'if true; then echo; fi'],
    ['powershell', 'if ($a) { Get-Item }'],
    ['json', '{"a": 1}'],
    ['yaml', 'a: "b"'],
    ['html', '<p class="x">y</p>'],
    ['css', 'a { color: red }'],
    ['go', 'func main() {}'],
    ['rs', 'fn main() {}'],
    ['sql', 'select 1 from t']
  ])('highlights %s', async (language, text) => {
    const into = document.createElement('code');
    expect(await renderer.code(text, language, into)).toBe(true);
    expect(into.querySelector('span[class]')).not.toBeNull();
    expect(into.textContent).toBe(text);
  });

  it('leaves code of a language that nobody knows as it is', async () => {
    const into = document.createElement('code');
    into.textContent = 'kept';
    expect(await renderer.code('x', 'klingon', into)).toBe(false);
    expect(into.textContent).toBe('kept');
  });
});
