/** Files of the user's own computer that the next message takes along. */
import { Signal } from '@lumino/signaling';

import { drawable } from './images';
import type { AttachmentRequest } from './wire';

/** Bytes of one file, and of all files of one message; the server counts again. */
export const FILE_CAP = 1024 * 1024;
export const MESSAGE_CAP = 4 * FILE_CAP;

export interface Upload {
  readonly name: string;
  readonly size: number;
  /** The bytes in base64. */
  readonly content: string;
  /** Its address where it is an image that may be drawn. */
  readonly image: string | null;
}

/** Why a file was not taken. */
export interface TooLarge {
  readonly name: string;
  readonly size: number;
  readonly cap: number;
}

export class Uploads {
  readonly changed = new Signal<this, void>(this);

  get items(): readonly Upload[] {
    return this._items;
  }

  /** Take files in; gives back those that are too large, which are left out. */
  async add(files: Iterable<File>): Promise<readonly TooLarge[]> {
    const refused: TooLarge[] = [];
    for (const file of [...files]) {
      const cap =
        file.size > FILE_CAP
          ? FILE_CAP
          : this._total() + file.size > MESSAGE_CAP
            ? MESSAGE_CAP
            : null;
      if (cap !== null) {
        refused.push({ name: file.name, size: file.size, cap });
        continue;
      }
      const url = await read(file);
      const name = this._free(file.name);
      const content = url.slice(url.indexOf(',') + 1);
      const upload = { name, size: file.size, content, image: drawable(url) };
      this._set([...this._items, upload]);
    }
    return refused;
  }

  remove(upload: Upload): void {
    this._set(this._items.filter(item => item !== upload));
  }

  /** What goes with the message that is sent now; it stays here until the message has arrived. */
  send(): readonly AttachmentRequest[] {
    this._sent = this._items;
    return this._items.map(({ name, content }) => ({ path: name, content }));
  }

  /** The message of this text is there: what went with it need not stay. */
  arrived(text: string): void {
    const { _sent: sent } = this;
    this._sent = [];
    if (sent.length > 0) {
      this._gone = { text, items: sent };
      this._set(this._items.filter(item => !sent.includes(item)));
    }
  }

  /** The message of this text came to nothing: its files wait for the next one. */
  returned(text: string): void {
    this._sent = [];
    if (this._gone?.text === text) {
      const { items } = this._gone;
      this._gone = null;
      this._set([...this._items, ...items]);
    }
  }

  private _total(): number {
    return this._items.reduce((sum, { size }) => sum + size, 0);
  }

  /** The name, with a number where it is taken: pasted images all have the same one. */
  private _free(given: string): string {
    const name = given === '' ? 'file' : given;
    const dot = name.lastIndexOf('.');
    const end = dot > 0 ? name.slice(dot) : '';
    const start = name.slice(0, name.length - end.length);
    let free = name;
    for (let n = 2; this._items.some(item => item.name === free); n++) {
      free = `${start}-${n}${end}`;
    }
    return free;
  }

  private _set(items: readonly Upload[]): void {
    this._items = items;
    this.changed.emit();
  }

  private _items: readonly Upload[] = [];
  private _sent: readonly Upload[] = [];
  /** What the last message took along that arrived; it may have to wait, and be taken back. */
  private _gone: {
    readonly text: string;
    readonly items: readonly Upload[];
  } | null = null;
}

function read(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(reader.error ?? new Error(file.name));
    reader.readAsDataURL(file);
  });
}
