/** Puts the panel into the left sidebar, with the number of open asks on its tab. */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';

import type { Session } from '../session';
import { IKimi, PANEL_ID } from '../tokens';
import type { Kimi } from '../views/context';
import { KimiPanel } from '../widget';

export const sidebarPlugin: JupyterFrontEndPlugin<void> = {
  id: 'kimi-jupyter:sidebar',
  description: 'Shows Kimi in the left sidebar.',
  autoStart: true,
  requires: [IKimi],
  optional: [ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    kimi: Kimi,
    restorer: ILayoutRestorer | null
  ) => {
    const panel = new KimiPanel(kimi, PANEL_ID);
    kimi.session.changed.connect(session => showAsks(panel, session));
    app.shell.add(panel, 'left', { rank: 650, type: 'Kimi' });
    restorer?.add(panel, PANEL_ID);
  }
};

function showAsks(panel: KimiPanel, session: Session): void {
  const asks = session.openAsks === 0 ? '' : String(session.openAsks);
  if ((panel.title.dataset['asks'] ?? '') !== asks) {
    panel.title.dataset = { ...panel.title.dataset, asks };
  }
}
