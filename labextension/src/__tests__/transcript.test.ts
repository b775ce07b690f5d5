import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { EMPTY } from '../state';
import type { Ask, Item, LinkOpened, Transcript, Turn } from '../state';
import { LIVE_LIMIT } from '../folds/tools';
import { titleFrom } from '../folds/turns';
import { fold, isRunning } from '../transcript';
import type { Event } from '../wire';

const DATA = join(__dirname, '../../../tests/data');

type Line = Event | LinkOpened;

function read(name: string): Line[] {
  const whole = readFileSync(join(DATA, name), 'utf-8');
  const lines = whole.slice(0, whole.lastIndexOf('\n') + 1).split('\n');
  return lines
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Line);
}

function run(lines: readonly Line[]): Transcript {
  return lines.reduce(fold, EMPTY);
}

const pathsOf = ({ attachments }: Pick<Turn, 'attachments'>) =>
  attachments.map(({ path }) => path);

const askOf = (ask: Ask | null) =>
  ask && {
    ask: ask.ask,
    kind: ask.kind,
    open: ask.open,
    decision: ask.decision,
    comment: ask.comment
  };

function itemOf(item: Item, state: Transcript): object | null {
  switch (item.kind) {
    case 'reply': {
      const open = state.open?.reply === item.reply ? state.open : item;
      const { kind, reply, done, finish } = item;
      return { kind, reply, think: open.think, text: open.text, done, finish };
    }
    case 'tool': {
      const { kind, call, name, title, status, summary } = item;
      const entry = state.background[call];
      const output = state.live[call] ?? item.output;
      return {
        kind,
        call,
        name,
        title,
        status,
        ask: askOf(item.ask),
        output,
        summary,
        background: entry
          ? { ended: entry.ended, summary: entry.summary }
          : null
      };
    }
    case 'notice':
      return item;
    case 'compacted':
      return item;
    case 'message':
      return { ...item, attachments: pathsOf(item) };
    case 'ask':
      return { ...item, ask: askOf(item.ask) };
  }
}

function turnOf(turn: Turn, state: Transcript): object {
  return {
    seq: turn.seq,
    text: turn.text,
    attachments: turn.attachments.map(attachment => attachment.path),
    items: turn.items
      .map(item => itemOf(item, state))
      .filter(item => item !== null),
    ended: turn.ended && {
      reason: turn.ended.reason,
      message: turn.ended.message
    }
  };
}

/** What `tests/data/README.md` compares. */
function view(state: Transcript): object {
  const { prompt_tokens, cached_tokens, completion_tokens, cost, requests } =
    state.usage;
  return {
    title: state.title,
    mode: state.mode,
    model: state.model,
    status: isRunning(state) ? 'running' : 'idle',
    notices: state.notices,
    turns: state.turns.map(turn => turnOf(turn, state)),
    queued: state.queued.map(each => ({
      ...each,
      attachments: pathsOf(each)
    })),
    open_asks: state.asks,
    todo: state.todo,
    rewound: state.rewound,
    usage: { prompt_tokens, cached_tokens, completion_tokens, cost, requests }
  };
}

const event = (type: string, fields: object, seq = 0): Event =>
  ({ type, seq, at: 0, task: 't', ...fields }) as unknown as Event;

it('what a background command prints is kept once, and replaced by all of it at its end', () => {
  const output = (text: string) => event('tool.output', { call: 'c', text });
  const running = run([
    event('task.created', { title: '', model: 'm', mode: 'ask' }, 1),
    event('turn.started', { text: 'hello', attachments: [] }, 2),
    event('tool.started', { call: 'c', name: 'execute_command' }, 3),
    event('tool.running', { call: 'c' }, 4),
    output('first'),
    event('command.backgrounded', { call: 'c' }, 5),
    event('tool.done', { call: 'c', ok: true, output: 'first' }, 6),
    output('one, '),
    event('turn.ended', { reason: 'done' }, 7),
    output('two')
  ]);
  expect(running.background['c']).toMatchObject({
    ended: false,
    output: 'one, two'
  });
  const again: Line[] = [{ type: 'link.opened' }, output('one, two, three')];
  const joined = again.reduce(fold, running);
  expect(joined.background['c']?.output).toBe('one, two, three');
  const ended = fold(
    joined,
    event('command.ended', { call: 'c', summary: 'x', output: 'all' }, 8)
  );
  expect(ended.background['c']).toMatchObject({ ended: true, output: 'all' });
});

