/** The four approval modes below the input, and the banner while nothing is asked. */
import React, { useRef } from 'react';
import type { KeyboardEvent } from 'react';

import type { Mode } from '../wire';
import { useKimi } from './context';

const MODES: readonly Mode[] = ['ask', 'accept_edits', 'plan', 'bypass'];

export function ModeBar(): JSX.Element {
  const { session, trans } = useKimi();
  const bar = useRef<HTMLDivElement>(null);
  const { mode } = session;
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[
      event.key
    ];
    const chips = [...(bar.current?.querySelectorAll('button') ?? [])];
    const at = chips.findIndex(chip => chip === document.activeElement);
    if (step !== undefined && at !== -1) {
      event.preventDefault();
      chips[(at + step + chips.length) % chips.length]?.focus();
    }
  };
  return (
    <div
      ref={bar}
      className="jp-Kimi-modes"
      role="radiogroup"
      aria-label={trans.__('Approval mode')}
      onKeyDown={move}
    >
      {MODES.map(name => {
        const { label, hint } = wordsFor(name, trans);
        const writesFreely =
          name === 'ask' && session.status?.auto_approve_write === true;
        const exception = trans.__(
          'Writes are auto-approved by `kimi.autoApprove.write`.'
        );
        return (
          <button
            key={name}
            type="button"
            role="radio"
            aria-checked={mode === name}
            tabIndex={mode === name ? 0 : -1}
            data-mode={name}
            className="jp-Kimi-chip"
            title={writesFreely ? `${hint} ${exception}` : hint}
            onClick={() => session.setMode(name)}
          >
            {label}
          </button>
        );
      })}
    </div>
  );
}

export function BypassBanner(): JSX.Element {
  const { session, trans } = useKimi();
  return (
    <div className="jp-Kimi-banner" role="note">
      <span>
        <strong>{trans.__('Bypass permissions')}</strong>{' '}
        {trans.__('Kimi writes files and runs commands without asking.')}
      </span>
      <button
        type="button"
        className="jp-Kimi-link"
        onClick={() => session.setMode('ask')}
      >
        {trans.__('Ask again')}
      </button>
    </div>
  );
}

function wordsFor(
  mode: Mode,
  trans: ReturnType<typeof useKimi>['trans']
): { readonly label: string; readonly hint: string } {
  switch (mode) {
    case 'ask':
      return {
        label: trans.__('Ask permission'),
        hint: trans.__(
          'Asks before it writes a file or runs a command; reads freely.'
        )
      };
    case 'accept_edits':
      return {
        label: trans.__('Accept edits'),
        hint: trans.__(
          'Writes files without asking; asks before it runs a command.'
        )
      };
    case 'plan':
      return {
        label: trans.__('Plan mode'),
        hint: trans.__(
          'Reads and proposes; can neither write nor run anything.'
        )
      };
    case 'bypass':
      return {
        label: trans.__('Bypass permissions'),
        hint: trans.__(
          'Writes and runs without asking, in this task, until it ends.'
        )
      };
  }
}
