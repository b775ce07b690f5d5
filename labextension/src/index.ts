/** The plugins of Kimi Jupyter. */
import { commandsPlugin } from './plugins/commands';
import { kimiPlugin } from './plugins/kimi';
import { menusPlugin } from './plugins/menus';
import { sessionPlugin } from './plugins/session';
import { settingsPlugin } from './plugins/settings';
import { sidebarPlugin } from './plugins/sidebar';
import { statusPlugin } from './plugins/status';
import { tabPlugin } from './plugins/tab';

export default [
  sessionPlugin,
  settingsPlugin,
  kimiPlugin,
  sidebarPlugin,
  tabPlugin,
  menusPlugin,
  commandsPlugin,
  statusPlugin
];
