/** The text in the input, kept per task over a reload; what could not be sent comes back. */
import { useCallback, useEffect, useRef, useState } from 'react';

import { useKimi } from './context';

export interface Draft {
  readonly text: string;
  readonly setText: (text: string) => void;
  /** A message that came back while something else stood in the input. */
  readonly kept: string | null;
  readonly restore: () => void;
}

export function useDraft(): Draft {
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
