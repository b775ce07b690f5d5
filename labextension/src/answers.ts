/** Which asks this page has shown, and which of them it answered itself. */

/** What goes with an answer to an ask. */
export interface AnswerDetails {
  readonly comment?: string;
  readonly edited?: string;
  readonly hunks?: readonly number[];
}

export class Answers {
  /** The ask is on this page's screen. */
  watch(ask: string): void {
    this._watched.add(ask);
  }

  /** The answer comes from this page. */
  give(ask: string): void {
    this._given.add(ask);
  }

  /** Whether the ask was answered while this page showed it, but not by this page. */
  isElsewhere(ask: string): boolean {
    return this._watched.has(ask) && !this._given.has(ask);
  }

  private readonly _watched = new Set<string>();
  private readonly _given = new Set<string>();
}
