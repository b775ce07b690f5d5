/** The REST routes of our server: lists, forms and the key. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { Mode } from './wire';

export interface KeyState {
  readonly set: boolean;
  readonly source: 'environment' | 'keyring' | 'session' | null;
  /** Names the fallback where there is no credential store. */
  readonly warning: string;
}

export interface ModelInfo {
  readonly id: string;
  readonly name: string;
  readonly context: number;
  readonly vision: boolean;
  /** USD per million tokens. */
  readonly input_price?: number | null;
  readonly output_price?: number | null;
}

export interface Status {
  readonly version: string;
  readonly key: KeyState;
  readonly base_url: string;
  readonly model: string;
  /** What new tasks start with. */
  readonly default_model?: string;
  readonly models: readonly ModelInfo[];
  readonly mode: Mode;
  readonly workspace: string;
  readonly display_name: string;
  /** Writes ask for nothing whatever the mode says. */
  readonly auto_approve_write?: boolean;
  /** The workspace's own instruction files, which go with each message. */
  readonly instructions?: readonly { path: string; size: number }[];
  /** What is wrong with the settings file. */
  readonly warnings?: readonly string[];
  /** Why no turn can run on this server, where that is so. */
  readonly problem?: string | null;
}

export interface TaskSummary {
  readonly id: string;
  readonly title: string;
  readonly created_at: number;
  readonly updated_at: number;
  readonly status: 'idle' | 'running' | 'waiting' | 'interrupted';
  readonly notebook: string | null;
  readonly model: string;
  readonly origin: string;
}

export interface Balance {
  readonly available?: number | null;
  readonly currency?: string | null;
  /** Milliseconds since the epoch. */
  readonly read_at?: number | null;
}

export interface FileHit {
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'notebook';
}

export interface SlashCommand {
  /** Without the slash. */
  readonly name: string;
  readonly help: string;
}

/** The server refused or failed; the message says what happened and what to do. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly status: number
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

interface ErrorBody {
  readonly error?: { readonly code?: string; readonly message?: string };
  readonly message?: string;
}

/** What a request is sent by; a test gives its own. */
export type Fetch = (
  url: string,
  init: RequestInit,
  settings: ServerConnection.ISettings
) => Promise<Response>;

export class Api {
  constructor(
    readonly settings: ServerConnection.ISettings = ServerConnection.makeSettings(),
    private readonly _fetch: Fetch = ServerConnection.makeRequest
  ) {}

  status(): Promise<Status> {
    return this._get<Status>('status');
  }

  async setKey(key: string): Promise<void> {
    await this._send('PUT', 'key', { key });
  }

  async clearKey(): Promise<void> {
    await this._send('DELETE', 'key');
  }

  async tasks(query = '', limit = 100): Promise<readonly TaskSummary[]> {
    const search = URLExt.objectToQueryString({ query, limit });
    return (
      await this._get<{ tasks: readonly TaskSummary[] }>(`tasks${search}`)
    ).tasks;
  }

  /** Start a task; its id. */
  async createTask(notebook: string | null): Promise<string> {
    const body = notebook === null ? {} : { notebook };
    const response = await this._send('POST', 'tasks', body);
    return ((await response.json()) as { id: string }).id;
  }

  /** Copy a task; the copy's id. */
  async forkTask(id: string): Promise<string> {
    const response = await this._send('POST', 'tasks', { from: id });
    return ((await response.json()) as { id: string }).id;
  }

  /** Address of a task's export. */
  exportUrl(id: string, format: 'md' | 'json' | 'ipynb'): string {
    const path = `kimi/tasks/${encodeURIComponent(id)}/export`;
    const query = URLExt.objectToQueryString({ format });
    return URLExt.join(this.settings.baseUrl, path) + query;
  }

  async renameTask(id: string, title: string): Promise<void> {
    await this._send('PATCH', `tasks/${encodeURIComponent(id)}`, { title });
  }

  async deleteTask(id: string): Promise<void> {
    await this._send('DELETE', `tasks/${encodeURIComponent(id)}`);
  }

  /** Workspace files and folders that fit the words, best first. */
  async files(query: string, limit = 10): Promise<readonly FileHit[]> {
    const search = URLExt.objectToQueryString({ query, limit });
    return (await this._get<{ files: readonly FileHit[] }>(`files${search}`))
      .files;
  }

  /** The slash commands with their help. */
  async commands(): Promise<readonly SlashCommand[]> {
    return (await this._get<{ commands: readonly SlashCommand[] }>('commands'))
      .commands;
  }

  balance(): Promise<Balance> {
    return this._get<Balance>('balance');
  }

  /** Why a task's socket does not open, or `null` where nothing speaks against it. */
  async whyNoSocket(id: string): Promise<ApiError | null> {
    try {
      await this._get(`tasks/${encodeURIComponent(id)}/socket`);
      return null;
    } catch (error) {
      return error instanceof ApiError && [404, 409].includes(error.status)
        ? error
        : null;
    }
  }

  /** Address of a task's socket, from an event on. */
  socketUrl(id: string, after: number): string {
    const { wsUrl, token, appendToken } = this.settings;
    const url = URLExt.join(
      wsUrl,
      'kimi/tasks',
      encodeURIComponent(id),
      'socket'
    );
    // Only where the page comes from another host than the server, as JupyterLab does for kernels.
    const query = appendToken && token !== '' ? { after, token } : { after };
    return url + URLExt.objectToQueryString(query);
  }

  private async _get<T>(path: string): Promise<T> {
    return (await (await this._send('GET', path)).json()) as T;
  }

  private async _send(
    method: string,
    path: string,
    body?: object
  ): Promise<Response> {
    const url = URLExt.join(this.settings.baseUrl, 'kimi', path);
    const init =
      body === undefined ? { method } : { method, body: JSON.stringify(body) };
    let response: Response;
    try {
      response = await this._fetch(url, init, this.settings);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ApiError(
        `The Jupyter server does not answer (${reason}).`,
        'unreachable',
        0
      );
    }
    if (!response.ok) {
      throw await errorOf(response);
    }
    return response;
  }
}

async function errorOf(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => ({}))) as ErrorBody;
  const fallback = `The Jupyter server answered ${response.status} ${response.statusText}.`;
  return new ApiError(
    body.error?.message ?? body.message ?? fallback,
    body.error?.code ?? 'http',
    response.status
  );
}

/** The words of any failure. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
