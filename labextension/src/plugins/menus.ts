/** Kimi where people are: in the file browser's menu and in a cell's. Each puts words into the input; Enter is the user's. */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';

import { Cells } from '../cells';
import { kimiIcon } from '../icons';
import { CommandIDs, IKimi } from '../tokens';
import type { Kimi } from '../views/context';

export const menusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'kimi-jupyter:menus',
  description: 'Adds Kimi to the menus of files and cells.',
  autoStart: true,
  requires: [IKimi],
  optional: [IDefaultFileBrowser, INotebookTracker],
  activate: (
    app: JupyterFrontEnd,
    kimi: Kimi,
    files: IDefaultFileBrowser | null,
    notebooks: INotebookTracker | null
  ) => {
    if (files !== null) {
      addFileMenu(app, kimi, files);
    }
    if (notebooks !== null) {
      addCellMenu(app, kimi, new Cells(notebooks));
    }
  }
};

function addFileMenu(
  app: JupyterFrontEnd,
  { session, trans }: Kimi,
  files: IDefaultFileBrowser
): void {
  const picked = (): string[] =>
    [...files.selectedItems()].map(({ path, type }) =>
      type === 'directory' ? `${path}/` : path
    );
  const entries: [string, string, string][] = [
    [CommandIDs.attachFiles, trans.__('Attach to Kimi'), ''],
    [
      CommandIDs.askAboutFiles,
      trans.__('Ask Kimi About This'),
      trans.__('Explain what this is for and how it works.')
    ]
  ];
  entries.forEach(([command, label, words], i) => {
    app.commands.addCommand(command, {
      label,
      icon: kimiIcon,
      isEnabled: () => picked().length > 0,
      execute: async () => {
        session.attached.addPaths(picked());
        session.draft.add(words);
        await app.commands.execute(CommandIDs.focusInput);
      }
    });
    app.contextMenu.addItem({
      command,
      selector: '.jp-DirListing-item[data-isdir]',
      rank: 50 + i / 10
    });
  });
}

function addCellMenu(
  app: JupyterFrontEnd,
  { session, trans }: Kimi,
  cells: Cells
): void {
  const entries: [string, string, string][] = [
    [
      CommandIDs.explainCell,
      trans.__('Kimi: Explain This Cell'),
      trans.__('Explain what this cell does, step by step.')
    ],
    [
      CommandIDs.fixCell,
      trans.__('Kimi: Fix This Cell'),
      trans.__('This cell fails. Find the cause and fix it.')
    ],
    [
      CommandIDs.improveCell,
      trans.__('Kimi: Improve This Cell'),
      trans.__('Improve this cell without changing what it does.')
    ],
    [CommandIDs.askAboutCell, trans.__('Kimi: Ask About This Cell'), '']
  ];
  entries.forEach(([command, label, words], i) => {
    app.commands.addCommand(command, {
      label,
      icon: kimiIcon,
      isEnabled: () => cells.isThere,
      execute: async () => {
        const cell = cells.active();
        if (cell === null) {
          return;
        }
        const file = new File([cell.text], cell.name, { type: 'text/plain' });
        const refused = await session.attached.addFiles([file]);
        session.draft.add(words);
        await app.commands.execute(CommandIDs.focusInput);
        if (refused.length > 0) {
          session.say(
            'warning',
            trans.__(
              'The cell is larger than a file may be; it was not attached.'
            )
          );
        }
      }
    });
    app.contextMenu.addItem({
      command,
      selector: '.jp-Notebook .jp-Cell',
      rank: 8 + i / 10
    });
  });
}
