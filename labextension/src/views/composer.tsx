/** The input: Enter sends, Shift+Enter breaks the line, and what was typed survives a reload. */
import React, {
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState
} from 'react';
import type { KeyboardEvent } from 'react';

import { sendIcon, stopIcon } from '../icons';
import { useKimi } from './context';
import { AttachButton, useFileEvents } from './uploads';

export function Composer(): JSX.Element {
  const { session, trans } = useKimi();
  const { isRunning, isSending } = session;
  const { text, setText, kept, restore } = useDraft();
  const box = useRef<HTMLTextAreaElement>(null);
  useGrowth(box, text);
  const { onPaste, onDragOver, onDrop } = useFileEvents();

  const send = () => {
    if (text.trim() !== '' && !isSending) {
      setText('');
      void session.send(text);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // 229: the key belongs to an input method, also where a browser ends the composition before it tells the key.
    const isComposing = event.nativeEvent.isComposing || event.keyCode === 229;
    if (event.key === 'Enter' && !event.shiftKey && !isComposing) {
      event.preventDefault();
      send();
    }
  };
  return (
    <div className="jp-Kimi-composer" onDragOver={onDragOver} onDrop={onDrop}>
      <AttachButton />
      {kept !== null && (
        <button type="button" className="jp-Kimi-link" onClick={restore}>
          {trans.__('Restore the message that came back')}
        </button>
      )}
      <textarea
        ref={box}
        rows={1}
        className="jp-Kimi-input"
        aria-label={trans.__('Message Kimi')}
        placeholder={trans.__('Message Kimi')}
        value={text}
        onChange={event => setText(event.target.value)}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
      />
      {isRunning ? (
        <button
          type="button"
          className="jp-Kimi-send jp-mod-stop"
          aria-label={trans.__('Stop')}
          title={trans.__('Stop at once')}
          onClick={() => session.stop()}
        >
          <stopIcon.react
            tag="span"
            width="14px"
            height="14px"
            aria-hidden="true"
          />
        </button>
      ) : (
        <button
          type="button"
          className="jp-Kimi-send"
          aria-label={trans.__('Send')}
          title={trans.__('Send (Enter)')}
          disabled={text.trim() === '' || isSending}
          onClick={send}
        >
          <sendIcon.react
            tag="span"
            width="16px"
            height="16px"
            aria-hidden="true"
          />
        </button>
      )}
    </div>
  );
}

interface Draft {
  readonly text: string;
  readonly setText: (text: string) => void;
  /** A message that came back while something else stood in the input. */
  readonly kept: string | null;
  readonly restore: () => void;
}

/** The text in the input, kept per task; what could not be sent comes back. */
function useDraft(): Draft {
  const { session } = useKimi();
  const { task } = session;
  const [draft, setDraft] = useState(() => ({
    task,
    text: session.memory.draft(task)
  }));
  if (draft.task !== task) {
    setDraft({ task, text: session.memory.draft(task) });
  }
  const setText = useCallback(
    (text: string) => {
      session.memory.setDraft(session.task, text);
      setDraft({ task: session.task, text });
    },
    [session]
  );
  const [kept, setKept] = useState<string | null>(null);
  const latest = useRef(draft.text);
  latest.current = draft.text;
  useEffect(() => {
    const giveBack = (_: unknown, sent: string) => {
      if (latest.current.trim() === '') {
        setText(sent);
      } else {
        setKept(sent);
      }
    };
    const drop = (_: unknown, sent: string) => {
      if (latest.current.trim() === sent.trim()) {
        setText('');
      }
    };
    session.returned.connect(giveBack);
    session.arrived.connect(drop);
    return () => {
      session.returned.disconnect(giveBack);
      session.arrived.disconnect(drop);
    };
  }, [session, setText]);
  const restore = () => {
    setText([draft.text, kept].filter(Boolean).join('\n'));
    setKept(null);
  };
  return { text: draft.text, setText, kept, restore };
}

function useGrowth(
  box: React.RefObject<HTMLTextAreaElement>,
  text: string
): void {
  useLayoutEffect(() => {
    const node = box.current;
    if (node !== null) {
      node.style.height = 'auto';
      // A hidden panel measures nothing; one row is right then.
      if (node.scrollHeight > 0) {
        node.style.height = `${node.scrollHeight}px`;
      }
    }
  }, [box, text]);
}
