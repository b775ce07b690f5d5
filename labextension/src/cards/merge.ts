/** CodeMirror's merge view, loaded when a diff is first shown side by side. */
import { MergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import {
  EditorView,
  highlightSpecialChars,
  lineNumbers
} from '@codemirror/view';
import { jupyterTheme } from '@jupyterlab/codemirror';

/** Show both texts in `host`; gives back what removes them. */
export function mountMerge(
  host: HTMLElement,
  before: string,
  after: string
): () => void {
  const extensions = [
    EditorState.readOnly.of(true),
    EditorView.editable.of(false),
    EditorView.lineWrapping,
    lineNumbers(),
    highlightSpecialChars(),
    jupyterTheme
  ];
  const view = new MergeView({
    a: { doc: before, extensions },
    b: { doc: after, extensions },
    parent: host,
    collapseUnchanged: { margin: 3, minSize: 6 },
    gutter: true
  });
  return () => view.destroy();
}
