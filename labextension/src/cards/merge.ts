/** CodeMirror's merge view, loaded when a diff is first shown side by side. */
import { MergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import type { EditorStateConfig, Extension } from '@codemirror/state';
import {
  EditorView,
  highlightSpecialChars,
  lineNumbers
} from '@codemirror/view';
import { jupyterTheme } from '@jupyterlab/codemirror';

import { visible } from '../invisible';

/** A side's text, and what a screen reader calls it. */
export interface Side {
  readonly text: string;
  readonly label: string;
}

/** Show both texts in `host`; gives back what removes them. */
export function mountMerge(
  host: HTMLElement,
  before: Side,
  after: Side
): () => void {
  const extensions = [
    EditorState.readOnly.of(true),
    EditorView.editable.of(false),
    EditorView.lineWrapping,
    lineNumbers(),
    highlightSpecialChars(),
    jupyterTheme
  ];
  const isCrLf = [before, after].every(({ text }) => !/(?<!\r)\n/.test(text));
  const view = new MergeView({
    a: sideOf(before, extensions, isCrLf),
    b: sideOf(after, extensions, isCrLf),
    parent: host,
    collapseUnchanged: { margin: 3, minSize: 6 },
    gutter: true
  });
  return () => view.destroy();
}

function sideOf(
  { text, label }: Side,
  shared: Extension,
  isCrLf: boolean
): EditorStateConfig {
  const named = EditorView.contentAttributes.of({ 'aria-label': label });
  // Where all lines end alike their ends are no trick; all else that can't be seen is written out.
  const shown = visible(isCrLf ? text.replace(/\r\n/g, '\n') : text);
  return { doc: shown, extensions: [shared, named] };
}
