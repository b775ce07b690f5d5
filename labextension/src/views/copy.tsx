/** The copy buttons: ⧉, and ✓ for a second after it worked. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { addBelowIcon } from '@jupyterlab/ui-components';
import type { LabIcon } from '@jupyterlab/ui-components';
import React, { useEffect, useState } from 'react';

import { replaceIcon } from '../icons';
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

/** What the head of a code block can do with the code. */
export interface CodeActions {
  readonly copy: (text: string) => Promise<void>;
  readonly insertCell: (code: string) => void;
  readonly replaceCell: (code: string) => void;
}

/** The head of a code block, for nodes that React does not draw. */
export function codeHead(
  trans: TranslationBundle,
  { copy, insertCell, replaceCell }: CodeActions
): (language: string, code: () => string) => HTMLElement {
  return (language, code) => {
    const head = document.createElement('div');
    head.className = 'jp-Kimi-codeHead';
    const name = document.createElement('span');
    name.textContent = language || trans.__('text');
    head.append(
      name,
      iconButton(addBelowIcon, trans.__('Insert as cell'), () =>
        insertCell(code())
      ),
      iconButton(replaceIcon, trans.__('Replace cell'), () =>
        replaceCell(code())
      ),
      copyButton(trans, () => copy(code()))
    );
    return head;
  };
}

function copyButton(
  trans: TranslationBundle,
  copy: () => Promise<void>
): HTMLElement {
  const sign = document.createElement('span');
  sign.className = 'jp-Kimi-copySign';
  sign.textContent = '⧉';
  const run = () => {
    copy().then(
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
  };
  const button = headButton(sign, trans.__('Copy code'), run);
  button.append(trans.__('Copy'));
  return button;
}

function iconButton(
  icon: LabIcon,
  label: string,
  run: () => void
): HTMLElement {
  const sign = icon.element({ tag: 'span', width: '14px', height: '14px' });
  return headButton(sign, label, run);
}

function headButton(
  sign: HTMLElement,
  label: string,
  run: () => void
): HTMLElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'jp-Kimi-copy';
  button.setAttribute('aria-label', label);
  button.title = label;
  sign.setAttribute('aria-hidden', 'true');
  button.append(sign);
  button.addEventListener('click', run);
  return button;
}
