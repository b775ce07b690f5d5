import { describe, expect, it } from 'vitest';

import { FILE_CAP, Uploads } from '../uploads';

const file = (name: string, size = 3, type = 'text/plain') =>
  new File(['x'.repeat(size)], name, { type });

describe('the files of the next message', () => {
  it('are sent with their bytes and stay until the message has arrived', async () => {
    const uploads = new Uploads();
    await uploads.add([file('a.csv')]);
    expect(uploads.send()).toEqual([{ path: 'a.csv', content: 'eHh4' }]);
    expect(uploads.items).toHaveLength(1);
    uploads.arrived('hi');
    expect(uploads.items).toEqual([]);
  });

  it('wait for the next message where this one came back', async () => {
    const uploads = new Uploads();
    await uploads.add([file('a.csv')]);
    uploads.send();
    uploads.returned('hi');
    uploads.arrived('hi');
    expect(uploads.items.map(({ name }) => name)).toEqual(['a.csv']);
  });

  it('come back with a message that waited and was taken back', async () => {
    const uploads = new Uploads();
    await uploads.add([file('a.csv')]);
    uploads.send();
    uploads.arrived('queued');
    uploads.returned('another one');
    expect(uploads.items).toEqual([]);
    uploads.returned('queued');
    uploads.returned('queued');
    expect(uploads.items.map(({ name }) => name)).toEqual(['a.csv']);
  });

  it('keep what was added after the message went out', async () => {
    const uploads = new Uploads();
    await uploads.add([file('a.csv')]);
    uploads.send();
    await uploads.add([file('b.csv')]);
    uploads.arrived('hi');
    expect(uploads.items.map(({ name }) => name)).toEqual(['b.csv']);
  });

  it('are told apart where their names are the same', async () => {
    const uploads = new Uploads();
    const pasted = file('image.png', 3, 'image/png');
    await uploads.add([pasted, pasted, pasted, file('.env'), file('.env')]);
    const names = uploads.items.map(({ name }) => name);
    expect(names).toEqual([
      'image.png',
      'image-2.png',
      'image-3.png',
      '.env',
      '.env-2'
    ]);
    expect(uploads.items[0]?.image).toBe('data:image/png;base64,eHh4');
    expect(uploads.items[3]?.image).toBe(null);
  });

  it('are refused above the caps of a file and of a message', async () => {
    const uploads = new Uploads();
    const big = file('big.bin', FILE_CAP);
    const refused = await uploads.add([
      file('huge.bin', FILE_CAP + 1),
      big,
      big,
      big,
      big,
      file('more.txt')
    ]);
    expect(uploads.items).toHaveLength(4);
    expect(refused).toEqual([
      { name: 'huge.bin', size: FILE_CAP + 1, cap: FILE_CAP },
      { name: 'more.txt', size: 3, cap: 4 * FILE_CAP }
    ]);
  });
});
