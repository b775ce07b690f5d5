/** Markdown that may still grow. */
import React, { useEffect, useLayoutEffect, useRef } from 'react';

import { Flow } from '../flow';
import { useKimi } from './context';
import { codeHead } from './copy';

export interface MarkdownProps {
  readonly text: string;
  /** No more comes. */
  readonly isDone: boolean;
}

export function Markdown({ text, isDone }: MarkdownProps): JSX.Element {
  const { renderer, trans, outside } = useKimi();
  const host = useRef<HTMLDivElement>(null);
  const flow = useRef<Flow | null>(null);
  useEffect(() => () => flow.current?.dispose(), []);
  useLayoutEffect(() => {
    if (flow.current === null && host.current !== null) {
      const head = codeHead(trans, outside);
      flow.current = new Flow(host.current, { renderer, codeHead: head });
    }
    flow.current?.update(text, isDone);
  }, [text, isDone, renderer, trans, outside]);
  return <div ref={host} className="jp-Kimi-markdown" />;
}
