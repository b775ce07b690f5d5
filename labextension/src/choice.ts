/** What a task will begin with that is not there yet: its mode, and its model where the demo was chosen. */
import type { Status } from './api';
import type { Command, Mode } from './wire';

export const OFFLINE = 'offline-demo';

export class Choice {
  /** The mode that was chosen for it, or `null` for the settings'. */
  mode: Mode | null = null;

  /** The model that it would have; `isOffline` where the user chose the demo. */
  modelFor(status: Status | null, isOffline: boolean): string {
    return isDemo(status, isOffline) ? OFFLINE : (status?.model ?? '');
  }

  /** What to tell the new task before its first message. */
  commands(status: Status | null, isOffline: boolean): Command[] {
    const commands: Command[] = [];
    if (isDemo(status, isOffline) && status?.model !== OFFLINE) {
      commands.push({ type: 'model.set', model: OFFLINE });
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
