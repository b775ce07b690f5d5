/** What our plugins give to one another. */
import { Token } from '@lumino/coreutils';

import type { Preferences } from './preferences';
import type { Session } from './session';
import type { Kimi } from './views/context';

export const PANEL_ID = 'kimi-jupyter-panel';
export const TAB_ID = 'kimi-jupyter-tab';

export const IKimi = new Token<Kimi>(
  'kimi-jupyter:IKimi',
  'What every view of Kimi may use.'
);

export const ISession = new Token<Session>(
  'kimi-jupyter:ISession',
  'What the Kimi panel shows and does.'
);

export const IPreferences = new Token<Preferences>(
  'kimi-jupyter:IPreferences',
  'The settings of Kimi that its panel changes.'
);

export namespace CommandIDs {
  export const newTask = 'kimi-jupyter:new-task';
  export const setKey = 'kimi-jupyter:set-key';
  export const clearKey = 'kimi-jupyter:clear-key';
  export const clear = 'kimi-jupyter:clear-conversation';
  export const stop = 'kimi-jupyter:stop';
  export const openTab = 'kimi-jupyter:open-tab';
  export const focusInput = 'kimi-jupyter:focus-input';
  export const focusChips = 'kimi-jupyter:focus-chips';
  export const attachFiles = 'kimi-jupyter:attach-files';
  export const askAboutFiles = 'kimi-jupyter:ask-about-files';
  export const explainCell = 'kimi-jupyter:explain-cell';
  export const fixCell = 'kimi-jupyter:fix-cell';
  export const improveCell = 'kimi-jupyter:improve-cell';
  export const askAboutCell = 'kimi-jupyter:ask-about-cell';
  export const openSettings = 'settingeditor:open';
}
