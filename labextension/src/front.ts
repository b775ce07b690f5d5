/** Which page of the panel is in front, and the sentence that stands on it. */

export type Page = 'chat' | 'history' | 'key' | 'settings';

/** A sentence above the input until it is dismissed or the next message goes out. */
export interface Remark {
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
}

export class Front {
  page: Page = 'chat';
  remark: Remark | null = null;

  /** Turn to a page; a remark that was only information has been read. */
  turnTo(page: Page): void {
    this.page = page;
    if (this.remark?.level === 'info') {
      this.remark = null;
    }
  }
}
