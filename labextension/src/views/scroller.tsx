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

/** A scroll this long after a wheel, a touch or a key is the reader's, in ms; smooth scrolling goes on for a while. */
const BY_HAND = 1000;

/** Keys that may scroll; Enter and Space press buttons. */
const UPWARDS: ReadonlySet<string> = new Set([
  'ArrowUp',
  'PageUp',
  'Home',
  'Tab'
]);

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
  const moved = useRef(-Infinity);
  const isPressed = useRef(false);
  const [isAway, setAway] = useState(false);

  const toEnd = useCallback(() => {
    if (box.current !== null) {
      box.current.scrollTop = box.current.scrollHeight;
      isHeld.current = true;
      setAway(false);
    }
  }, []);

  // Only the reader's own hand leaves the end. A smaller `scrollTop` alone says nothing: where the content shrinks
  // for a moment while it is drawn, the browser moves it too.
  const onScroll = () => {
    const node = box.current;
    if (node === null) {
      return;
    }
    if (node.scrollHeight - node.scrollTop - node.clientHeight <= NEAR) {
      isHeld.current = true;
    } else if (
      isPressed.current ||
      performance.now() - moved.current < BY_HAND
    ) {
      isHeld.current = false;
    } else if (isHeld.current) {
      node.scrollTop = node.scrollHeight;
    }
    setAway(!isHeld.current);
  };

  const onMove = () => {
    moved.current = performance.now();
  };

  useEffect(() => {
    const release = () => {
      if (isPressed.current) {
        isPressed.current = false;
        onMove();
      }
    };
    window.addEventListener('pointerup', release);
    window.addEventListener('pointercancel', release);
    return () => {
      window.removeEventListener('pointerup', release);
      window.removeEventListener('pointercancel', release);
    };
  }, []);

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
        onWheel={onMove}
        onTouchMove={onMove}
        onKeyDown={event => {
          if (UPWARDS.has(event.key)) {
            onMove();
          }
        }}
        onPointerDown={event => {
          // The box itself is hit only on its scroll bar.
          isPressed.current = event.target === event.currentTarget;
        }}
        onPointerMove={event => {
          if (event.buttons !== 0) {
            onMove(); // text that is being selected scrolls at the edge
          }
        }}
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
