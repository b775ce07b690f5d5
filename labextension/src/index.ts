/** The plugins of Kimi Jupyter. */
import { commandsPlugin } from './plugins/commands';
import { sessionPlugin } from './plugins/session';
import { settingsPlugin } from './plugins/settings';
import { sidebarPlugin } from './plugins/sidebar';
import { statusPlugin } from './plugins/status';

export default [
  sessionPlugin,
  settingsPlugin,
  sidebarPlugin,
  commandsPlugin,
  statusPlugin
];
