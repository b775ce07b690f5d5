/** Puts the panel into the left sidebar, with the number of open asks on its tab. */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import {
  Clipboard,
  Dialog,
  InputDialog,
  ReactWidget,
  showDialog
} from '@jupyterlab/apputils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { FileDialog, IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import React from 'react';

import { kimiIcon } from '../icons';
import { LabRenderer } from '../markdown';
import type { Session } from '../session';
import { CommandIDs, IPreferences, ISession, PANEL_ID } from '../tokens';
import type { Kimi, Outside } from '../views/context';
import { Panel } from '../views/panel';

export const sidebarPlugin: JupyterFrontEndPlugin<void> = {
  id: 'kimi-jupyter:sidebar',
  description: 'Shows Kimi in the left sidebar.',
  autoStart: true,
  requires: [ISession, IRenderMimeRegistry],
  optional: [
    IEditorLanguageRegistry,
    IDefaultFileBrowser,
    IPreferences,
    ILayoutRestorer,
    ITranslator
  ],
  activate: (
    app: JupyterFrontEnd,
    session: Session,
    rendermime: IRenderMimeRegistry,
    languages: IEditorLanguageRegistry | null,
    files: IDefaultFileBrowser | null,
    preferences: IPreferences | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('kimi_jupyter');
    const { markdownParser, latexTypesetter } = rendermime;
    const renderer = new LabRenderer(
      markdownParser,
      latexTypesetter,
      languages
    );
    const outside = outsideOf(app, trans, files, preferences);
    const panel = new KimiPanel({ session, trans, renderer, outside });
    session.changed.connect(() => showAsks(panel, session));
    app.shell.add(panel, 'left', { rank: 650, type: 'Kimi' });
    restorer?.add(panel, PANEL_ID);
    void app.restored.then(() => renderer.warmUp());
  }
};

class KimiPanel extends ReactWidget {
  constructor(private readonly _kimi: Kimi) {
    super();
    this.id = PANEL_ID;
    this.addClass('jp-Kimi-panel');
    this.title.icon = kimiIcon;
    this.title.caption = _kimi.trans.__('Kimi');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _kimi.trans.__('Kimi'));
  }

  protected override render(): JSX.Element {
    return <Panel kimi={this._kimi} />;
  }

  protected override onActivateRequest(): void {
    this.node.querySelector<HTMLElement>('textarea, input')?.focus();
  }
}

function showAsks(panel: KimiPanel, session: Session): void {
  const asks = session.openAsks === 0 ? '' : String(session.openAsks);
  if ((panel.title.dataset['asks'] ?? '') !== asks) {
    panel.title.dataset = { ...panel.title.dataset, asks };
  }
}

function outsideOf(
  app: JupyterFrontEnd,
  trans: TranslationBundle,
  files: IDefaultFileBrowser | null,
  preferences: IPreferences | null
): Outside {
  return {
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
    },
    saveName: async name => {
      await preferences?.saveName(name);
    },
    copy
  };
}

/** The modern way needs a secure page; a plain `http` server has only the old one. */
async function copy(text: string): Promise<void> {
  if (window.isSecureContext) {
    await navigator.clipboard.writeText(text);
  } else {
    Clipboard.copyToSystem(text);
  }
}
