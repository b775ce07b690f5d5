import { ServerConnection } from '@jupyterlab/services';
import { beforeEach, describe, expect, it } from 'vitest';

import { Api } from '../api';
import type { Status } from '../api';
import { Link } from '../link';
import type { Socket } from '../link';
import { Memory } from '../memory';
import { OFFLINE } from '../choice';
import { Session } from '../session';
import type { Command } from '../wire';

class FakeSocket implements Socket {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: { readonly data: unknown }) => void) | null = null;
  onclose:
    | ((event: { readonly code: number; readonly reason: string }) => void)
    | null = null;
  readonly sent: Command[] = [];
  send(data: string): void {
    this.sent.push(JSON.parse(data) as Command);
  }
  close(): void {
    return;
  }
  open(): void {
    this.onopen?.(undefined as never);
  }
  receive(frame: object): void {
    this.onmessage?.({ data: JSON.stringify({ at: 0, task: 't1', ...frame }) });
  }
  drop(): void {
    this.onclose?.({ code: 1006, reason: '' });
  }
}

class Shelf {
  private readonly _kept = new Map<string, string>();
  getItem(key: string): string | null {
    return this._kept.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this._kept.set(key, value);
  }
  removeItem(key: string): void {
    this._kept.delete(key);
  }
}

const STATUS: Status = {
  version: '1',
  key: { set: true, source: 'keyring', warning: '' },
  base_url: '',
  model: 'kimi-k2.6',
  models: [],
  mode: 'ask',
  workspace: '/w',
  display_name: ''
};

const settled = () => new Promise(resolve => setTimeout(resolve, 0));

