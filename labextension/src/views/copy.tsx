/** The copy buttons: ⧉, and ✓ for a second after it worked. */
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useState } from 'react';

import { useKimi } from './context';

const FLASH = 1000;

export interface CopyProps {
  readonly text: () => string;
  /** The button's name for those who don't see it. */
  readonly label: string;
  /** The word beside the sign. */
  readonly word?: string;
  readonly className?: string;
}

export function CopyButton({
  text,
  label,
  word,
  className = ''
}: CopyProps): JSX.Element {
  const { outside, trans } = useKimi();
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    const timer = isCopied
      ? window.setTimeout(() => setCopied(false), FLASH)
      : 0;
    return () => window.clearTimeout(timer);
  }, [isCopied]);
  const copy = () => {
    outside.copy(text()).then(
      () => setCopied(true),
      (reason: unknown) => console.warn('Copying failed', reason)
    );
  };
  return (
    <button
      type="button"
      className={`jp-Kimi-copy ${className}`}
      aria-label={isCopied ? trans.__('Copied') : label}
      title={label}
      onClick={copy}
    >
      <span
        aria-hidden="true"
        className="jp-Kimi-copySign"
        data-copied={isCopied ? '' : undefined}
      >
        {isCopied ? '✓' : '⧉'}
      </span>
      {word !== undefined && <span>{word}</span>}
    </button>
  );
}

/** The head of a code block, for nodes that React does not draw. */
export function codeHead(
  trans: TranslationBundle,
  copy: (text: string) => Promise<void>
): (language: string, code: () => string) => HTMLElement {
  return (language, code) => {
    const head = document.createElement('div');
    head.className = 'jp-Kimi-codeHead';
    const name = document.createElement('span');
    name.textContent = language || trans.__('text');
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'jp-Kimi-copy';
    button.setAttribute('aria-label', trans.__('Copy code'));
    button.title = trans.__('Copy code');
    const sign = document.createElement('span');
    sign.setAttribute('aria-hidden', 'true');
    sign.className = 'jp-Kimi-copySign';
    sign.textContent = '⧉';
    button.append(sign, trans.__('Copy'));
    button.addEventListener('click', () => {
      copy(code()).then(
        () => {
          sign.textContent = '✓';
          sign.dataset['copied'] = '';
          window.setTimeout(() => {
            sign.textContent = '⧉';
            delete sign.dataset['copied'];
          }, FLASH);
        },
        (reason: unknown) => console.warn('Copying failed', reason)
      );
    });
    head.append(name, button);
    return head;
  };
}
