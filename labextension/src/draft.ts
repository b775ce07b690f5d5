/** The text in the input, kept per task over a reload; what could not be sent comes back. */
import { Signal } from '@lumino/signaling';

import type { Memory } from './memory';

export class Draft {
  readonly changed = new Signal<this, void>(this);
  /** The input should take the focus, with the caret at its end. */
  readonly called = new Signal<this, void>(this);

  constructor(private readonly _memory: Memory) {
    this.load(null);
  }

  get text(): string {
    return this._text;
  }
  /** A message that came back while something else stood in the input. */
  get kept(): string | null {
    return this._kept;
  }

  /** Show the draft of another task. */
  load(task: string | null): void {
    this._task = task;
    this._kept = null;
    this._text = this._memory.draft(task);
    this.changed.emit();
  }

  set(text: string): void {
    this._text = text;
    this._memory.setDraft(this._task, text);
    this.changed.emit();
  }

  /** Put words after those that stand there. */
  add(words: string): void {
    this.set([this._text.trimEnd(), words].filter(Boolean).join('\n'));
  }

  giveBack(text: string): void {
    if (this._text.trim() === '') {
      this.set(text);
    } else {
      this._kept = text;
      this.changed.emit();
    }
  }

  restore(): void {
    const text = [this._text, this._kept].filter(Boolean).join('\n');
    this._kept = null;
    this.set(text);
  }

  /** A message has arrived: it need not stay here. */
  drop(text: string): void {
    if (this._text.trim() === text.trim()) {
      this.set('');
    }
  }

  private _task: string | null = null;
  private _text = '';
  private _kept: string | null = null;
}
