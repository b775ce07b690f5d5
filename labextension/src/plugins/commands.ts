/** The palette's commands; none approves, refuses or changes a mode. */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  Dialog,
  ICommandPalette,
  InputDialog,
  Notification,
  showDialog
} from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { kimiIcon } from '../icons';
import { wordsOf } from '../api';
import type { Session } from '../session';
import { CommandIDs, ISession, PANEL_ID } from '../tokens';

export const commandsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'kimi-jupyter:commands',
  description: 'Adds the commands of Kimi to the palette.',
  autoStart: true,
  requires: [ISession],
  optional: [ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    session: Session,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('kimi_jupyter');
    const reveal = () => app.shell.activateById(PANEL_ID);
    for (const [id, { label, run }] of Object.entries(
      commandsOf(session, trans, reveal)
    )) {
      const isEnabled = () => id !== CommandIDs.stop || session.isRunning;
      app.commands.addCommand(id, {
        label,
        icon: kimiIcon,
        execute: run,
        isEnabled
      });
      palette?.addItem({ command: id, category: trans.__('Kimi') });
    }
    session.changed.connect(() =>
      app.commands.notifyCommandChanged(CommandIDs.stop)
    );
  }
};

interface Entry {
  readonly label: string;
  readonly run: () => void | Promise<void>;
}

function commandsOf(
  session: Session,
  trans: TranslationBundle,
  reveal: () => void
): Record<string, Entry> {
  return {
    [CommandIDs.newTask]: {
      label: trans.__('Kimi: New Task'),
      run: () => {
        reveal();
        session.newTask();
      }
    },
    [CommandIDs.setKey]: {
      label: trans.__('Kimi: Set Moonshot API Key'),
      run: async () => {
        const key = await askKey(trans);
        if (key !== '') {
          await tell(session.setKey(key), trans.__('The key is saved.'));
          warn(session.status?.key.warning ?? '');
        }
      }
    },
    [CommandIDs.clearKey]: {
      label: trans.__('Kimi: Clear Moonshot API Key'),
      run: async () => {
        if (await isSure(trans)) {
          await tell(session.clearKey(), trans.__('The saved key is removed.'));
        }
      }
    },
    [CommandIDs.clear]: {
      label: trans.__('Kimi: Clear Conversation History'),
      run: () => {
        session.newTask();
        session.say(
          'info',
          trans.__(
            'The conversation is cleared. Saved tasks are in the history.'
          )
        );
      }
    },
    [CommandIDs.stop]: {
      label: trans.__('Kimi: Stop'),
      run: () => session.stop()
    }
  };
}

/** The fallback where there is no credential store is never silent. */
function warn(text: string): void {
  if (text !== '') {
    Notification.warning(text, { autoClose: false });
  }
}

async function tell(action: Promise<void>, done: string): Promise<void> {
  try {
    await action;
    Notification.success(done, { autoClose: 4000 });
  } catch (error) {
    Notification.error(wordsOf(error), { autoClose: false });
  }
}

async function askKey(trans: TranslationBundle): Promise<string> {
  const { button, value } = await InputDialog.getPassword({
    title: trans.__('Set the Moonshot API key'),
    label: trans.__(
      'It is kept in the credential store of your system and never shown again.'
    ),
    okLabel: trans.__('Save')
  });
  return button.accept ? (value ?? '').trim() : '';
}

async function isSure(trans: TranslationBundle): Promise<boolean> {
  const { button } = await showDialog({
    title: trans.__('Remove the saved Moonshot API key?'),
    body: trans.__('Kimi can’t answer until you set one again.'),
    buttons: [
      Dialog.cancelButton(),
      Dialog.warnButton({ label: trans.__('Remove') })
    ]
  });
  return button.accept;
}
