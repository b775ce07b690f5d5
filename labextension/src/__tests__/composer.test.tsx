import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import {
  act,
  cleanup,
  fireEvent,
  render,
  screen
} from '@testing-library/react';
import React from 'react';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Memory } from '../memory';
import type { Session } from '../session';
import { Composer } from '../views/composer';
import { KimiContext } from '../views/context';
import type { Kimi } from '../views/context';

describe('the input', () => {
  let sent: string[] = [];
  let stopped = 0;

  const show = (state: Partial<Session> = {}) => {
    const session = {
      task: 't',
      isRunning: false,
      isSending: false,
      memory: new Memory('s'),
      returned: new Signal<object, string>({}),
      arrived: new Signal<object, string>({}),
      send: async (text: string) => void sent.push(text),
      stop: () => (stopped += 1),
      ...state
    } as unknown as Session;
    const kimi = {
      session,
      trans: nullTranslator.load('kimi_jupyter')
    } as Kimi;
    render(
      <KimiContext.Provider value={kimi}>
        <Composer />
      </KimiContext.Provider>
    );
    return session;
  };
  const box = () => screen.getByLabelText<HTMLTextAreaElement>('Message Kimi');
  const type = (value: string) =>
    fireEvent.change(box(), { target: { value } });

  beforeEach(() => {
    sent = [];
    stopped = 0;
    window.sessionStorage.clear();
  });
  afterEach(cleanup);

  it('sends with Enter and empties itself', () => {
    show();
    type('hello');
    fireEvent.keyDown(box(), { key: 'Enter' });
    expect([sent, box().value]).toEqual([['hello'], '']);
  });

  it('does not send with Shift+Enter, nor while an input method composes', () => {
    show();
    type('ni');
    fireEvent.keyDown(box(), { key: 'Enter', shiftKey: true });
    fireEvent.keyDown(box(), { key: 'Enter', isComposing: true });
    fireEvent.keyDown(box(), { key: 'Enter', keyCode: 229 });
    expect(sent).toEqual([]);
  });

  it('sends while Kimi works too, for the queue, and offers to stop', () => {
    show({ isRunning: true });
    type('next');
    fireEvent.keyDown(box(), { key: 'Enter' });
    expect([sent, box().value]).toEqual([['next'], '']);
    fireEvent.click(screen.getByRole('button', { name: 'Stop' }));
    expect(stopped).toBe(1);
  });

  it('remembers a draft over a reload', () => {
    show();
    type('half a thought');
    cleanup();
    show();
    expect(box().value).toBe('half a thought');
  });

  it('takes back a message that could not be sent, unless something else was typed', () => {
    const session = show();
    const { returned, arrived } = session as unknown as {
      returned: Signal<object, string>;
      arrived: Signal<object, string>;
    };
    act(() => returned.emit('lost'));
    expect(box().value).toBe('lost');
    act(() => arrived.emit('lost'));
    expect(box().value).toBe('');
    type('mine');
    act(() => returned.emit('lost'));
    expect(box().value).toBe('mine');
  });
});
