/** Tokens, cost and balance: each where it is known, nothing where nothing is. */
import React from 'react';

import { count, money } from '../format';
import { visible } from '../invisible';
import { useKimi } from './context';

export function Footer(): JSX.Element | null {
  const { session, trans } = useKimi();
  const { usage, context, turns } = session.transcript;
  const { balance } = session;
  const facts: [string, string][] = [];
  if (usage.requests > 0) {
    const total = usage.prompt_tokens + usage.completion_tokens;
    const detail = trans.__(
      '%1 tokens in (%2 of them cached), %3 out, in %4 requests',
      usage.prompt_tokens.toLocaleString(),
      usage.cached_tokens.toLocaleString(),
      usage.completion_tokens.toLocaleString(),
      usage.requests
    );
    facts.push([trans.__('%1 tokens', count(total)), detail]);
    if (usage.cached_tokens > 0 && usage.prompt_tokens > 0) {
      const share = Math.round(
        (100 * usage.cached_tokens) / usage.prompt_tokens
      );
      facts.push([trans.__('%1% cached', share), detail]);
    }
  }
  if (context !== null) {
    const share = Math.round((100 * context.used) / context.size);
    const detail = trans.__(
      '%1 of %2 tokens',
      count(context.used),
      count(context.size)
    );
    facts.push([trans.__('context %1%', share), detail]);
  }
  if (usage.cost !== null) {
    const words = trans.__('≈ %1', money(usage.cost, usage.currency));
    facts.push([words, trans.__('Estimated cost of this task')]);
  }
  if (turns.length > 0 && typeof balance?.available === 'number') {
    const words = trans.__(
      'balance %1',
      money(balance.available, balance.currency ?? 'USD')
    );
    const read = balance.read_at
      ? new Date(balance.read_at).toLocaleTimeString()
      : '';
    facts.push([words, read && trans.__('As of %1', read)]);
  }
  const files = session.status?.instructions ?? [];
  if (files.length > 0) {
    const names = files.map(file => visible(file.path)).join(', ');
    const detail = trans.__(
      'Goes with each message: %1. `kimi.instructions.files` turns it off.',
      names
    );
    facts.push([names, detail]);
  }
  if (facts.length === 0) {
    return null;
  }
  return (
    <div
      className="jp-Kimi-footer"
      role="group"
      aria-label={trans.__('Usage')}
      data-testid="kimi-usage"
    >
      {facts.map(([words, detail]) => (
        <span key={words} title={detail}>
          {words}
        </span>
      ))}
    </div>
  );
}
