/** Registers the settings with JupyterLab's editor, and keeps the approval mode in step with the mode bar. */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { Preferences } from '../preferences';
import type { Session } from '../session';
import { IPreferences, ISession } from '../tokens';
import { SETTINGS_PLUGIN } from '../wire';

export const settingsPlugin: JupyterFrontEndPlugin<Preferences> = {
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
    const preferences = new Preferences(registry);
    preferences.load().catch((reason: unknown) => {
      console.warn('The settings of Kimi could not be read', reason);
    });
    session.modeChosen.connect((_, mode) => {
      // Bypass holds for one task and is never written down.
      if (mode !== 'bypass') {
        preferences.set('kimi.mode', mode).catch((reason: unknown) => {
          console.warn(
            'The approval mode could not be kept in the settings',
            reason
          );
        });
      }
    });
    return preferences;
  }
};
