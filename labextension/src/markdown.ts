/** Markdown with JupyterLab's own parser and highlighter, behind our own sanitiser. */
import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { jupyterHighlightStyle } from '@jupyterlab/codemirror';
import type { IRenderMime } from '@jupyterlab/rendermime';
import { removeMath, replaceMath } from '@jupyterlab/rendermime';

import { isPlainMath, sanitize } from './sanitizer';
import { Slices } from './slices';

/** Draws one block; what it gives is safe to show. */
export interface Renderer {
  /** Markdown can be drawn at once; until then plain text stands for it. */
  readonly isReady: boolean;
  readonly slices: Slices;
  markdown(source: string): Promise<DocumentFragment>;
  /** Fill `into` with highlighted code; it stays untouched where nothing is known of the language. */
  code(text: string, language: string, into: HTMLElement): Promise<boolean>;
  /** Set the maths in a drawn block. */
  typeset(node: HTMLElement): void;
}

/** Longer code stays plain: the parser would hold up the page. */
const HIGHLIGHT_LIMIT = 40_000;

export class LabRenderer implements Renderer {
  constructor(
    private readonly _rendermime: IRenderMime.IMarkdownParser | null,
    private readonly _latex: IRenderMime.ILatexTypesetter | null,
    private readonly _languages: IEditorLanguageRegistry | null
  ) {}

  readonly slices = new Slices();

  get isReady(): boolean {
    return this._isReady;
  }

  /** Load the parser before the first reply needs it. */
  async warmUp(): Promise<void> {
    mountHighlightStyle();
    await this._rendermime?.render('');
    this._isReady = true;
  }

  async markdown(source: string): Promise<DocumentFragment> {
    if (this._rendermime === null) {
      const plain = document.createDocumentFragment();
      plain.append(source);
      return plain;
    }
    const { text, math } = removeMath(withoutDiagrams(source));
    const html = await this._rendermime.render(text);
    this._isReady = true;
    return sanitize(replaceMath(html, math));
  }

  async code(
    text: string,
    language: string,
    into: HTMLElement
  ): Promise<boolean> {
    const found =
      language === ''
        ? null
        : (this._languages?.findBest(alias(language), false) ?? null);
    if (
      found === null ||
      this._languages === null ||
      text.length > HIGHLIGHT_LIMIT
    ) {
      return false;
    }
    const made = document.createElement('span');
    await this._languages.highlight(text, found, made);
    into.replaceChildren(...made.childNodes);
    return true;
  }

  typeset(node: HTMLElement): void {
    if (this._latex !== null && isPlainMath(node.textContent ?? '')) {
      void this._latex.typeset(node);
    }
  }

  private _isReady = false;
}

/** Lab's Mermaid hook would put a rendered image into the text. */
function withoutDiagrams(source: string): string {
  return source.replace(
    /^(\s*(?:[-+*>]\s+|\d+[.)]\s+)*(?:`{3,}|~{3,})\s*)mermaid\b/gim,
    '$1text'
  );
}

/** Names that models use and Lab's registry knows by another. */
function alias(language: string): string {
  const name = language.toLowerCase();
  const aliases: Record<string, string> = {
    py: 'python',
    py3: 'python',
    python3: 'python',
    ipython: 'ipython',
    js: 'javascript',
    jsx: 'jsx',
    ts: 'typescript',
    tsx: 'tsx',
    sh: 'shell',
    bash: 'shell',
    zsh: 'shell',
    console: 'shell',
    ps1: 'powershell',
    yml: 'yaml',
    rs: 'rust',
    golang: 'go',
    md: 'markdown',
    'c++': 'c++',
    rb: 'ruby'
  };
  return aliases[name] ?? name;
}

/** Lab puts the highlighter's rules into the page with the first editor only; a chat may come before. */
function mountHighlightStyle(): void {
  const id = 'jp-Kimi-highlight';
  const rules = jupyterHighlightStyle.module?.getRules() ?? '';
  if (document.getElementById(id) === null && rules !== '') {
    const style = document.createElement('style');
    style.id = id;
    style.textContent = rules;
    document.head.appendChild(style);
  }
}
