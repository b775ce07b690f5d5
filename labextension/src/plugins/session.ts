/** Makes the session, and keeps it in step with the server's notices. */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { UUID } from '@lumino/coreutils';

import { Api } from '../api';
import { Link } from '../link';
import type { Socket } from '../link';
import { Memory } from '../memory';
import { Session } from '../session';
import { ISession } from '../tokens';

const NOTICE = 'https://schema.jupyter.org/kimi_jupyter/notice';

export const sessionPlugin: JupyterFrontEndPlugin<Session> = {
  id: 'kimi-jupyter:session',
  description: 'Holds the current task of Kimi and its link to the server.',
  autoStart: true,
  provides: ISession,
  optional: [INotebookTracker],
  activate: (app: JupyterFrontEnd, notebooks: INotebookTracker | null) => {
    const { serverSettings } = app.serviceManager;
    const api = new Api(serverSettings);
    const session = new Session({
      api,
      memory: new Memory(serverSettings.baseUrl),
      client: UUID.uuid4(),
      notebook: () => notebooks?.currentWidget?.context.localPath ?? null,
      link: (task, last) =>
        new Link({
          last,
          connect: after =>
            new serverSettings.WebSocket(api.socketUrl(task, after)) as Socket
        })
    });
    app.serviceManager.events.stream.connect((_, emission) => {
      if (emission.schema_id === NOTICE) {
        noticed(session, emission as unknown as Notice);
      }
    });
    window.addEventListener('online', () => session.retryLink());
    document.addEventListener('visibilitychange', () => session.retryLink());
    void app.restored.then(() => session.start());
    return session;
  }
};

interface Notice {
  readonly what: 'asks' | 'settings' | 'tasks' | 'key';
  readonly open_asks: number;
}

function noticed(session: Session, { what, open_asks }: Notice): void {
  session.setOpenAsks(open_asks);
  switch (what) {
    case 'asks':
      break;
    case 'key':
      void session.refreshStatus().then(() => session.refreshBalance());
      break;
    case 'settings':
      void session.refreshStatus();
      break;
    case 'tasks':
      if (session.page === 'history') {
        void session.refreshTasks();
      }
      break;
  }
}
