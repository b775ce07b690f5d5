/** What our plugins give to one another. */
import { Token } from '@lumino/coreutils';

import type { Session } from './session';

export const PANEL_ID = 'kimi-jupyter-panel';

export const ISession = new Token<Session>(
  'kimi-jupyter:ISession',
  'What the Kimi panel shows and does.'
);

/** The settings that the panel changes or opens. */
export interface IPreferences {
  saveName(name: string): Promise<void>;
}

export const IPreferences = new Token<IPreferences>(
  'kimi-jupyter:IPreferences',
  'The settings of Kimi that its panel changes.'
);

export namespace CommandIDs {
  export const newTask = 'kimi-jupyter:new-task';
  export const setKey = 'kimi-jupyter:set-key';
  export const clearKey = 'kimi-jupyter:clear-key';
  export const clear = 'kimi-jupyter:clear-conversation';
  export const stop = 'kimi-jupyter:stop';
  export const openSettings = 'settingeditor:open';
}