const begun = (): Transcript =>
  run([
    event(
      'task.created',
      { title: '', model: 'm', mode: 'ask', notebook: null },
      1
    ),
    event('turn.started', { text: 'hello', attachments: [] }, 2)
  ]);

describe('recorded logs fold to what the server says', () => {
  const names = readdirSync(DATA).filter(name => name.endsWith('.fold.json'));
  const logs = names.map(name => name.replace('.fold.json', ''));

  it('finds recorded logs', () => {
    expect(logs).not.toEqual([]);
  });

  for (const name of logs) {
    const expected = JSON.parse(
      readFileSync(join(DATA, `${name}.fold.json`), 'utf-8')
    );
    const files = [`${name}.jsonl`, `${name}.events.jsonl`];
    for (const file of files.filter(path => readdirSync(DATA).includes(path))) {
      it(`folds ${file}`, () => {
        expect(view(run(read(file)))).toEqual(expected);
      });
    }
  }
});

describe('what streams', () => {
  it('gives an open reply the same text whether deltas or partials told it', () => {
    const deltas = [
      event('text.delta', { reply: 'r', text: 'one ' }, 2),
      event('text.delta', { reply: 'r', text: 'two' }, 2),
      event('reply.partial', { reply: 'r', think: '', text: 'one two' }, 3),
      event('text.delta', { reply: 'r', text: ' three' }, 3)
    ];
    expect(deltas.reduce(fold, begun()).open?.text).toBe('one two three');
  });

  it('forgets on a new link only what the log does not hold', () => {
    const state = [
      event('reply.partial', { reply: 'r', think: 'hm', text: 'kept' }, 3),
      event('text.delta', { reply: 'r', text: ' lost' }, 3)
    ].reduce(fold, begun());
    expect(fold(state, { type: 'link.opened' }).open?.text).toBe('kept');
  });

  it('leaves the turns untouched by a delta, so that its cost is flat', () => {
    const first = fold(
      begun(),
      event('text.delta', { reply: 'r', text: 'a' }, 2)
    );
    const second = fold(
      first,
      event('text.delta', { reply: 'r', text: 'b' }, 2)
    );
    expect(second.turns).toBe(first.turns);
  });

  it('keeps a bounded tail of live output', () => {
    let state = fold(
      begun(),
      event('tool.started', { call: 'c', name: 'x', title: 'X' }, 3)
    );
    for (let i = 0; i < 40; i++) {
      state = fold(
        state,
        event('tool.output', { call: 'c', text: 'x'.repeat(10_000) }, 3)
      );
    }
    expect(state.live['c']?.length).toBeLessThanOrEqual(2 * LIVE_LIMIT);
  });

  it('stops counting down as soon as something else comes', () => {
    const retrying = event(
      'retrying',
      { why: 'busy', attempt: 2, attempts: 5, wait_ms: 9 },
      2
    );
    const waiting = fold(begun(), retrying);
    expect(waiting.retrying?.attempt).toBe(2);
    expect(
      fold(waiting, event('text.delta', { reply: 'r', text: 'a' }, 2)).retrying
    ).toBeNull();
  });
});

it('passes over an event that a later server may send', () => {
  const state = begun();
  expect(fold(state, event('weather.changed', {}, 9))).toEqual({
    ...state,
    seq: 9
  });
});

it('takes a title from the first line that is not blank', () => {
  expect(titleFrom('\n  Read   the\tfile \nnow')).toBe('Read the file');
  expect(titleFrom('x'.repeat(61))).toBe('x'.repeat(59) + '…');
});
