/** What a message takes along: the + button, the chips, and what is dropped or pasted. */
import { addIcon, closeIcon } from '@jupyterlab/ui-components';
import React, { useEffect, useReducer, useRef, useState } from 'react';
import type { ClipboardEvent, DragEvent } from 'react';

import type { Attached, Attachments, TooLarge } from '../attached';
import { size as bytes } from '../format';
import { visible } from '../invisible';
import type { Session } from '../session';
import { useKimi } from './context';
import { useOutside } from './hooks';

/** The + button with its two places to take files from. */
export function AttachButton(): JSX.Element {
  const { session, trans, outside } = useKimi();
  const [isOpen, setOpen] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const take = useTake();
  useOutside(frame, isOpen, () => setOpen(false));
  const fromServer = () => {
    setOpen(false);
    void outside.pickFiles().then(paths => session.attached.addPaths(paths));
  };
  const fromHere = () => {
    setOpen(false);
    input.current?.click();
  };
  return (
    <div
      className="jp-Kimi-attach"
      ref={frame}
      onKeyDown={event => event.key === 'Escape' && setOpen(false)}
    >
      <button
        type="button"
        className="jp-Kimi-iconButton"
        aria-label={trans.__('Attach files')}
        title={trans.__('Attach files')}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <addIcon.react tag="span" width="16px" height="16px" aria-hidden />
      </button>
      {isOpen && (
        <div className="jp-Kimi-menu" role="menu">
          <button type="button" role="menuitem" autoFocus onClick={fromServer}>
            {trans.__('From this server…')}
          </button>
          <button type="button" role="menuitem" onClick={fromHere}>
            {trans.__('From this computer…')}
          </button>
        </div>
      )}
      <input
        ref={input}
        type="file"
        multiple
        hidden
        data-testid="kimi-upload"
        onChange={event => {
          take([...(event.target.files ?? [])]);
          event.target.value = '';
        }}
      />
    </div>
  );
}

/** The files that go with the next message, each with a cross. */
export function Chips(): JSX.Element | null {
  const { session, trans } = useKimi();
  const items = useAttached(session);
  if (items.length === 0) {
    return null;
  }
  return (
    <ul
      className="jp-Kimi-chips"
      aria-label={trans.__('Attached to the next message')}
    >
      {items.map(item => (
        <Chip
          key={`${item.content === undefined}:${item.path}`}
          item={item}
          attached={session.attached}
        />
      ))}
    </ul>
  );
}

function Chip({
  item,
  attached
}: {
  readonly item: Attached;
  readonly attached: Attachments;
}): JSX.Element {
  const { trans } = useKimi();
  const name = visible(item.path);
  return (
    <li className="jp-Kimi-attachment" title={name}>
      {item.image && (
        <img
          className="jp-Kimi-attachmentImage"
          data-testid="kimi-image"
          src={item.image}
          alt=""
        />
      )}
      <span className="jp-Kimi-attachmentName">{name}</span>
      {item.size !== null && (
        <span className="jp-Kimi-hint">{bytes(item.size)}</span>
      )}
      <button
        type="button"
        aria-label={trans.__('Remove %1', name)}
        title={trans.__('Remove')}
        onClick={() => attached.remove(item)}
      >
        <closeIcon.react tag="span" width="12px" aria-hidden />
      </button>
    </li>
  );
}

export interface Drop {
  readonly isOver: boolean;
  readonly handlers: {
    readonly onDragOver: (event: DragEvent) => void;
    readonly onDragLeave: () => void;
    readonly onDrop: (event: DragEvent) => void;
    readonly onPaste: (event: ClipboardEvent) => void;
  };
}

/** Files that are dropped on the input, or pasted into it, are attached. */
export function useDrop(): Drop {
  const [isOver, setOver] = useState(false);
  const take = useTake();
  return {
    isOver,
    handlers: {
      onDragOver: event => {
        if (event.dataTransfer.types.includes('Files')) {
          event.preventDefault();
          setOver(true);
        }
      },
      onDragLeave: () => setOver(false),
      onDrop: event => {
        setOver(false);
        if (event.dataTransfer.files.length > 0) {
          event.preventDefault();
          take([...event.dataTransfer.files]);
        }
      },
      onPaste: event => {
        const files = [...event.clipboardData.files];
        if (files.length > 0 && event.clipboardData.getData('text') === '') {
          event.preventDefault();
          take(files);
        }
      }
    }
  };
}

function useTake(): (files: readonly File[]) => void {
  const { session, trans } = useKimi();
  return files => {
    session.attached.addFiles(files).then(
      refused => {
        if (refused.length > 0) {
          const words = refused.map(file => wordsFor(file, trans));
          session.say('warning', words.join(' '));
        }
      },
      (error: unknown) =>
        session.say(
          'error',
          trans.__('A file could not be read: %1', String(error))
        )
    );
  };
}

function wordsFor(
  { name, size, cap, counts }: TooLarge,
  trans: ReturnType<typeof useKimi>['trans']
): string {
  return counts === 'file'
    ? trans.__(
        '%1 (%2) is larger than a file may be (%3), so it was not attached.',
        visible(name),
        bytes(size),
        bytes(cap)
      )
    : trans.__(
        'With %1 the files come to %2, more than a message may take (%3), so it was not attached.',
        visible(name),
        bytes(size),
        bytes(cap)
      );
}

function useAttached(session: Session): readonly Attached[] {
  const [, draw] = useReducer((drawn: number) => drawn + 1, 0);
  useEffect(() => {
    const { changed } = session.attached;
    changed.connect(draw);
    return () => void changed.disconnect(draw);
  }, [session]);
  return session.attached.items;
}
