/** What the views are given: the session, the renderer, and JupyterLab's dialogs. */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  Clipboard,
  Dialog,
  InputDialog,
  Notification,
  showDialog
} from '@jupyterlab/apputils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { FileDialog, IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Cells } from '../cells';
import { LabRenderer } from '../markdown';
import type { Preferences } from '../preferences';
import type { Session } from '../session';
import { CommandIDs, IKimi, IPreferences, ISession } from '../tokens';
import type { Kimi, Outside } from '../views/context';

export const kimiPlugin: JupyterFrontEndPlugin<Kimi> = {
  id: 'kimi-jupyter:views',
  description: 'Gives the views of Kimi what they use.',
  autoStart: true,
  provides: IKimi,
  requires: [ISession, IRenderMimeRegistry],
  optional: [
    IEditorLanguageRegistry,
    IDefaultFileBrowser,
    INotebookTracker,
    IPreferences,
    ITranslator
  ],
  activate: (
    app: JupyterFrontEnd,
    session: Session,
    rendermime: IRenderMimeRegistry,
    languages: IEditorLanguageRegistry | null,
    files: IDefaultFileBrowser | null,
    notebooks: INotebookTracker | null,
    preferences: Preferences | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('kimi_jupyter');
    const { markdownParser, latexTypesetter } = rendermime;
    const renderer = new LabRenderer(
      markdownParser,
      latexTypesetter,
      languages
    );
    const cells = new Cells(notebooks);
    const outside = outsideOf(app, trans, files, cells, preferences);
    void app.restored.then(() => renderer.warmUp());
    return { session, trans, renderer, outside };
  }
};

function outsideOf(
  app: JupyterFrontEnd,
  trans: TranslationBundle,
  files: IDefaultFileBrowser | null,
  cells: Cells,
  preferences: Preferences | null
): Outside {
  return {
    preferences,
    openSettings: () => {
      void app.commands.execute(CommandIDs.openSettings, {
        query: 'Kimi Jupyter'
      });
    },
    pickFiles: async () => {
      if (files === null) {
        return [];
      }
      const { manager } = files.model;
      const title = trans.__('Attach files');
      const { value } = await FileDialog.getOpenFiles({ manager, title });
      const picked = (value ?? []).filter(({ type }) => type !== 'directory');
      return picked.map(({ path }) => path);
    },
    ...dialogsOf(trans),
    saveName: async name => {
      await preferences?.set('kimi.displayName', name);
    },
    copy,
    insertCell: code => {
      if (!cells.insert(code)) {
        Notification.warning(noNotebook(trans), { autoClose: 6000 });
      }
    },
    replaceCell: code => {
      if (!cells.replace(code)) {
        Notification.warning(noNotebook(trans), { autoClose: 6000 });
      }
    }
  };
}

function dialogsOf(
  trans: TranslationBundle
): Pick<Outside, 'confirm' | 'rewind' | 'prompt'> {
  return {
    confirm: async (title, body, action) => {
      const buttons = [
        Dialog.cancelButton(),
        Dialog.warnButton({ label: action })
      ];
      return (await showDialog({ title, body, buttons })).button.accept;
    },
    rewind: async () => {
      const { button, isChecked } = await showDialog({
        title: trans.__('Go back to before this message?'),
        body: trans.__(
          'The message and all that followed leave the conversation. Files that the agent changed are put back as they were.'
        ),
        checkbox: { label: trans.__('Leave the files as they are') },
        buttons: [
          Dialog.cancelButton(),
          Dialog.warnButton({ label: trans.__('Go back') })
        ]
      });
      return button.accept ? isChecked !== true : null;
    },
    prompt: async (title, text) => {
      const { button, value } = await InputDialog.getText({
        title,
        text,
        okLabel: trans.__('Rename')
      });
      return button.accept ? value : null;
    }
  };
}

function noNotebook(trans: TranslationBundle): string {
  return trans.__('No notebook is in front: open one, then try again.');
}

/** The modern way needs a secure page; a plain `http` server has only the old one. */
async function copy(text: string): Promise<void> {
  if (window.isSecureContext) {
    await navigator.clipboard.writeText(text);
  } else {
    Clipboard.copyToSystem(text);
  }
}
