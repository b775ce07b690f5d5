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
import { afterEach, describe, expect, it } from 'vitest';

import { AskCard } from '../cards/ask';
import { ARMING_MS, ClickGuard } from '../cards/guard';
import type { Guard } from '../cards/guard';
import type { Session } from '../session';
import type { Ask } from '../state';
import { KimiContext } from '../views/context';
import type { Kimi } from '../views/context';
import { ItemView } from '../views/turn';
import type { Decision, Effect } from '../wire';

const WRITE: Effect = {
  kind: 'write',
  title: 'Write file src/utils.ts (+2 −1)',
  paths: ['src/utils.ts'],
  diff: {
    path: 'src/utils.ts',
    is_new: false,
    added: 2,
    removed: 1,
    unified:
      '--- a/src/utils.ts\n+++ b/src/utils.ts\n@@ -3,2 +3,3 @@\n same\n-old\n+new\n+more\n',
    is_cut: false,
    before: null,
    after: null,
    before_hash: '',
    after_hash: '',
    hunks: []
  },
  command: null,
  question: null,
  protected: null,
  digest: 'd'
};

const COMMAND: Effect = {
  ...WRITE,
  kind: 'command',
  title: 'Run a command',
  diff: null,
  command: { command: 'rm -rf \u202e/tmp', cwd: 'src', timeout_seconds: 300 }
};

const ask = (effect: Effect, options: readonly Decision[], why = ''): Ask => ({
  ask: 'a1',
  kind: effect.kind,
  effect,
  options,
  why,
  open: true,
  decision: null,
  by: '',
  comment: null
});

/** Stands for a person who has waited long enough: a script can't make a trusted click. */
const PERSON: Guard = { appeared: () => undefined, allows: () => true };

const kimi = {
  trans: nullTranslator.load('kimi_jupyter'),
  session: {} as Session
} as Kimi;

const wait = (ms: number) =>
  act(() => new Promise(resolve => setTimeout(resolve, ms)));

