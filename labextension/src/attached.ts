/** The files that the next message takes along; what is too large is not taken. */
import { Signal } from '@lumino/signaling';

import { drawable } from './images';
import type { Memory } from './memory';
import type { AttachmentRequest } from './wire';

/** Bytes of one file, and of all files of one message. */
export const FILE_CAP = 1024 * 1024;
export const TURN_CAP = 4 * FILE_CAP;

export interface Attached {
  /** Relative to the workspace, or the name of a file from this computer. */
  readonly path: string;
  /** Bytes; `null` for a file of the workspace, which is read when the message is sent. */
  readonly size: number | null;
  /** The bytes in base64 of a file from this computer. */
  readonly content?: string;
  /** Its address where it is an image that may be drawn. */
  readonly image?: string | null;
}

/** Why a file was not taken. */
export interface TooLarge {
  readonly name: string;
  readonly size: number;
  readonly cap: number;
  readonly counts: 'file' | 'message';
}

export class Attachments {
  readonly changed = new Signal<this, void>(this);

  constructor(private readonly _memory: Memory) {}

  get items(): readonly Attached[] {
    return this._items;
  }

  /** Show those of another task: workspace files are remembered over a reload, uploads are not. */
  load(task: string | null): void {
    this._task = task;
    const paths = this._memory.attached(task);
    this._set(paths.map(path => ({ path, size: null })));
  }

  add(added: readonly Attached[]): void {
    this._set([...this._items, ...added]);
  }

  /** Take files of the workspace along, each once. */
  addPaths(paths: readonly string[]): void {
    const there = this._items.filter(isFromWorkspace).map(({ path }) => path);
    const added = [...new Set(paths)].filter(path => !there.includes(path));
    this.add(added.map(path => ({ path, size: null })));
  }

  /** Take files of this computer along; gives back those that are too large. */
  async addFiles(files: readonly File[]): Promise<readonly TooLarge[]> {
    const refused: TooLarge[] = [];
    for (const file of files) {
      const { name, size } = file;
      const total = this._total() + size;
      if (size > FILE_CAP) {
        refused.push({ name, size, cap: FILE_CAP, counts: 'file' });
      } else if (total > TURN_CAP) {
        refused.push({ name, size: total, cap: TURN_CAP, counts: 'message' });
      } else {
        const url = await dataUrl(file);
        const content = url.slice(url.indexOf(',') + 1);
        const path = this._free(name);
        this.add([{ path, size, content, image: drawable(url) }]);
      }
    }
    return refused;
  }

  remove(attached: Attached): void {
    this._set(this._items.filter(item => item !== attached));
  }

  clear(): void {
    if (this._items.length > 0) {
      this._set([]);
    }
  }

  /** What goes with the message that is sent now; it stays here until the message has arrived. */
  send(): readonly AttachmentRequest[] {
    this._sent = this._items;
    return this._items.map(({ path, content }) => ({
      path,
      content: content ?? null
    }));
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
      this.add(items);
    }
  }

  private _total(): number {
    return this._items.reduce((sum, { size }) => sum + (size ?? 0), 0);
  }

  /** The name, with a number where it is taken: pasted images all have the same one. */
  private _free(given: string): string {
    const name = given === '' ? 'file' : given;
    const dot = name.lastIndexOf('.');
    const end = dot > 0 ? name.slice(dot) : '';
    const start = name.slice(0, name.length - end.length);
    let free = name;
    for (let n = 2; this._items.some(item => item.path === free); n += 1) {
      free = `${start}-${n}${end}`;
    }
    return free;
  }

  private _set(items: readonly Attached[]): void {
    this._items = items;
    const paths = items.filter(isFromWorkspace).map(({ path }) => path);
    this._memory.setAttached(this._task, paths);
    this.changed.emit();
  }

  private _task: string | null = null;
  private _items: readonly Attached[] = [];
  private _sent: readonly Attached[] = [];
  /** What the last message took along that arrived; it may have to wait, and be taken back. */
  private _gone: {
    readonly text: string;
    readonly items: readonly Attached[];
  } | null = null;
}

function isFromWorkspace({ content }: Attached): boolean {
  return content === undefined;
}

function dataUrl(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () =>
      reject(reader.error ?? new Error(`${file.name} could not be read.`));
    reader.readAsDataURL(file);
  });
}
