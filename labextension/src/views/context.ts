/** What every view may use; handed down by React's context. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { createContext, useContext } from 'react';

import type { Preferences } from '../preferences';
import type { Renderer } from '../markdown';
import type { Session } from '../session';

/** JupyterLab's side of the views: dialogs and places outside the panel. */
export interface Outside {
  /** The settings, where JupyterLab keeps some. */
  readonly preferences: Preferences | null;
  readonly openSettings: () => void;
  /** Choose files of the server; their paths in the workspace. */
  readonly pickFiles: () => Promise<readonly string[]>;
  readonly confirm: (
    title: string,
    body: string,
    action: string
  ) => Promise<boolean>;
  /** Ask before going back: whether files are put back too, or `null` to stay. */
  readonly rewind: () => Promise<boolean | null>;
  readonly prompt: (title: string, value: string) => Promise<string | null>;
  readonly saveName: (name: string) => Promise<void>;
  readonly copy: (text: string) => Promise<void>;
  /** Put code into a new cell below the active one of the notebook in front, or into that cell. */
  readonly insertCell: (code: string) => void;
  readonly replaceCell: (code: string) => void;
}

export interface Kimi {
  readonly session: Session;
  readonly trans: TranslationBundle;
  readonly renderer: Renderer;
  readonly outside: Outside;
}

export const KimiContext = createContext<Kimi | null>(null);

export function useKimi(): Kimi {
  const kimi = useContext(KimiContext);
  if (kimi === null) {
    throw new Error('A Kimi view stands outside its context.');
  }
  return kimi;
}
