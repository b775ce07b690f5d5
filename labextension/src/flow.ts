/**
 * Draws markdown that grows: each closed block once, the open one again at most every 50 ms, rarer where it is dear.
 *
 * An open fenced block gets its text appended and its colours when it closes.
 */
import { Blocks, definitions } from './blocks';
import type { Block } from './blocks';
import type { Renderer } from './markdown';

const INTERVAL = 50;
const LONGEST = 600;
/** The open block may take a tenth of the time. */
const SHARE = 10;
/** Blocks at the end of what streams that are left as they are; those before are put into pages. */
const NEAR = 16;
/** Blocks in a page: about a screen of them, for the browser skips a page only as a whole. */
const PAGE = 16;
/** Lines of open code that are laid out together. */
const CHUNK = 40;

/** What a flow is given from outside. */
export interface FlowOptions {
  readonly renderer: Renderer;
  /** Draws the head of a code block: its language and its buttons. */
  readonly codeHead: (language: string, code: () => string) => HTMLElement;
  /** Called after each paint, to keep the reader at the end. */
  readonly onPaint?: () => void;
  readonly now?: () => number;
  readonly later?: (run: () => void, ms: number) => number;
}

interface Drawn {
  readonly node: HTMLElement;
  block: Block;
  /** What the node shows. */
  shown: string | null;
  codeShown: string;
  /** Numbers of the last drawing that was begun, and of the one that is shown. */
  asked: number;
  answered: number;
}

export class Flow {
  constructor(
    readonly node: HTMLElement,
    private readonly _options: FlowOptions
  ) {}

  /** Show this text; `isDone` says that no more comes. */
  update(text: string, isDone: boolean): void {
    this._text = text;
    this._isDone = isDone;
    const wait = isDone ? 0 : this._nextAt - this._now();
    if (wait <= 0) {
      this._paint();
    } else if (this._timer === 0) {
      const later =
        this._options.later ?? ((run, ms) => window.setTimeout(run, ms));
      this._timer = later(() => {
        this._timer = 0;
        this._paint();
      }, wait);
    }
  }

  dispose(): void {
    window.clearTimeout(this._timer);
    this._isDisposed = true;
  }

  private _paint(): void {
    if (this._isDisposed) {
      return;
    }
    const start = this._now();
    this._nextAt = start + INTERVAL;
    this._take();
    this._draw();
    this._options.onPaint?.();
    const cost = this._now() - start;
    this._rest(start, cost);
  }

  /** Cut what is new into blocks; a text that does not go on from the one before starts over. */
  private _take(): void {
    if (!this._text.startsWith(this._taken)) {
      this._blocks = new Blocks();
      this._taken = '';
      this._drawn.length = 0;
      this._settled = 0;
      this._left = 0;
      this.node.replaceChildren();
    }
    this._blocks.push(this._text.slice(this._taken.length));
    this._taken = this._text;
    if (this._isDone) {
      this._blocks.end();
    }
  }

  private _draw(): void {
    const { closed, open } = this._blocks;
    this._leaveBehind(); // first, while the layout is still that of the last frame: measuring it is free
    closed.slice(this._settled).forEach((block, i) => {
      this._close(this._place(this._settled + i, block));
    });
    this._settled = closed.length;
    if (open !== null) {
      this._drawOpen(this._place(closed.length, open));
    } else {
      this._drawn.splice(closed.length).forEach(drawn => drawn.node.remove());
    }
    if (this._isDone) {
      this._resolveLinks();
    }
  }

  /** While it streams, put older blocks into pages that cost the browser nothing while they are out of sight. */
  private _leaveBehind(): void {
    while (!this._isDone && this._left + PAGE + NEAR <= this._settled) {
      const nodes = this._drawn
        .slice(this._left, this._left + PAGE)
        .map(drawn => drawn.node);
      this._left += PAGE;
      const height =
        nodes[PAGE - 1].getBoundingClientRect().bottom -
        nodes[0].getBoundingClientRect().top;
      const page = document.createElement('div');
      page.className = 'jp-Kimi-page';
      page.style.containIntrinsicSize = `auto ${Math.round(height)}px`;
      nodes[0].before(page);
      page.append(...nodes);
    }
  }

  /** The node of the block with this number; made where there is none, or one of the other kind. */
  private _place(index: number, block: Block): Drawn {
    const before = this._drawn[index];
    if (before !== undefined && before.block.kind === block.kind) {
      before.block = block;
      return before;
    }
    const node = document.createElement('div');
    const drawn: Drawn = {
      node,
      block,
      shown: null,
      codeShown: '',
      asked: 0,
      answered: 0
    };
    if (block.kind === 'code') {
      fillCode(drawn, this._options);
    } else {
      node.className = 'jp-Kimi-block';
    }
    before?.node.remove();
    this.node.insertBefore(node, this._drawn[index + 1]?.node ?? null);
    this._drawn[index] = drawn;
    return drawn;
  }

