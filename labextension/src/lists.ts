/** What REST tells: the server's status, the history, the balance. */
import type { Api, Balance, SlashCommand, Status, TaskSummary } from './api';
import { wordsOf } from './api';

/** Who wants to know. */
export interface Listener {
  changed(): void;
  failed(why: string): void;
}

export class Lists {
  status: Status | null = null;
  tasks: readonly TaskSummary[] | null = null;
  balance: Balance | null = null;
  /** Open asks of all tasks. */
  openAsks = 0;

  constructor(
    private readonly _api: Api,
    private readonly _listener: Listener
  ) {}

  refreshStatus(): Promise<void> {
    return this._attempt(async () => {
      this.status = await this._api.status();
    });
  }

  /** Read the balance where there is a key; one that can't be read is simply not shown. */
  async refreshBalance(): Promise<void> {
    const hasKey = this.status?.key.set === true;
    this.balance = hasKey ? await this._api.balance().catch(() => null) : null;
    this._listener.changed();
  }

  /** Read the history; without a query the last one counts. */
  refreshTasks(query = this._query): Promise<void> {
    this._query = query;
    return this._attempt(async () => {
      this.tasks = await this._api.tasks(query);
      if (query === '') {
        this.openAsks = this.tasks.filter(
          task => task.status === 'waiting'
        ).length;
      }
    });
  }

  /** The slash commands, read once. */
  slashCommands(): Promise<readonly SlashCommand[]> {
    this._commands ??= this._api.commands().catch((error: unknown) => {
      this._commands = null;
      throw error;
    });
    return this._commands;
  }

  private async _attempt(read: () => Promise<void>): Promise<void> {
    try {
      await read();
      this._listener.changed();
    } catch (error) {
      this._listener.failed(wordsOf(error));
    }
  }

  private _query = '';
  private _commands: Promise<readonly SlashCommand[]> | null = null;
}
