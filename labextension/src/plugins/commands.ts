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
import { CommandIDs, ISession, PANEL_ID, TAB_ID } from '../tokens';

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
    const reveal = async () => {
      session.show('chat');
      app.shell.activateById(isTabInFront(app) ? TAB_ID : PANEL_ID);
      // A menu that closes gives the focus back to where it was: the input takes it after that.
      await frames(2);
      session.draft.called.emit();
    };
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
  reveal: () => Promise<void>
): Record<string, Entry> {
  return {
    [CommandIDs.newTask]: {
      label: trans.__('Kimi: New Task'),
      run: () => {
        session.newTask();
        return reveal();
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
    [CommandIDs.focusInput]: {
      label: trans.__('Kimi: Focus the Input'),
      run: reveal
    },
    [CommandIDs.focusChips]: {
      label: trans.__('Kimi: Choose the Approval Mode'),
      run: async () => {
        await reveal();
        focusChips();
      }
    },
    [CommandIDs.stop]: {
      label: trans.__('Kimi: Stop'),
      run: () => session.stop()
    }
  };
}

function isTabInFront({ shell }: JupyterFrontEnd): boolean {
  return shell.currentWidget?.id === TAB_ID;
}

/** The mode itself is the user's to choose: by the keyboard, in the bar. */
function focusChips(): void {
  const chips = document.querySelectorAll<HTMLElement>(
    '.jp-Kimi-modes [aria-checked="true"]'
  );
  [...chips].find(chip => chip.offsetParent !== null)?.focus();
}

async function frames(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    await new Promise(resolve => window.requestAnimationFrame(resolve));
  }
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