  private _drawOpen(drawn: Drawn): void {
    if (drawn.block.kind === 'code') {
      appendCode(drawn);
      return;
    }
    const { renderer } = this._options;
    const source = drawn.block.text.trimEnd();
    if (drawn.shown === null && !renderer.isReady) {
      drawn.node.textContent = source;
    }
    const start = this._now();
    void this._render(drawn, source).then(() => {
      this._rest(start, this._now() - start);
    });
  }

  private _close(drawn: Drawn): void {
    const { renderer } = this._options;
    if (drawn.block.kind === 'code') {
      appendCode(drawn);
      renderer.slices.add(() => colour(drawn, renderer));
      return;
    }
    if (drawn.shown === null) {
      drawn.node.textContent = drawn.block.text.trimEnd();
    }
    renderer.slices.add(async () => {
      await this._render(drawn, this._source(drawn.block));
      renderer.typeset(drawn.node);
      this._options.onPaint?.();
    });
  }

  /** Draw the source, unless a later drawing of the same block has come first. */
  private async _render(drawn: Drawn, source: string): Promise<void> {
    if (drawn.shown === source || this._isDisposed) {
      return;
    }
    const turn = ++drawn.asked;
    const fragment = await this._options.renderer.markdown(source);
    if (turn < drawn.answered || this._isDisposed) {
      return;
    }
    drawn.answered = turn;
    drawn.shown = source;
    drawn.node.replaceChildren(fragment);
    for (const pre of drawn.node.querySelectorAll('pre')) {
      this._frameCode(pre);
    }
  }

  /** Code inside a list or a quote gets the same head as a block of its own. */
  private _frameCode(pre: HTMLElement): void {
    const language =
      /language-(\S+)/.exec(pre.firstElementChild?.className ?? '')?.[1] ?? '';
    const frame = document.createElement('div');
    frame.className = 'jp-Kimi-code';
    pre.replaceWith(frame);
    const head = this._options.codeHead(language, () =>
      (pre.textContent ?? '').trimEnd()
    );
    frame.append(head, pre);
  }

  /** A definition may stand after its use: once all is there, the blocks that use one are drawn again, with it. */
  private _resolveLinks(): void {
    this._links = definitions(this._text);
    for (const drawn of this._links === '' ? [] : this._drawn) {
      if (drawn.block.kind === 'markdown') {
        this._options.renderer.slices.add(() =>
          this._render(drawn, this._source(drawn.block))
        );
      }
    }
  }

  private _source(block: Block): string {
    const text = block.text.trimEnd();
    return this._links !== '' && text.includes(']')
      ? `${text}\n\n${this._links}`
      : text;
  }

  private _rest(start: number, cost: number): void {
    const wait = Math.min(Math.max(INTERVAL, cost * SHARE), LONGEST);
    this._nextAt = Math.max(this._nextAt, start + wait);
  }

  private _now(): number {
    return (this._options.now ?? (() => performance.now()))();
  }

  private _blocks = new Blocks();
  private readonly _drawn: Drawn[] = [];
  private _text = '';
  private _links = '';
  private _taken = '';
  private _settled = 0;
  private _left = 0;
  private _isDone = false;
  private _nextAt = 0;
  private _timer = 0;
  private _isDisposed = false;
}

function fillCode(drawn: Drawn, options: FlowOptions): void {
  const pre = document.createElement('pre');
  pre.tabIndex = 0;
  pre.appendChild(document.createElement('code'));
  drawn.node.className = 'jp-Kimi-code';
  drawn.node.append(
    options.codeHead(drawn.block.language, () => drawn.block.text),
    pre
  );
}

/** Append what is new, in chunks: the browser lays out only the last one again. */
function appendCode(drawn: Drawn): void {
  const code = drawn.node.querySelector('code');
  const { text } = drawn.block;
  if (code === null || text === drawn.codeShown) {
    return;
  }
  if (!text.startsWith(drawn.codeShown)) {
    code.replaceChildren();
    drawn.codeShown = '';
  }
  let chunk = code.lastElementChild as HTMLElement | null;
  for (const line of text.slice(drawn.codeShown.length).split(/(?<=\n)/)) {
    const lines = Number(chunk?.dataset['lines'] ?? CHUNK);
    if (chunk === null || lines >= CHUNK) {
      chunk = document.createElement('span');
      chunk.className = 'jp-Kimi-codeChunk';
      chunk.dataset['lines'] = '0';
      code.appendChild(chunk);
    }
    chunk.append(line);
    if (line.endsWith('\n')) {
      chunk.dataset['lines'] = String(Number(chunk.dataset['lines']) + 1);
    }
  }
  drawn.codeShown = text;
}

async function colour(drawn: Drawn, renderer: Renderer): Promise<void> {
  const code = drawn.node.querySelector('code');
  if (code !== null) {
    await renderer.code(drawn.block.text, drawn.block.language, code);
  }
}
