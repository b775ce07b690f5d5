/**
 * Cuts growing markdown into blocks: a closed block never changes again, so only the open one is rendered anew.
 *
 * A blank line ends a block outside fences, lists and open HTML; a heading is a block, a fenced code block is one.
 */

export interface Block {
  readonly kind: 'markdown' | 'code';
  /** Markdown source, or the code between the fences. */
  readonly text: string;
  /** First word after the opening fence. */
  readonly language: string;
}

type Shape = 'paragraph' | 'list' | 'html' | 'code';

interface Fence {
  readonly mark: string;
  readonly length: number;
}

const FENCE = /^( {0,3})(`{3,}|~{3,})[ \t]*([^`\n]*?)[ \t]*$/;
const ITEM = /^ {0,3}(?:[-+*]|\d{1,9}[.)])(?:[ \t]|$)/;
const HEADING = /^ {0,3}#{1,6}(?:[ \t]|$)/;
const HTML = /^ {0,3}<(details|pre|table|!--)/i;
const PERHAPS_FENCE = /^ {0,3}(`+|~+)[ \t]*$/;

/** From here on a list is cut at its next item. */
const LONG_LIST = 4_000;
/** From here on a table is cut, and goes on with its head. */
const LONG_TABLE = 8_000;
/** From here on a line without end, or a paragraph, is cut at a space. */
const LONG_TEXT = 16_000;

/** Takes text as it comes; `closed` only grows, `open` is what may still change. */
export class Blocks {
  readonly closed: Block[] = [];

  push(text: string): void {
    let from = 0;
    let end = text.indexOf('\n');
    while (end !== -1) {
      this._partial += text.slice(from, end);
      this._endLine();
      from = end + 1;
      end = text.indexOf('\n', from);
    }
    this._partial += text.slice(from);
    this._cutLong();
  }

  /** No more text comes: what is open is closed. */
  end(): void {
    if (this._partial !== '') {
      this._endLine();
    }
    this._close();
  }

  get open(): Block | null {
    if (this._shape === 'code') {
      const hidden = PERHAPS_FENCE.test(this._partial);
      return this._code(this._text + (hidden ? '' : this._partial));
    }
    const text = this._text + this._partial;
    return text.trim() === '' ? null : { kind: 'markdown', text, language: '' };
  }

  private _line(line: string): void {
    if (this._shape === 'code') {
      this._codeLine(line);
    } else if (this._inner !== null) {
      this._innerLine(line);
    } else if (line.trim() === '') {
      this._blank();
    } else {
      this._textLine(line);
    }
  }

  private _codeLine(line: string): void {
    if (this._fence !== null && closes(line, this._fence)) {
      this._close();
    } else {
      this._text += dedent(line, this._indent) + '\n';
    }
  }

  /** A line of a fence inside a list: nothing there ends the list. */
  private _innerLine(line: string): void {
    this._text += line + '\n';
    if (this._inner !== null && closes(line.trimStart(), this._inner)) {
      this._inner = null;
    }
  }

  private _blank(): void {
    this._head = '';
    if (
      this._shape === 'list' ||
      (this._shape === 'html' && isHtmlOpen(this._text))
    ) {
      this._text += '\n';
      this._afterBlank = true;
    } else {
      this._close();
    }
  }

  private _textLine(line: string): void {
    const continues = this._continues(line);
    if (!continues) {
      this._close();
    }
    const fence = FENCE.exec(line);
    if (fence !== null && this._shape !== 'list' && this._shape !== 'html') {
      this._close();
      this._openCode(fence);
      return;
    }
    const isHeading =
      HEADING.test(line) && this._shape !== 'list' && this._shape !== 'html';
    if (isHeading) {
      this._close();
    }
    this._append(line);
    if (isHeading) {
      this._close();
    } else if (this._text.length > LONG_TABLE) {
      this._cutLongText();
    }
  }

  private _cutLongText(): void {
    const head = tableHead(this._text);
    if (head !== '' || this._text.length > LONG_TEXT) {
      this._close();
      this._head = head;
    }
  }

  /** Whether a line that is not blank belongs to what is open. */
  private _continues(line: string): boolean {
    if (this._shape !== 'list') {
      return true;
    }
    if (ITEM.test(line)) {
      return this._text.length < LONG_LIST || line.startsWith(' ');
    }
    if (/^(?: {2}|\t)/.test(line)) {
      return true;
    }
    return !this._afterBlank && !HEADING.test(line) && !FENCE.test(line);
  }

  private _append(line: string): void {
    if (this._text === '' && HTML.test(line)) {
      this._shape = 'html';
    } else if (this._shape === 'paragraph' && ITEM.test(line)) {
      this._shape = 'list';
    }
    const inner =
      this._shape === 'list'
        ? FENCE.exec(line.replace(/^[\s\d.)*+-]*(?=[`~]{3})/, ''))
        : null;
    this._inner = inner && fenceOf(inner);
    if (this._head !== '' && line.includes('|')) {
      this._text = this._head;
    }
    this._head = '';
    this._text += line + '\n';
    this._afterBlank = false;
  }

  private _openCode(match: RegExpExecArray): void {
    this._shape = 'code';
    this._fence = fenceOf(match);
    this._indent = (match[1] ?? '').length;
    this._language = (match[3] ?? '').split(/[\s{,]/)[0] ?? '';
  }

  private _close(): void {
    if (this._shape === 'code') {
      this.closed.push(this._code(this._text));
    } else if (this._text.trim() !== '') {
      this.closed.push({ kind: 'markdown', text: this._text, language: '' });
    }
    this._text = '';
    this._shape = 'paragraph';
    this._fence = null;
    this._inner = null;
    this._afterBlank = false;
    this._language = '';
  }

  private _endLine(): void {
    this._cutLong();
    const line = this._partial;
    this._partial = '';
    this._line(line);
  }

  private _cutLong(): void {
    while (this._partial.length > LONG_TEXT && this._shape !== 'code') {
      const space = this._partial.lastIndexOf(' ', LONG_TEXT);
      const at = space > 0 ? space : LONG_TEXT;
      this._append(this._partial.slice(0, at));
      this._partial = this._partial.slice(at);
      this._close();
    }
  }

  private _code(text: string): Block {
    return {
      kind: 'code',
      text: text.replace(/\n$/, ''),
      language: this._language
    };
  }

  private _text = '';
  private _partial = '';
  private _shape: Shape = 'paragraph';
  private _fence: Fence | null = null;
  private _indent = 0;
  private _language = '';
  /** A fence that is open inside a list. */
  private _inner: Fence | null = null;
  private _afterBlank = false;
  /** Head of a table that was cut for its length, for the rows that follow. */
  private _head = '';
}

