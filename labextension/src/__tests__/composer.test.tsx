import { nullTranslator } from '@jupyterlab/translation';
import {
  act,
  cleanup,
  fireEvent,
  render,
  screen
} from '@testing-library/react';
import React from 'react';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Attachments } from '../attached';
import { Draft } from '../draft';
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
      task: null,
      isRunning: false,
      isSending: false,
      memory: new Memory('s'),
      draft: new Draft(new Memory('s')),
      attached: new Attachments(new Memory('s')),
      transcript: { turns: [{ text: 'first' }, { text: 'second' }] },
      slashCommands: async () => [
        { name: 'model', help: 'Switches the model.' },
        { name: 'mode', help: 'Switches the mode.' }
      ],
      findFiles: async () => [{ path: 'src/utils.ts', kind: 'file' }],
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
    const { draft } = session;
    act(() => draft.giveBack('lost'));
    expect(box().value).toBe('lost');
    act(() => draft.drop('lost'));
    expect(box().value).toBe('');
    type('mine');
    act(() => draft.giveBack('lost'));
    expect(box().value).toBe('mine');
  });

  it('offers slash commands, and Tab puts the chosen one in', async () => {
    show();
    type('/mo');
    const rows = await screen.findAllByRole('option');
    expect(rows.map(row => row.textContent)).toEqual([
      '/modelSwitches the model.',
      '/modeSwitches the mode.'
    ]);
    fireEvent.keyDown(box(), { key: 'ArrowDown' });
    fireEvent.keyDown(box(), { key: 'Tab' });
    expect([box().value, sent]).toEqual(['/mode ', []]);
  });

  it('offers files after an @, and Escape closes the menu without sending', async () => {
    show();
    type('see @ut');
    await screen.findByRole('option');
    fireEvent.keyDown(box(), { key: 'Escape' });
    expect(screen.queryByRole('option')).toBeNull();
    type('see @uti');
    expect(screen.queryByRole('option')).toBeNull();
  });

  it('puts the whole path of the file that Enter picks', async () => {
    show();
    type('see @ut');
    await screen.findByRole('option');
    fireEvent.keyDown(box(), { key: 'Enter' });
    expect([box().value, sent]).toEqual(['see @src/utils.ts ', []]);
  });

  it('brings back what was said with the arrow up, and goes forth again', () => {
    show();
    const press = (key: string) => {
      fireEvent.keyDown(box(), { key });
      return box().value;
    };
    expect([press('ArrowUp'), press('ArrowUp'), press('ArrowUp')]).toEqual([
      'second',
      'first',
      'first'
    ]);
    expect([press('ArrowDown'), press('ArrowDown')]).toEqual(['second', '']);
  });

  it('shows what goes with the message, and a cross takes it off', () => {
    const session = show();
    act(() => session.attached.addPaths(['data/prices.csv']));
    expect(screen.getByText('data/prices.csv')).toBeTruthy();
    fireEvent.click(
      screen.getByRole('button', { name: 'Remove data/prices.csv' })
    );
    expect(screen.queryByText('data/prices.csv')).toBeNull();
  });
});
