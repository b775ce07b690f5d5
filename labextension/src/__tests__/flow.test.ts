import { beforeEach, describe, expect, it } from 'vitest';

import { Flow } from '../flow';
import type { Renderer } from '../markdown';
import { Slices } from '../slices';

/** Draws paragraphs and counts what it was asked to draw. */
class CountingRenderer implements Renderer {
  readonly isReady = true;
  readonly slices = new Slices();
  readonly asked: string[] = [];
  readonly coloured: string[] = [];

  async markdown(source: string): Promise<DocumentFragment> {
    this.asked.push(source);
    const fragment = document.createDocumentFragment();
    fragment.append(`<${source}>`);
    return fragment;
  }

  async code(
    text: string,
    language: string,
    into: HTMLElement
  ): Promise<boolean> {
    this.coloured.push(`${language}:${text}`);
    into.textContent = text;
    return true;
  }

  typeset(): void {
    return;
  }
}

const settled = () => new Promise(resolve => setTimeout(resolve, 5));

describe('a reply that grows', () => {
  let clock = 0;
  let waiting: (() => void)[] = [];
  let renderer: CountingRenderer;
  let flow: Flow;

  beforeEach(() => {
    clock = 0;
    waiting = [];
    renderer = new CountingRenderer();
    flow = new Flow(document.createElement('div'), {
      renderer,
      codeHead: () => document.createElement('header'),
      now: () => clock,
      later: run => waiting.push(run)
    });
  });

  const show = async (text: string, isDone = false) => {
    clock += 1000;
    flow.update(text, isDone);
    waiting.splice(0).forEach(run => run());
    await settled();
  };

  it('is painted at once when its first words come, and later only after a while', async () => {
    flow.update('Hel', false);
    await settled();
    expect(flow.node.textContent).toBe('<Hel>');
    clock += 10;
    flow.update('Hello', false);
    expect(waiting).toHaveLength(1);
    flow.update('Hello you', false);
    expect(waiting).toHaveLength(1);
  });

  it('draws each closed block once and only the open one again', async () => {
    await show('one\n\ntw');
    await show('one\n\ntwo\n\nthr');
    await show('one\n\ntwo\n\nthree is lon');
    await show('one\n\ntwo\n\nthree is long', true);
    const count = (text: string) =>
      renderer.asked.filter(source => source === text).length;
    expect([count('one'), count('two')]).toEqual([1, 1]);
    expect(flow.node.textContent).toBe('<one><two><three is long>');
  });

  it('does not draw a block again that closes as it was shown', async () => {
    await show('one');
    await show('one\n\n');
    expect(renderer.asked).toEqual(['one']);
  });

  it('appends to open code and colours it once, when it closes', async () => {
    await show('```py\na = 1\n');
    const code = flow.node.querySelector('code');
    await show('```py\na = 1\nb = 2\n``');
    expect(flow.node.querySelector('code')).toBe(code);
    expect(code?.textContent).toBe('a = 1\nb = 2');
    expect(renderer.coloured).toEqual([]);
    await show('```py\na = 1\nb = 2\n```\n');
    expect(renderer.coloured).toEqual(['py:a = 1\nb = 2']);
  });

  it('puts older blocks into pages while it streams, in order, and a text that is done into none', async () => {
    const words = Array.from({ length: 50 }, (_, i) => `b${i}`);
    const whole = words.map(word => `<${word}>`).join('');
    await show(words.slice(0, 40).join('\n\n'));
    await show(words.join('\n\n'));
    expect(flow.node.querySelectorAll('.jp-Kimi-page')).toHaveLength(1);
    expect(flow.node.querySelector('.jp-Kimi-page')?.children).toHaveLength(16);
    expect(flow.node.textContent).toBe(whole);

    await show('other');
    await show(words.join('\n\n'), true);
    expect(flow.node.querySelectorAll('.jp-Kimi-page')).toHaveLength(0);
    expect(flow.node.textContent).toBe(whole);
  });

  it('starts over when the text is another one', async () => {
    await show('one\n\ntwo');
    await show('other');
    expect(flow.node.textContent).toBe('<other>');
  });

  it('gives blocks the definitions that they refer to', async () => {
    await show('see [a][1]\n\nplain\n\n[1]: https://x.org', true);
    expect(renderer.asked).toContain('see [a][1]\n\n[1]: https://x.org');
  });
});
