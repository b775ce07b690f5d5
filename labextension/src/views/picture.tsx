/** An image of a message or a result: small at first, whole on a click. */
import React, { useState } from 'react';

import { drawable } from '../images';
import { visible } from '../invisible';
import { useKimi } from './context';

export interface PictureProps {
  readonly url: string | null | undefined;
  /** What it shows, for those who can't see it. */
  readonly name: string;
}

export function Picture({ url, name }: PictureProps): JSX.Element | null {
  const { trans } = useKimi();
  const [isWhole, setWhole] = useState(false);
  const source = drawable(url);
  if (source === null) {
    return null;
  }
  return (
    <button
      type="button"
      className={`jp-Kimi-picture${isWhole ? ' jp-mod-whole' : ''}`}
      aria-expanded={isWhole}
      title={isWhole ? trans.__('Show it smaller') : trans.__('Show it larger')}
      onClick={() => setWhole(!isWhole)}
    >
      <img src={source} alt={visible(name)} data-testid="kimi-image" />
    </button>
  );
}
