/** What a page remembers over a reload: its task, drafts, and that the offline demo was chosen. */

type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** Keys are kept apart by the server's address; a browser that forbids storage just forgets. */
export class Memory {
  constructor(
    private readonly _server: string,
    private readonly _tab: Store = window.sessionStorage,
    private readonly _browser: Store = window.localStorage
  ) {}

  /** The task that this tab showed, else the one that any tab showed last. */
  get task(): string | null {
    const mine = this._read(this._tab, 'task');
    return (mine ?? this._read(this._browser, 'task')) || null;
  }

  set task(id: string | null) {
    this._write(this._tab, 'task', id ?? '');
    this._write(this._browser, 'task', id);
  }

  get isOffline(): boolean {
    return this._read(this._browser, 'offline') === 'yes';
  }

  set isOffline(value: boolean) {
    this._write(this._browser, 'offline', value ? 'yes' : null);
  }

  draft(task: string | null): string {
    return this._read(this._tab, `draft:${task ?? 'new'}`) ?? '';
  }

  setDraft(task: string | null, text: string): void {
    this._write(this._tab, `draft:${task ?? 'new'}`, text || null);
  }

  /** Workspace files that the next message takes along. */
  attached(task: string | null): readonly string[] {
    try {
      const kept: unknown = JSON.parse(
        this._read(this._tab, `attached:${task ?? 'new'}`) ?? '[]'
      );
      return Array.isArray(kept)
        ? kept.filter((path): path is string => typeof path === 'string')
        : [];
    } catch {
      return [];
    }
  }

  setAttached(task: string | null, paths: readonly string[]): void {
    const kept = paths.length === 0 ? null : JSON.stringify(paths);
    this._write(this._tab, `attached:${task ?? 'new'}`, kept);
  }

  private _read(store: Store, name: string): string | null {
    try {
      return store.getItem(this._key(name));
    } catch {
      return null;
    }
  }

  private _write(store: Store, name: string, value: string | null): void {
    try {
      if (value === null) {
        store.removeItem(this._key(name));
      } else {
        store.setItem(this._key(name), value);
      }
    } catch {
      return;
    }
  }

  private _key(name: string): string {
    return `kimi-jupyter:${this._server}:${name}`;
  }
}