describe('the approval card', () => {
  afterEach(cleanup);

  const show = async (props: Ask, guard?: Guard) => {
    const answers: unknown[][] = [];
    const card = (epoch: number) => (
      <KimiContext.Provider value={kimi}>
        <AskCard
          ask={props}
          epoch={epoch}
          guard={guard}
          onAnswer={(...answer) => answers.push(answer)}
        />
      </KimiContext.Provider>
    );
    const { rerender } = render(card(1));
    return { answers, renew: () => rerender(card(2)) };
  };

  const button = (name: string) =>
    screen.getByRole<HTMLButtonElement>('button', { name });

  it('offers only the answers that count', async () => {
    await show(ask(WRITE, ['approve', 'reject']));
    const names = screen.getAllByRole('button').map(each => each.textContent);
    expect(names).toEqual([
      'View diff',
      'Approve',
      'Reject',
      'Reject with a comment'
    ]);
    cleanup();
    await show(ask(COMMAND, ['approve', 'approve_remember', 'reject']));
    expect(screen.queryByText('Approve & remember')).not.toBeNull();
    expect(screen.queryByText('Approve for this task')).toBeNull();
  });

  it('takes no click before it could be read', async () => {
    const { answers } = await show(ask(WRITE, ['approve', 'reject']));
    expect(button('Approve').disabled).toBe(true);
    fireEvent.click(button('Approve'));
    await wait(ARMING_MS + 50);
    expect(button('Approve').disabled).toBe(false);
    expect(answers).toEqual([]);
  });

  it('takes no click of a script, however late', async () => {
    const { answers } = await show(ask(WRITE, ['approve', 'reject']));
    await wait(ARMING_MS + 50);
    fireEvent.click(button('Approve'));
    button('Approve').click();
    expect(answers).toEqual([]);
    expect(button('Approve').disabled).toBe(false);
  });

  it('sends a person’s answer once and waits for the agent', async () => {
    const { answers, renew } = await show(
      ask(WRITE, ['approve', 'reject']),
      PERSON
    );
    await wait(ARMING_MS + 50);
    fireEvent.click(button('Approve'));
    fireEvent.click(button('Reject'));
    expect(answers).toEqual([['approve', undefined]]);
    expect(button('Reject').disabled).toBe(true);
    renew();
    expect(button('Reject').disabled).toBe(false);
  });

  it('sends what to do instead along with a rejection', async () => {
    const { answers } = await show(ask(WRITE, ['approve', 'reject']), PERSON);
    await wait(ARMING_MS + 50);
    fireEvent.click(button('Reject with a comment'));
    fireEvent.change(screen.getByLabelText('What to do instead'), {
      target: { value: 'use tabs' }
    });
    fireEvent.click(button('Reject'));
    expect(answers).toEqual([['reject', { comment: 'use tabs' }]]);
  });

  it('shows the diff on demand, with line numbers', async () => {
    await show(ask(WRITE, ['approve', 'reject']));
    fireEvent.click(button('View diff'));
    const rows = screen.getAllByRole('row').map(row => row.textContent);
    expect(rows).toEqual(['33 same', '4−old', '4+new', '5+more']);
  });

  it('shows a whole command, its place and its limit, with hidden characters made visible', async () => {
    await show(ask(COMMAND, ['approve', 'reject']));
    expect(screen.getByLabelText('Command').textContent).toBe(
      'rm -rf ⟨U+202E⟩/tmp'
    );
    expect(screen.getByRole('group').textContent).toContain(
      'insrcat most5 min'
    );
  });

  const DIFF = WRITE.diff!;
  const HUNK = { line: 1, added: 1, removed: 1 };
  const TWO: Effect = { ...WRITE, diff: { ...DIFF, hunks: [HUNK, HUNK] } };

  it('approves single hunks of a write', async () => {
    const { answers } = await show(ask(TWO, ['approve', 'reject']), PERSON);
    await wait(ARMING_MS + 50);
    fireEvent.click(screen.getAllByRole('checkbox')[0]!);
    fireEvent.click(button('Approve 1 of 2'));
    expect(answers).toEqual([['approve', { hunks: [1] }]]);
  });

  it('sends a command as the user changed it, for once only', async () => {
    const options: Decision[] = ['approve', 'approve_remember', 'reject'];
    const { answers } = await show(ask(COMMAND, options), PERSON);
    await wait(ARMING_MS + 50);
    fireEvent.click(button('Edit'));
    fireEvent.change(screen.getByLabelText('Edited proposal'), {
      target: { value: 'ls' }
    });
    expect(screen.queryByText('Approve & remember')).toBeNull();
    fireEvent.click(button('Approve my edit'));
    expect(answers).toEqual([['approve', { edited: 'ls' }]]);
  });

  it('answers a question with an option, in words, or not at all', async () => {
    const question = { text: 'Which one?', options: ['Red', 'Blue'] };
    const effect: Effect = { ...WRITE, kind: 'question', diff: null, question };
    const { answers, renew } = await show(
      ask(effect, ['approve', 'reject']),
      PERSON
    );
    await wait(ARMING_MS + 50);
    fireEvent.click(button('Blue'));
    renew();
    fireEvent.click(button('No answer'));
    expect(answers).toEqual([
      ['approve', { comment: 'Blue' }],
      ['reject', undefined]
    ]);
  });

  it('says why it asks', async () => {
    const effect = { ...WRITE, protected: 'Git runs files in .git.' };
    await show(ask(effect, ['approve', 'reject'], 'The file has changed.'));
    expect(
      screen.queryByText('The file has changed. Git runs files in .git.')
    ).not.toBeNull();
  });
});

describe("the agent's own question", () => {
  afterEach(cleanup);

  const show = (opened: Partial<Ask>) => {
    const question = { text: 'Go on?', options: ['Go on', 'Stop'] };
    const effect = {
      ...WRITE,
      kind: 'question' as const,
      diff: null,
      question
    };
    const own = { ...ask(effect, ['approve', 'reject']), ...opened };
    const session = {
      changed: new Signal<object, void>({}),
      streamed: new Signal<object, void>({}),
      epoch: 1,
      watch: () => () => undefined
    } as unknown as Session;
    render(
      <KimiContext.Provider value={{ ...kimi, session }}>
        <ItemView
          item={{ kind: 'ask', title: 'Going in circles', ask: own }}
          isLive={true}
        />
      </KimiContext.Provider>
    );
  };

  it('has a card of its own, without a tool', () => {
    show({});
    expect(screen.queryByText('Go on?')).not.toBeNull();
    expect(screen.queryByRole('button', { name: 'Stop' })).not.toBeNull();
  });

  it('is a line with its answer once it is closed', () => {
    show({ open: false, decision: 'approve', comment: 'Stop' });
    expect(screen.queryByText('Going in circles → Stop')).not.toBeNull();
    expect(screen.queryByRole('button')).toBeNull();
  });
});

describe('the guard', () => {
  it('allows a trusted click from the moment that the card was long enough in sight', () => {
    let now = 0;
    const guard = new ClickGuard(() => now);
    const click = { isTrusted: true };
    expect(guard.allows(click)).toBe(false);
    guard.appeared();
    now = ARMING_MS - 1;
    expect(guard.allows(click)).toBe(false);
    now = ARMING_MS;
    expect(guard.allows(click)).toBe(true);
    expect(guard.allows({ isTrusted: false })).toBe(false);
    guard.appeared();
    expect(guard.allows(click)).toBe(false);
  });
});
