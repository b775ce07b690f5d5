/** The input: Enter sends, Shift+Enter breaks the line; menus after `/` and `@`; the last messages come back with the arrow up. */
import React, {
  useEffect,
  useLayoutEffect,
  useReducer,
  useRef,
  useState
} from 'react';
import type { KeyboardEvent } from 'react';

import { sendIcon, stopIcon } from '../icons';
import type { Draft } from '../draft';
import { insert } from '../suggest';
import { AttachButton, Chips, useDrop } from './attach';
import { useKimi } from './context';
import { MENU_ID, rowId, SuggestionMenu, useSuggestions } from './suggestions';

export function Composer(): JSX.Element {
  const { session, trans } = useKimi();
  const { isSending } = session;
  const box = useRef<HTMLTextAreaElement>(null);
  const { draft } = session;
  const { text, kept } = useDraft(draft, box);
  const setText = (words: string) => draft.set(words);
  const [caret, setCaret] = useState(0);
  const jump = useRef<number | null>(null);
  const drop = useDrop();
  const recall = useRecall(text, setText);
  useGrowth(box, text);
  useLayoutEffect(() => {
    if (jump.current !== null) {
      box.current?.setSelectionRange(jump.current, jump.current);
      setCaret(jump.current);
      jump.current = null;
    }
  }, [text]);
  const suggestions = useSuggestions(text, caret, (wanted, value) => {
    const next = insert(text, wanted, value);
    jump.current = next.caret;
    setText(next.text);
    box.current?.focus();
  });

  const send = () => {
    if (text.trim() !== '' && !isSending) {
      setText('');
      void session.send(text);
    }
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    // 229: the key belongs to an input method, also where a browser ends the composition before it tells the key.
    if (event.nativeEvent.isComposing || event.keyCode === 229) {
      return;
    }
    if (suggestions.onKeyDown(event)) {
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (recall(event)) {
      event.preventDefault();
    }
  };
  const isOpen = suggestions.wanted !== null && suggestions.rows.length > 0;
  return (
    <div className="jp-Kimi-entry">
      <SuggestionMenu suggestions={suggestions} />
      {kept !== null && (
        <button
          type="button"
          className="jp-Kimi-link"
          onClick={() => draft.restore()}
        >
          {trans.__('Restore the message that came back')}
        </button>
      )}
      <Chips />
      <div
        className={`jp-Kimi-composer${drop.isOver ? ' jp-mod-over' : ''}`}
        {...drop.handlers}
      >
        <AttachButton />
        <textarea
          ref={box}
          rows={1}
          className="jp-Kimi-input"
          aria-label={trans.__('Message Kimi')}
          aria-autocomplete="list"
          aria-controls={isOpen ? MENU_ID : undefined}
          aria-activedescendant={isOpen ? rowId(suggestions.active) : undefined}
          placeholder={trans.__('Ask, or type @ or /')}
          value={text}
          onChange={event => {
            setText(event.target.value);
            setCaret(event.target.selectionStart);
          }}
          onSelect={event => setCaret(event.currentTarget.selectionStart)}
          onBlur={() => setCaret(0)}
          onKeyDown={onKeyDown}
        />
        <SendButton isEmpty={text.trim() === ''} onSend={send} />
      </div>
    </div>
  );
}

/** Draw again when the draft changes, here or in another view of the same task, and come when it calls. */
function useDraft(draft: Draft, box: React.RefObject<HTMLElement>): Draft {
  const [, draw] = useReducer((drawn: number) => drawn + 1, 0);
  useEffect(() => {
    const called = () => {
      if (box.current?.offsetParent !== null) {
        box.current?.focus();
      }
    };
    draft.changed.connect(draw);
    draft.called.connect(called);
    return () => {
      draft.changed.disconnect(draw);
      draft.called.disconnect(called);
    };
  }, [draft, box]);
  return draft;
}

interface SendButtonProps {
  readonly isEmpty: boolean;
  readonly onSend: () => void;
}

/** Send; Stop while a turn runs, where Enter still queues. */
function SendButton({ isEmpty, onSend }: SendButtonProps): JSX.Element {
  const { session, trans } = useKimi();
  if (session.isRunning) {
    return (
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
    );
  }
  return (
    <button
      type="button"
      className="jp-Kimi-send"
      aria-label={trans.__('Send')}
      title={trans.__('Send (Enter)')}
      disabled={isEmpty || session.isSending}
      onClick={onSend}
    >
      <sendIcon.react
        tag="span"
        width="16px"
        height="16px"
        aria-hidden="true"
      />
    </button>
  );
}

/** The arrow up in an empty input brings back the last message, and again the one before; down goes forth. */
function useRecall(
  text: string,
  setText: (text: string) => void
): (event: KeyboardEvent) => boolean {
  const { session } = useKimi();
  const place = useRef(0);
  const shown = useRef('');
  if (text !== shown.current) {
    place.current = 0;
    shown.current = '';
  }
  return event => {
    const step =
      event.key === 'ArrowUp' ? 1 : event.key === 'ArrowDown' ? -1 : 0;
    const isRecalling = place.current > 0;
    if (step === 0 || (!isRecalling && (text !== '' || step < 0))) {
      return false;
    }
    const said = session.transcript.turns.flatMap(turn =>
      turn.text.trim() === '' ? [] : [turn.text]
    );
    const next = Math.min(place.current + step, said.length);
    place.current = next;
    shown.current = next === 0 ? '' : (said[said.length - next] ?? '');
    setText(shown.current);
    return true;
  };
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
