/** The same chat in a tab of the main area: one session, so both are always in step. */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import {
  ICommandPalette,
  MainAreaWidget,
  WidgetTracker
} from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';

import { kimiIcon } from '../icons';
import { CommandIDs, IKimi, TAB_ID } from '../tokens';
import type { Kimi } from '../views/context';
import { KimiPanel } from '../widget';

export const tabPlugin: JupyterFrontEndPlugin<void> = {
  id: 'kimi-jupyter:tab',
  description: 'Shows Kimi in a tab of the main area.',
  autoStart: true,
  requires: [IKimi],
  optional: [ICommandPalette, ILauncher, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    kimi: Kimi,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    restorer: ILayoutRestorer | null
  ) => {
    const { trans } = kimi;
    const tracker = new WidgetTracker<MainAreaWidget<KimiPanel>>({
      namespace: TAB_ID
    });
    const open = () => {
      const shown = tracker.find(({ isDisposed }) => !isDisposed);
      const tab = shown ?? makeTab(kimi);
      if (shown === undefined) {
        void tracker.add(tab);
      }
      if (!tab.isAttached) {
        app.shell.add(tab, 'main', { type: 'Kimi' });
      }
      app.shell.activateById(tab.id);
    };
    app.commands.addCommand(CommandIDs.openTab, {
      label: args =>
        args['isLauncher'] === true
          ? trans.__('Kimi')
          : trans.__('Kimi: Open Chat in Editor Tab'),
      caption: trans.__('Chat with Kimi in a tab of the main area'),
      icon: kimiIcon,
      execute: open
    });
    palette?.addItem({
      command: CommandIDs.openTab,
      category: trans.__('Kimi')
    });
    launcher?.add({
      command: CommandIDs.openTab,
      args: { isLauncher: true },
      category: 'Other',
      rank: 4
    });
    void restorer?.restore(tracker, {
      command: CommandIDs.openTab,
      name: () => TAB_ID
    });
  }
};

function makeTab(kimi: Kimi): MainAreaWidget<KimiPanel> {
  const content = new KimiPanel(kimi, `${TAB_ID}-content`);
  const tab = new MainAreaWidget({ content });
  tab.id = TAB_ID;
  tab.title.label = kimi.trans.__('Kimi');
  tab.title.icon = kimiIcon;
  tab.title.closable = true;
  tab.toolbar.hide();
  return tab;
}
