/** Text from outside, with what can't be seen made visible. */
import React from 'react';

import { pieces } from '../invisible';

export function Visible({ text }: { readonly text: string }): JSX.Element {
  return (
    <>
      {pieces(text).map((piece, i) =>
        piece.isMark ? (
          <mark key={i} className="jp-Kimi-invisible">
            {piece.text}
          </mark>
        ) : (
          piece.text
        )
      )}
    </>
  );
}
