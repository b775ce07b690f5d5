/** Keeps the end in sight while the reader is there, and leaves a reader alone who scrolled up. */
import React, {
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState
} from 'react';
import type { ReactNode } from 'react';

import { useKimi } from './context';

/** This near to the end counts as there. */
const NEAR = 48;

export interface ScrollerProps {
  readonly children: ReactNode;
  /** When this changes the end is shown whatever the reader did. */
  readonly anchor: string;
  /** An ask waits at the end. */
  readonly asks: boolean;
}

export function Scroller({
  children,
  anchor,
  asks
}: ScrollerProps): JSX.Element {
  const { trans } = useKimi();
  const box = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const isHeld = useRef(true);
  const top = useRef(0);
  const height = useRef(0);
  const [isAway, setAway] = useState(false);

  const toEnd = useCallback(() => {
    if (box.current !== null) {
      box.current.scrollTop = box.current.scrollHeight;
      isHeld.current = true;
      setAway(false);
    }
  }, []);

  const onScroll = () => {
    const node = box.current;
    if (node === null) {
      return;
    }
    const isNear =
      node.scrollHeight - node.scrollTop - node.clientHeight <= NEAR;
    // Only a move upwards is the reader's wish to leave: growth moves nothing, and where the content shrank the browser moved.
    if (isNear) {
      isHeld.current = true;
    } else if (
      node.scrollTop < top.current &&
      node.scrollHeight >= height.current
    ) {
      isHeld.current = false;
    }
    top.current = node.scrollTop;
    height.current = node.scrollHeight;
    setAway(!isHeld.current);
  };

  useEffect(() => {
    const observer = new ResizeObserver(() => {
      if (isHeld.current && box.current !== null) {
        box.current.scrollTop = box.current.scrollHeight;
      }
    });
    for (const node of [box.current, content.current]) {
      if (node !== null) {
        observer.observe(node);
      }
    }
    return () => observer.disconnect();
  }, []);

  useLayoutEffect(toEnd, [anchor, toEnd]);

  return (
    <div className="jp-Kimi-scrollArea">
      <div
        ref={box}
        className="jp-Kimi-scroller"
        onScroll={onScroll}
        tabIndex={-1}
      >
        <div ref={content} className="jp-Kimi-content">
          {children}
        </div>
      </div>
      {isAway && (
        <button
          type="button"
          className={`jp-Kimi-jump ${asks ? 'jp-mod-asks' : ''}`}
          onClick={toEnd}
        >
          <span aria-hidden="true">↓ </span>
          {asks
            ? trans.__('Kimi waits for your answer')
            : trans.__('Jump to latest')}
        </button>
      )}
    </div>
  );
}
