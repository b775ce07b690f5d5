/** The body of a write's card: what changes in the file. */
import React, { useState } from 'react';

import { useKimi } from '../views/context';
import type { FileDiff } from '../wire';
import { Diff } from './diff';

export interface WriteBodyProps {
  readonly diff: FileDiff;
  /** The end of the diff was in sight. */
  readonly onSeen: () => void;
}

export function WriteBody({ diff, onSeen }: WriteBodyProps): JSX.Element {
  const { trans } = useKimi();
  const [isShown, setShown] = useState(false);
  return (
    <div className="jp-Kimi-write">
      <button
        type="button"
        className="jp-Kimi-fold"
        aria-expanded={isShown}
        onClick={() => setShown(!isShown)}
      >
        <span className="jp-Kimi-caret" aria-hidden="true" />
        {isShown ? trans.__('Hide diff') : trans.__('View diff')}
      </button>
      {diff.is_new && (
        <span className="jp-Kimi-badge">{trans.__('new file')}</span>
      )}
      {isShown && <Diff diff={diff} onSeen={onSeen} />}
    </div>
  );
}
