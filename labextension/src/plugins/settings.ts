/** Registers the settings with JupyterLab's editor, and keeps the approval mode in step with the mode bar. */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import type { Session } from '../session';
import { IPreferences, ISession } from '../tokens';
import { SETTINGS_PLUGIN } from '../wire';

export const settingsPlugin: JupyterFrontEndPlugin<IPreferences> = {
  id: SETTINGS_PLUGIN,
  description:
    'The settings of Kimi, as the server and the %%kimi magic read them.',
  autoStart: true,
  provides: IPreferences,
  requires: [ISettingRegistry, ISession],
  activate: (
    _app: JupyterFrontEnd,
    registry: ISettingRegistry,
    session: Session
  ) => {
    const set = (name: string, value: string): Promise<void> =>
      registry.set(SETTINGS_PLUGIN, name, value);
    registry.load(SETTINGS_PLUGIN).catch((reason: unknown) => {
      console.warn('The settings of Kimi could not be read', reason);
    });
    session.modeChosen.connect((_, mode) => {
      // Bypass holds for one task and is never written down.
      if (mode !== 'bypass') {
        set('kimi.mode', mode).catch((reason: unknown) => {
          console.warn(
            'The approval mode could not be kept in the settings',
            reason
          );
        });
      }
    });
    return {
      saveName: async name => {
        await set('kimi.displayName', name);
      }
    };
  }
};
