/** What a task will begin with that is not there yet: its mode, and its model where the demo was chosen. */
import type { Status } from './api';
import type { Command, Mode } from './wire';

export const OFFLINE = 'offline-demo';

export class Choice {
  /** The mode that was chosen for it, or `null` for the settings'. */
  mode: Mode | null = null;

  /** The model that was chosen for it, or `null` for the settings'. */
  model: string | null = null;

  /** Nothing is chosen. */
  clear(): void {
    this.mode = null;
    this.model = null;
  }

  /** The model that it would have; `isOffline` where the user chose the demo. */
  modelFor(status: Status | null, isOffline: boolean): string {
    const standard = isDemo(status, isOffline)
      ? OFFLINE
      : (status?.model ?? '');
    return this.model ?? standard;
  }

  /** What to tell the new task before its first message. */
  commands(status: Status | null, isOffline: boolean): Command[] {
    const commands: Command[] = [];
    const model = this.modelFor(status, isOffline);
    if (model !== '' && model !== status?.model) {
      commands.push({ type: 'model.set', model });
    }
    if (this.mode !== null && this.mode !== status?.mode) {
      commands.push({ type: 'mode.set', mode: this.mode });
    }
    return commands;
  }
}

/** A key that came since ends the demo. */
function isDemo(status: Status | null, isOffline: boolean): boolean {
  return isOffline && status?.key.set !== true;
}