describe('the session', () => {
  let status = STATUS;
  let requests: string[] = [];
  let answers: Record<string, [number, unknown]> = {};
  let sockets: FakeSocket[] = [];
  let tab = new Shelf();
  let browser = new Shelf();

  beforeEach(() => {
    status = STATUS;
    requests = [];
    answers = {};
    sockets = [];
    tab = new Shelf();
    browser = new Shelf();
  });

  const make = (memory = new Memory('s', tab, browser)): Session => {
    const settings = ServerConnection.makeSettings({
      baseUrl: 'http://x/',
      wsUrl: 'ws://x/'
    });
    const api = new Api(settings, async (url, { method }) => {
      const path = url.replace('http://x/kimi/', '');
      requests.push(`${method} ${path}`);
      const [code, body] = answers[`${method} ${path}`] ?? [
        200,
        { status, tasks: { id: 't1', tasks: [] }, balance: { available: 3 } }[
          path
        ] ?? {}
      ];
      return new Response(JSON.stringify(body), { status: code });
    });
    return new Session({
      api,
      memory,
      client: 'page-1',
      notebook: () => 'a.ipynb',
      link: (_, last) =>
        new Link({
          last,
          connect: () => {
            sockets.push(new FakeSocket());
            return sockets[sockets.length - 1]!;
          },
          later: () => () => undefined
        })
    });
  };

  const started = async (): Promise<Session> => {
    const session = make();
    await session.start();
    await settled();
    return session;
  };

  it('makes a task with the first message and remembers it for the next page', async () => {
    const session = await started();
    await session.send('hello');
    sockets[0]!.open();
    expect(requests).toContain('POST tasks');
    expect(sockets[0]!.sent).toEqual([
      {
        attachments: [],
        type: 'turn.start',
        text: 'hello',
        notebook: 'a.ipynb',
        client: 'page-1'
      }
    ]);
    const next = make(new Memory('s', new Shelf(), browser));
    await next.start();
    expect(next.task).toBe('t1');
  });

  it('sets mode and model of a task that is not there yet, before the message', async () => {
    status = { ...STATUS, key: { set: false, source: null, warning: '' } };
    const session = await started();
    session.tryOffline();
    session.setMode('plan');
    expect([session.mode, session.model]).toEqual(['plan', OFFLINE]);
    await session.send('go');
    sockets[0]!.open();
    expect(sockets[0]!.sent.map(command => command.type)).toEqual([
      'model.set',
      'mode.set',
      'turn.start'
    ]);
  });

  it('leaves the demo once there is a key', async () => {
    const session = await started();
    session.tryOffline();
    await session.refreshStatus();
    expect(session.model).toBe('kimi-k2.6');
  });

  it('sets no model of a status that has not come yet', async () => {
    const session = make();
    await session.send('hello');
    sockets[0]!.open();
    expect(sockets[0]!.sent.map(command => command.type)).toEqual([
      'turn.start'
    ]);
  });

  it('gives a refused message back and says why', async () => {
    const session = await started();
    const returned: string[] = [];
    session.returned.connect((_, text) => returned.push(text));
    await session.send('hello');
    sockets[0]!.open();
    sockets[0]!.receive({
      type: 'command.refused',
      why: 'A turn runs.',
      command: 'turn.start'
    });
    expect(returned).toEqual(['hello']);
    expect(session.remark).toEqual({ level: 'warning', text: 'A turn runs.' });
  });

  it('gives a message back whose fate is not known, and takes it out again when it did arrive', async () => {
    const session = await started();
    const told: string[] = [];
    session.returned.connect((_, text) => told.push(`back: ${text}`));
    session.arrived.connect((_, text) => told.push(`there: ${text}`));
    await session.send('hello');
    sockets[0]!.open();
    sockets[0]!.drop();
    session.retryLink();
    sockets[1]!.open();
    sockets[1]!.receive({
      type: 'turn.started',
      text: 'hello',
      attachments: [],
      seq: 2
    });
    expect(told).toEqual(['back: hello', 'there: hello']);
    expect(sockets[1]!.sent).toEqual([]);
  });

  it('keeps a message that waits for the connection', async () => {
    const session = await started();
    const returned: string[] = [];
    session.returned.connect((_, text) => returned.push(text));
    await session.send('hello');
    sockets[0]!.drop();
    session.retryLink();
    sockets[1]!.open();
    expect(returned).toEqual([]);
    expect(sockets[1]!.sent.map(command => command.type)).toEqual([
      'turn.start'
    ]);
  });

  it('gives the message back when no task can be made', async () => {
    answers = {
      'POST tasks': [
        409,
        { error: { code: 'x', message: 'The disk is full.' } }
      ]
    };
    const session = await started();
    const returned: string[] = [];
    session.returned.connect((_, text) => returned.push(text));
    await session.send('hello');
    expect(returned).toEqual(['hello']);
    expect(session.remark?.text).toBe('The disk is full.');
  });

  it('leaves a task that is no longer there, in the server’s words', async () => {
    tab.setItem('kimi-jupyter:s:task', 'gone');
    answers = {
      'GET tasks/gone/socket': [
        404,
        { error: { code: 'task_not_found', message: 'No such task.' } }
      ]
    };
    const session = await started();
    sockets[0]!.drop();
    session.retryLink();
    sockets[1]!.drop();
    await settled();
    await settled();
    expect(session.task).toBeNull();
    expect(session.remark?.text).toBe('No such task.');
  });

  it('tells deltas apart from what changes the page', async () => {
    const session = await started();
    await session.send('hello');
    sockets[0]!.open();
    sockets[0]!.receive({
      type: 'turn.started',
      text: 'hello',
      attachments: [],
      seq: 2
    });
    sockets[0]!.receive({ type: 'text.delta', reply: 'r', text: 'a', seq: 2 });
    const told: string[] = [];
    session.changed.connect(() => told.push('changed'));
    session.streamed.connect(() => told.push('streamed'));
    sockets[0]!.receive({ type: 'text.delta', reply: 'r', text: 'b', seq: 2 });
    sockets[0]!.receive({
      type: 'reply.partial',
      reply: 'r',
      think: '',
      text: 'ab',
      seq: 3
    });
    sockets[0]!.receive({ type: 'notice', level: 'info', text: 'x', seq: 4 });
    expect(told).toEqual(['streamed', 'streamed', 'changed']);
  });

  it('gives back a queued message of this page that did not join, and no other', async () => {
    const session = await started();
    const returned: string[] = [];
    session.returned.connect((_, text) => returned.push(text));
    await session.send('hello');
    const socket = sockets[0]!;
    socket.open();
    const queue = (seq: number, text: string) => {
      socket.receive({ type: 'turn.queued', text, attachments: [], seq });
      socket.receive({
        type: 'turn.unqueued',
        queued: seq,
        joined: false,
        seq: seq + 1
      });
    };
    queue(2, 'of another page');
    queue(4, 'hello');
    expect(returned).toEqual(['hello']);
    expect(session.isSending).toBe(false);
  });

  it('does `/new` and `/history` itself', async () => {
    const session = await started();
    await session.send('/history');
    expect(session.page).toBe('history');
    await session.send('/new');
    expect([session.page, session.task]).toEqual(['chat', null]);
    expect(requests).not.toContain('POST tasks');
  });

  it('downloads the task with `/export` and sends nothing', async () => {
    const session = await started();
    await session.send('hello');
    sockets[0]!.open();
    sockets[0]!.receive({
      type: 'turn.started',
      text: 'hello',
      attachments: [],
      seq: 2
    });
    const asked: string[] = [];
    const listen = (event: MouseEvent) => {
      event.preventDefault();
      asked.push((event.target as HTMLAnchorElement).href);
    };
    document.addEventListener('click', listen);
    const before = sockets[0]!.sent.length;
    await session.send('/export ipynb');
    await session.send('/export');
    document.removeEventListener('click', listen);
    expect(asked.map(url => url.replace(/.*tasks/, 'tasks'))).toEqual([
      `tasks/${session.task}/export?format=ipynb`,
      `tasks/${session.task}/export?format=md`
    ]);
    expect(sockets[0]!.sent.length).toBe(before);
    expect(document.querySelector('a[download]')).toBeNull();
  });

  it('asks for a key only where there is none and the demo was not chosen', async () => {
    status = { ...STATUS, key: { set: false, source: null, warning: '' } };
    const session = await started();
    expect(session.needsWelcome).toBe(true);
    session.tryOffline();
    expect(session.needsWelcome).toBe(false);
  });
});
