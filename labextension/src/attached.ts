/** The files that the next message takes along; what is too large is not taken. */
import { Signal } from '@lumino/signaling';

import type { Memory } from './memory';

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

  /** Take files along; one of the same name is replaced. */
  add(added: readonly Attached[]): void {
    const byPath = new Map(this._items.map(item => [item.path, item]));
    for (const item of added) {
      byPath.delete(item.path);
      byPath.set(item.path, item);
    }
    this._set([...byPath.values()]);
  }

  /** Take files of the workspace along. */
  addPaths(paths: readonly string[]): void {
    this.add(paths.map(path => ({ path, size: null })));
  }

  /** Take files of this computer along; gives back those that are too large. */
  async addFiles(files: readonly File[]): Promise<readonly TooLarge[]> {
    const refused: TooLarge[] = [];
    for (const file of files) {
      const { name, size } = file;
      const total = this._total(name) + size;
      if (size > FILE_CAP) {
        refused.push({ name, size, cap: FILE_CAP, counts: 'file' });
      } else if (total > TURN_CAP) {
        refused.push({ name, size: total, cap: TURN_CAP, counts: 'message' });
      } else {
        this.add([{ path: name, size, content: await base64(file) }]);
      }
    }
    return refused;
  }

  remove(path: string): void {
    this._set(this._items.filter(item => item.path !== path));
  }

  clear(): void {
    if (this._items.length > 0) {
      this._set([]);
    }
  }

  private _total(without: string): number {
    return this._items
      .filter(item => item.path !== without)
      .reduce((sum, item) => sum + (item.size ?? 0), 0);
  }

  private _set(items: readonly Attached[]): void {
    this._items = items;
    const paths = items
      .filter(item => item.content === undefined)
      .map(item => item.path);
    this._memory.setAttached(this._task, paths);
    this.changed.emit();
  }

  private _task: string | null = null;
  private _items: readonly Attached[] = [];
}

function base64(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => {
      const url = String(reader.result);
      resolve(url.slice(url.indexOf(',') + 1));
    };
    reader.onerror = () =>
      reject(reader.error ?? new Error(`${file.name} could not be read.`));
    reader.readAsDataURL(file);
  });
}
