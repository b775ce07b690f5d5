import { beforeEach, describe, expect, it } from 'vitest';

import { Attachments } from '../attached';
import { Memory } from '../memory';

const file = (name: string, size: number) =>
  new File([new Uint8Array(size)], name);

describe('the files of the next message', () => {
  beforeEach(() => window.sessionStorage.clear());

  it('keep workspace files over a reload, each task its own', () => {
    const attached = new Attachments(new Memory('s'));
    attached.load('t');
    attached.addPaths(['a.py', 'b.py', 'a.py']);
    const again = new Attachments(new Memory('s'));
    again.load('t');
    expect(again.items.map(item => item.path)).toEqual(['a.py', 'b.py']);
    again.load('other');
    expect(again.items).toEqual([]);
  });

  it('hold the bytes of a file from this computer', async () => {
    const attached = new Attachments(new Memory('s'));
    await attached.addFiles([new File(['hello'], 'h.txt')]);
    expect(attached.items).toEqual([
      { path: 'h.txt', size: 5, content: 'aGVsbG8=', image: null }
    ]);
  });

  it('refuse a file above 1 MB, and one that takes the message above 4 MB', async () => {
    const attached = new Attachments(new Memory('s'));
    const mega = 1024 * 1024;
    const refused = await attached.addFiles([
      file('big', mega + 1),
      ...[1, 2, 3, 4].map(n => file(`f${n}`, mega)),
      file('last', 1)
    ]);
    expect(refused.map(({ name, counts }) => [name, counts])).toEqual([
      ['big', 'file'],
      ['last', 'message']
    ]);
    expect(attached.items.length).toBe(4);
  });

  it('keep an upload apart from a workspace file, and from another of its name', async () => {
    const attached = new Attachments(new Memory('s'));
    attached.addPaths(['a.txt']);
    await attached.addFiles([
      new File(['1'], 'b.txt'),
      new File(['2'], 'b.txt')
    ]);
    await attached.addFiles([new File(['3'], 'a.txt')]);
    expect(attached.items.map(item => item.path)).toEqual([
      'a.txt',
      'b.txt',
      'b-2.txt',
      'a-2.txt'
    ]);
  });

  it('leave with their message, and come back with it when it is taken back', async () => {
    const attached = new Attachments(new Memory('s'));
    await attached.addFiles([new File(['1'], 'b.txt')]);
    attached.send();
    attached.addPaths(['later.py']);
    attached.arrived('look');
    expect(attached.items.map(item => item.path)).toEqual(['later.py']);
    attached.returned('look');
    expect(attached.items.map(item => item.path)).toEqual([
      'later.py',
      'b.txt'
    ]);
  });
});
