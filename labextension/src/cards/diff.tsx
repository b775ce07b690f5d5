/** A file's change: line by line, or side by side where there is room. */
import React, { memo, useEffect, useMemo, useRef, useState } from 'react';

import { useKimi } from '../views/context';
import { Visible } from '../views/visible';
import type { FileDiff } from '../wire';
import { readDiff } from './hunks';
import { isAtEnd } from './reading';
import type { DiffRow } from './hunks';

/** Two columns of code need this much. */
const WIDE = 620;
/** What scrolls up and down; an editor in it may scroll sideways. */
const SCROLLS = '.jp-Kimi-diffScroll, .jp-Kimi-merge';

export interface DiffProps {
  readonly diff: FileDiff;
  /** The end of what is shown was in sight. */
  readonly onSeen?: () => void;
}

export const Diff = memo(function Diff({
  diff,
  onSeen
}: DiffProps): JSX.Element {
  const { trans } = useKimi();
  const box = useRef<HTMLDivElement>(null);
  const [isBeside, setBeside] = useState<boolean | null>(null);
  const isWide = useIsWide(box);
  const { before, after } = diff;
  const canBeBeside = after !== null && (before !== null || diff.is_new);
  const showsBeside = canBeBeside && (isBeside ?? isWide);
  return (
    <div
      ref={box}
      className="jp-Kimi-diff"
      data-testid="kimi-diff"
      onScrollCapture={({ target }) => {
        const node = target as HTMLElement;
        if (node.matches(SCROLLS) && isAtEnd(node)) {
          onSeen?.();
        }
      }}
    >
      {canBeBeside && isWide && (
        <button
          type="button"
          className="jp-Kimi-link"
          onClick={() => setBeside(!showsBeside)}
        >
          {showsBeside ? trans.__('One column') : trans.__('Side by side')}
        </button>
      )}
      {showsBeside && after !== null ? (
        <Beside before={before ?? ''} after={after} path={diff.path} />
      ) : (
        <Unified unified={diff.unified} />
      )}
      {diff.is_cut && !showsBeside && (
        <p className="jp-Kimi-hint">
          {trans.__('The diff is longer; its first 2,000 lines are shown.')}
        </p>
      )}
    </div>
  );
});

function Unified({ unified }: { readonly unified: string }): JSX.Element {
  const { trans } = useKimi();
  const rows = useMemo(() => readDiff(unified), [unified]);
  if (rows.length === 0) {
    return <p className="jp-Kimi-hint">{trans.__('No lines to show.')}</p>;
  }
  return (
    <div
      className="jp-Kimi-diffScroll"
      tabIndex={0}
      role="region"
      aria-label={trans.__('Diff')}
    >
      <table>
        <tbody>
          {rows.map((row, i) => (
            <Row key={i} row={row} isFirst={i === 0} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

const SIGN: Record<DiffRow['kind'], string> = {
  same: ' ',
  added: '+',
  removed: '−',
  gap: '',
  remark: ''
};

function Row({
  row,
  isFirst
}: {
  readonly row: DiffRow;
  readonly isFirst: boolean;
}): JSX.Element | null {
  if (row.kind === 'gap') {
    return isFirst ? null : (
      <tr className="jp-mod-gap">
        <td colSpan={4}>⋯ {row.text !== '' && <Visible text={row.text} />}</td>
      </tr>
    );
  }
  return (
    <tr className={`jp-mod-${row.kind}`}>
      <td className="jp-Kimi-lineNumber">{row.before}</td>
      <td className="jp-Kimi-lineNumber">{row.after}</td>
      <td className="jp-Kimi-sign">{SIGN[row.kind]}</td>
      <td className="jp-Kimi-line">
        <Visible text={row.text} />
      </td>
    </tr>
  );
}

interface BesideProps {
  readonly before: string;
  readonly after: string;
  readonly path: string;
}

function Beside({ before, after, path }: BesideProps): JSX.Element {
  const { trans } = useKimi();
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let isGone = false;
    let remove: () => void = () => undefined;
    void import('./merge').then(({ mountMerge }) => {
      if (!isGone && host.current !== null) {
        remove = mountMerge(
          host.current,
          { text: before, label: trans.__('Present text') },
          { text: after, label: trans.__('Proposed text') }
        );
      }
    });
    return () => {
      isGone = true;
      remove();
    };
  }, [before, after, trans]);
  return (
    <div
      ref={host}
      className="jp-Kimi-merge"
      role="region"
      aria-label={trans.__(
        'Diff of %1, present text left, proposed text right',
        path
      )}
    />
  );
}

function useIsWide(box: React.RefObject<HTMLElement>): boolean {
  const [isWide, setWide] = useState(false);
  useEffect(() => {
    const node = box.current;
    if (node === null) {
      return;
    }
    const observer = new ResizeObserver(() =>
      setWide(node.clientWidth >= WIDE)
    );
    observer.observe(node);
    return () => observer.disconnect();
  }, [box]);
  return isWide;
}
