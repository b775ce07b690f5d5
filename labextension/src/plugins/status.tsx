/** Shows in the status bar that Kimi waits for an answer. */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ReactWidget } from '@jupyterlab/apputils';
import { IStatusBar } from '@jupyterlab/statusbar';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import React from 'react';

import type { Session } from '../session';
import { ISession, PANEL_ID } from '../tokens';
import { useSession } from '../views/hooks';

export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'kimi-jupyter:status',
  description: 'Shows open approvals of Kimi in the status bar.',
  autoStart: true,
  requires: [ISession],
  optional: [IStatusBar, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    session: Session,
    bar: IStatusBar | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('kimi_jupyter');
    const open = () => app.shell.activateById(PANEL_ID);
    const item = ReactWidget.create(
      <Waiting session={session} trans={trans} onOpen={open} />
    );
    bar?.registerStatusItem('kimi-jupyter:status', {
      item,
      align: 'right',
      rank: 50
    });
  }
};

interface WaitingProps {
  readonly session: Session;
  readonly trans: TranslationBundle;
  readonly onOpen: () => void;
}

function Waiting({ session, trans, onOpen }: WaitingProps): JSX.Element | null {
  const { openAsks } = useSession(session);
  return openAsks === 0 ? null : (
    <button type="button" className="jp-Kimi-status" onClick={onOpen}>
      {trans._n(
        'Kimi waits for %1 answer',
        'Kimi waits for %1 answers',
        openAsks
      )}
    </button>
  );
}