/** The first two lines of a table, or nothing where it is none. */
function tableHead(text: string): string {
  return /^[^\n]*\|[^\n]*\n[ \t|:-]+\n/.exec(text)?.[0] ?? '';
}

function fenceOf(match: RegExpExecArray): Fence {
  const run = match[2] ?? '';
  return { mark: run.charAt(0), length: run.length };
}

function closes(line: string, fence: Fence): boolean {
  const match = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(line);
  const run = match?.[1] ?? '';
  return run.startsWith(fence.mark) && run.length >= fence.length;
}

function dedent(line: string, indent: number): string {
  return line.replace(new RegExp(`^ {0,${indent}}`), '');
}

/** Whether a block that began with HTML still waits for its end. */
function isHtmlOpen(text: string): boolean {
  const tag = HTML.exec(text)?.[1]?.toLowerCase() ?? '';
  if (tag === '!--') {
    return !text.includes('-->');
  }
  const opened = text.match(new RegExp(`<${tag}\\b`, 'gi'))?.length ?? 0;
  const closed = text.match(new RegExp(`</${tag}\\b`, 'gi'))?.length ?? 0;
  return opened > closed;
}

const DEFINITION = /^ {0,3}\[[^\]\n]+\]:[ \t]*\S+.*$/gm;

/** The link definitions of a whole text: a block that uses one needs it beside itself. */
export function definitions(text: string): string {
  return text.includes(']:') ? (text.match(DEFINITION) ?? []).join('\n') : '';
}
