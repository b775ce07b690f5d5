/** What the next message takes along: the button that picks files, and the chips above the input. */
import React, { useEffect, useRef, useState } from 'react';
import type { ClipboardEvent, DragEvent } from 'react';

import { size as sizeOf } from '../format';
import { attachIcon } from '../icons';
import { visible } from '../invisible';
import type { Session } from '../session';
import type { Upload } from '../uploads';
import { useKimi } from './context';
import { Picture } from './picture';

/** Takes files in, and says in words which could not be. */
export function useUpload(): (files: Iterable<File>) => void {
  const { session, trans } = useKimi();
  const add = async (files: Iterable<File>) => {
    try {
      const refused = await session.uploads.add(files);
      const words = refused.map(({ name, size, cap }) =>
        trans.__(
          '%1 (%2) was not attached: %3 is the most for %4.',
          visible(name),
          sizeOf(size),
          sizeOf(cap),
          size > cap ? trans.__('one file') : trans.__('one message')
        )
      );
      if (words.length > 0) {
        session.say('warning', words.join(' '));
      }
    } catch {
      session.say(
        'warning',
        trans.__('A file could not be read. A folder can be named with @.')
      );
    }
  };
  return files => void add(files);
}

/** Handlers for files that are pasted into or dropped on the input. */
export function useFileEvents(): {
  onPaste: (event: ClipboardEvent) => void;
  onDragOver: (event: DragEvent) => void;
  onDrop: (event: DragEvent) => void;
} {
  const upload = useUpload();
  return {
    onPaste: event => {
      const { files, types } = event.clipboardData;
      // A table program puts a picture beside the text: the text is meant then.
      if (files.length > 0 && !types.includes('text/plain')) {
        event.preventDefault();
        upload([...files]);
      }
    },
    onDragOver: event => {
      if (event.dataTransfer.types.includes('Files')) {
        event.preventDefault();
      }
    },
    onDrop: event => {
      if (event.dataTransfer.files.length > 0) {
        event.preventDefault();
        upload([...event.dataTransfer.files]);
      }
    }
  };
}

export function AttachButton(): JSX.Element {
  const { trans } = useKimi();
  const upload = useUpload();
  const picker = useRef<HTMLInputElement>(null);
  return (
    <>
      <button
        type="button"
        className="jp-Kimi-attach"
        aria-label={trans.__('Attach files')}
        title={trans.__('Attach files of this computer')}
        onClick={() => picker.current?.click()}
      >
        <attachIcon.react
          tag="span"
          width="16px"
          height="16px"
          aria-hidden="true"
        />
      </button>
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        data-testid="kimi-files"
        onChange={event => {
          upload([...(event.target.files ?? [])]);
          event.target.value = '';
        }}
      />
    </>
  );
}

export function UploadChips(): JSX.Element | null {
  const { session, trans } = useKimi();
  const items = useItems(session);
  return items.length === 0 ? null : (
    <ul className="jp-Kimi-attachments" aria-label={trans.__('Attached files')}>
      {items.map(item => (
        <li key={item.name}>
          <Picture url={item.image} name={item.name} />
          {visible(item.name)}{' '}
          <button
            type="button"
            className="jp-Kimi-link"
            aria-label={trans.__('Remove %1', visible(item.name))}
            onClick={() => session.uploads.remove(item)}
          >
            ✕
          </button>
        </li>
      ))}
    </ul>
  );
}

function useItems(session: Session): readonly Upload[] {
  const { uploads } = session;
  const [items, setItems] = useState(uploads.items);
  useEffect(() => {
    const update = () => setItems(uploads.items);
    update();
    uploads.changed.connect(update);
    return () => void uploads.changed.disconnect(update);
  }, [uploads]);
  return items;
}
