/** The menu above the input: slash commands after `/`, files after `@`. */
import { fileIcon, folderIcon, notebookIcon } from '@jupyterlab/ui-components';
import type { LabIcon } from '@jupyterlab/ui-components';
import React, { useEffect, useState } from 'react';
import type { KeyboardEvent } from 'react';

import { wordsOf } from '../api';
import { visible } from '../invisible';
import type { Session } from '../session';
import { MOST, wantedAt } from '../suggest';
import type { Wanted } from '../suggest';
import { useKimi } from './context';

interface Row {
  /** What is put in the place of the word. */
  readonly value: string;
  readonly label: string;
  readonly detail: string;
  readonly icon: LabIcon | null;
}

export interface Suggestions {
  readonly wanted: Wanted | null;
  readonly rows: readonly Row[];
  readonly active: number;
  /** Said where there is no row. */
  readonly note: string;
  readonly pick: (place: number) => void;
  /** Whether the key was for the menu. */
  readonly onKeyDown: (event: KeyboardEvent) => boolean;
}

export const MENU_ID = 'jp-Kimi-suggestions';

export const rowId = (place: number): string => `${MENU_ID}-${place}`;

/** What to offer for the word at the caret; `take` puts a choice into the text. */
export function useSuggestions(
  text: string,
  caret: number,
  take: (wanted: Wanted, value: string) => void
): Suggestions {
  const { session, trans } = useKimi();
  const [closed, setClosed] = useState('');
  const [active, setActive] = useState(0);
  const found = wantedAt(text, caret);
  const key = found === null ? '' : `${found.kind}:${found.from}`;
  const wanted = closed !== '' && closed === key ? null : found;
  useEffect(() => {
    if (key === '') {
      setClosed('');
    }
  }, [key]);
  const { rows, note } = useRows(session, wanted);
  useEffect(() => setActive(0), [rows]);

  const pick = (place: number) => {
    const row = rows[place];
    if (wanted !== null && row !== undefined) {
      take(wanted, row.value);
    }
  };
  const onKeyDown = (event: KeyboardEvent): boolean => {
    if (wanted === null) {
      return false;
    }
    if (event.key === 'Escape') {
      setClosed(key);
      return true;
    }
    if (rows.length === 0) {
      return false;
    }
    switch (event.key) {
      case 'ArrowDown':
        setActive((active + 1) % rows.length);
        return true;
      case 'ArrowUp':
        setActive((active + rows.length - 1) % rows.length);
        return true;
      case 'Tab':
      case 'Enter':
        if (event.shiftKey || isWhole(wanted, rows[active])) {
          return false;
        }
        pick(active);
        return true;
      default:
        return false;
    }
  };
  const words =
    wanted === null || rows.length > 0
      ? ''
      : note !== null
        ? note
        : wanted.kind === 'slash'
          ? trans.__('No such command; /help lists them.')
          : trans.__('No file of the workspace fits.');
  return { wanted, rows, active, note: words, pick, onKeyDown };
}

/** A slash command that stands there in full is sent by Enter. */
function isWhole(wanted: Wanted, row: Row | undefined): boolean {
  return wanted.kind === 'slash' && row?.value === wanted.query.toLowerCase();
}

interface Rows {
  readonly rows: readonly Row[];
  /** `null` where nothing went wrong; empty while the first answer is under way. */
  readonly note: string | null;
}

/** Milliseconds after which a search that found nothing is made again: the server may not know a new file yet. */
const LOOK_AGAIN = 1500;

const NONE: Rows = { rows: [], note: '' };

function useRows(session: Session, wanted: Wanted | null): Rows {
  const [found, setFound] = useState<Rows>(NONE);
  const kind = wanted?.kind ?? null;
  const query = wanted?.query ?? '';
  useEffect(() => {
    if (kind === null) {
      setFound(NONE);
      return;
    }
    let isCurrent = true;
    let timer = 0;
    const read = (again: number) => {
      const rows = kind === 'slash' ? slashRows : fileRows;
      rows(session, query).then(
        rows => {
          if (!isCurrent) {
            return;
          }
          setFound({ rows, note: null });
          if (rows.length === 0 && kind === 'mention' && again > 0) {
            timer = window.setTimeout(() => read(again - 1), LOOK_AGAIN);
          }
        },
        (error: unknown) =>
          isCurrent && setFound({ rows: [], note: wordsOf(error) })
      );
    };
    read(3);
    return () => {
      isCurrent = false;
      window.clearTimeout(timer);
    };
  }, [session, kind, query]);
  return kind === null ? NONE : found;
}

async function slashRows(
  session: Session,
  query: string
): Promise<readonly Row[]> {
  const commands = await session.slashCommands();
  return commands
    .filter(({ name }) => name.startsWith(query.toLowerCase()))
    .map(({ name, help }) => ({
      value: name,
      label: `/${name}`,
      detail: help.replace(/`/g, ''),
      icon: null
    }));
}

async function fileRows(
  session: Session,
  query: string
): Promise<readonly Row[]> {
  const files = await session.findFiles(query);
  return files.slice(0, MOST).map(({ path, kind }) => {
    const whole = kind === 'folder' && !path.endsWith('/') ? `${path}/` : path;
    const cut = whole.replace(/\/$/, '').lastIndexOf('/') + 1;
    return {
      value: whole,
      label: visible(whole.slice(cut)),
      detail: visible(whole.slice(0, cut)),
      icon:
        kind === 'folder'
          ? folderIcon
          : kind === 'notebook'
            ? notebookIcon
            : fileIcon
    };
  });
}

export function SuggestionMenu({
  suggestions
}: {
  readonly suggestions: Suggestions;
}): JSX.Element | null {
  const { trans } = useKimi();
  const { wanted, rows, active, note, pick } = suggestions;
  if (wanted === null || (rows.length === 0 && note === '')) {
    return null;
  }
  if (rows.length === 0) {
    return (
      <div className="jp-Kimi-suggestions" role="status">
        <div className="jp-Kimi-hint">{note}</div>
      </div>
    );
  }
  const label =
    wanted.kind === 'slash' ? trans.__('Commands') : trans.__('Files');
  return (
    <div
      id={MENU_ID}
      className="jp-Kimi-suggestions"
      role="listbox"
      aria-label={label}
      data-kind={wanted.kind}
    >
      {rows.map((row, place) => (
        <div
          key={row.value}
          id={rowId(place)}
          role="option"
          aria-selected={place === active}
          className="jp-Kimi-suggestion"
          ref={node => {
            if (place === active) {
              node?.scrollIntoView?.({ block: 'nearest' });
            }
          }}
          // The focus stays in the input.
          onMouseDown={event => event.preventDefault()}
          onClick={() => pick(place)}
        >
          {row.icon !== null && (
            <row.icon.react tag="span" width="14px" aria-hidden="true" />
          )}
          <span className="jp-Kimi-suggestionName">{row.label}</span>
          <span className="jp-Kimi-suggestionDetail">{row.detail}</span>
        </div>
      ))}
    </div>
  );
}
