/** The list of tasks: search, open, rename, delete. */
import { Time } from '@jupyterlab/coreutils';
import { copyIcon, deleteIcon, editIcon } from '@jupyterlab/ui-components';
import React, { useEffect, useState } from 'react';

import type { TaskSummary } from '../api';
import { visible } from '../invisible';
import { wordsOf } from '../api';
import { useKimi } from './context';
import { IconButton } from './header';

const TYPING = 200;
const FORMATS = { md: 'Markdown', json: 'JSON', ipynb: 'notebook' };

export function History(): JSX.Element {
  const { session, trans } = useKimi();
  const [query, setQuery] = useState('');
  useEffect(() => {
    const timer = window.setTimeout(
      () => void session.refreshTasks(query),
      query ? TYPING : 0
    );
    return () => window.clearTimeout(timer);
  }, [session, query]);
  const { tasks } = session;
  return (
    <section className="jp-Kimi-history" aria-label={trans.__('History')}>
      <input
        type="search"
        className="jp-Kimi-search"
        placeholder={trans.__('Search all tasks')}
        aria-label={trans.__('Search all tasks')}
        value={query}
        onChange={event => setQuery(event.target.value)}
      />
      {tasks === null && (
        <p className="jp-Kimi-empty">{trans.__('Loading…')}</p>
      )}
      {tasks?.length === 0 && (
        <p className="jp-Kimi-empty">
          {query === ''
            ? trans.__('No tasks yet. Each conversation is kept here.')
            : trans.__('Nothing found.')}
        </p>
      )}
      <ul className="jp-Kimi-tasks">
        {(tasks ?? []).map(task => (
          <Row
            key={task.id}
            task={task}
            onChanged={() => void session.refreshTasks(query)}
          />
        ))}
      </ul>
    </section>
  );
}

interface RowProps {
  readonly task: TaskSummary;
  readonly onChanged: () => void;
}

function Row({ task, onChanged }: RowProps): JSX.Element {
  const { session, trans, outside } = useKimi();
  const title = visible(task.title) || trans.__('Untitled task');
  const attempt = (action: Promise<unknown>) => {
    action.then(onChanged, (error: unknown) =>
      session.say('error', wordsOf(error))
    );
  };
  const rename = async () => {
    const name = await outside.prompt(trans.__('Rename task'), task.title);
    if (name !== null && name.trim() !== '') {
      attempt(session.renameTask(task.id, name.trim()));
    }
  };
  const remove = async () => {
    const body = trans.__(
      '“%1” and its conversation will be deleted. Files stay as they are.',
      title
    );
    if (
      await outside.confirm(
        trans.__('Delete this task?'),
        body,
        trans.__('Delete')
      )
    ) {
      attempt(session.deleteTask(task.id));
    }
  };
  return (
    <li className={task.id === session.task ? 'jp-mod-current' : ''}>
      <button
        type="button"
        className="jp-Kimi-task"
        aria-current={task.id === session.task ? 'true' : undefined}
        onClick={() => session.open(task.id)}
      >
        <span className="jp-Kimi-taskTitle">{title}</span>
        <span className="jp-Kimi-taskFacts">
          <StatusBadge status={task.status} />
          <span title={new Date(task.updated_at).toLocaleString()}>
            {Time.formatHuman(new Date(task.updated_at))}
          </span>
          {task.notebook !== null && <span>{visible(task.notebook)}</span>}
        </span>
      </button>
      <IconButton
        icon={editIcon}
        label={trans.__('Rename “%1”', title)}
        onClick={() => void rename()}
      />
      <IconButton
        icon={copyIcon}
        label={trans.__('Fork “%1”', title)}
        onClick={() => attempt(session.forkTask(task.id))}
      />
      <span className="jp-Kimi-exports">
        {(['md', 'json', 'ipynb'] as const).map(format => (
          <a
            key={format}
            className="jp-Kimi-link"
            href={session.exportUrl(task.id, format)}
            download
            title={trans.__('Export as %1', FORMATS[format])}
            aria-label={trans.__('Export “%1” as %2', title, FORMATS[format])}
          >
            {format}
          </a>
        ))}
      </span>
      <IconButton
        icon={deleteIcon}
        label={trans.__('Delete “%1”', title)}
        onClick={() => void remove()}
      />
    </li>
  );
}

function StatusBadge({
  status
}: Pick<TaskSummary, 'status'>): JSX.Element | null {
  const { trans } = useKimi();
  switch (status) {
    case 'idle':
      return null;
    case 'running':
      return (
        <span className="jp-Kimi-badge jp-mod-running">
          {trans.__('Running')}
        </span>
      );
    case 'waiting':
      return (
        <span className="jp-Kimi-badge jp-mod-waiting">
          {trans.__('Waits for you')}
        </span>
      );
    case 'interrupted':
      return <span className="jp-Kimi-badge">{trans.__('Interrupted')}</span>;
  }
}
