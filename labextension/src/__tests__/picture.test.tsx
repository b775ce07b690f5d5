import { nullTranslator } from '@jupyterlab/translation';
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import React from 'react';
import { afterEach, describe, expect, it } from 'vitest';

import { drawable } from '../images';
import { KimiContext } from '../views/context';
import type { Kimi } from '../views/context';
import { Picture } from '../views/picture';

const PNG =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';

const KIMI = { trans: nullTranslator.load('kimi') } as unknown as Kimi;

function draw(url: string | null, name = 'plot.png'): void {
  render(
    <KimiContext.Provider value={KIMI}>
      <Picture url={url} name={name} />
    </KimiContext.Provider>
  );
}

afterEach(cleanup);

describe('an image', () => {
  it('is drawn with its name, and larger on a click', () => {
    draw(PNG, 'plot\u202e.png');
    const image = screen.getByRole('img');
    expect(image.getAttribute('src')).toBe(PNG);
    expect(image.getAttribute('alt')).toBe('plot⟨U+202E⟩.png');
    const button = screen.getByRole('button');
    expect(button.getAttribute('aria-expanded')).toBe('false');
    fireEvent.click(button);
    expect(button.getAttribute('aria-expanded')).toBe('true');
  });

  it.each([
    'https://example.org/a.png',
    'data:image/svg+xml;base64,PHN2Zz4=',
    'data:text/html;base64,PHN2Zz4=',
    'data:image/png;base64,AAAA"onerror="x',
    'data:image/png;base64,',
    'data:image/png,AAAA',
    `${PNG}\n`,
    'DATA:image/png;base64,AAAA',
    'javascript:alert(1)',
    ''
  ])('is not drawn from %s', url => {
    expect(drawable(url)).toBe(null);
    draw(url);
    expect(screen.queryByRole('img')).toBe(null);
  });

  it('is not there without an address', () => {
    draw(null);
    expect(document.querySelector('img')).toBe(null);
  });
});
