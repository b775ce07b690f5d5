/** The cells of the notebook in front: code is put there in one step that Ctrl+Z takes back, and a cell goes with a message. */
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { IOutput } from '@jupyterlab/nbformat';

/** A cell as a message takes it along. */
export interface CellText {
  /** Name on the chip. */
  readonly name: string;
  readonly text: string;
  readonly hasError: boolean;
}

/** Characters of one output that go with a cell. */
const OUTPUT_CAP = 4000;

export class Cells {
  constructor(private readonly _notebooks: INotebookTracker | null) {}

  /** Whether there is a notebook to put code into. */
  get isThere(): boolean {
    return this._panel !== null;
  }

  /** A new code cell below the active one; whether there was a notebook. */
  insert(code: string): boolean {
    const notebook = this._panel?.content;
    const model = notebook?.model?.sharedModel;
    if (notebook === undefined || model === undefined) {
      return false;
    }
    const place = notebook.activeCellIndex + 1;
    model.transact(() =>
      model.insertCell(place, { cell_type: 'code', source: code })
    );
    notebook.activeCellIndex = place;
    void notebook.scrollToItem(place);
    return true;
  }

  /** The code in the place of the active cell's source; its outputs stay. */
  replace(code: string): boolean {
    const cell = this._panel?.content.activeCell?.model.sharedModel;
    if (cell === undefined) {
      return false;
    }
    cell.transact(() => cell.setSource(code));
    return true;
  }

  /** The active cell with its outputs. */
  active(): CellText | null {
    const panel = this._panel;
    const model = panel?.content.activeCell?.model.sharedModel;
    if (panel === null || model === undefined) {
      return null;
    }
    const cell = model.toJSON();
    const outputs = (cell['outputs'] ?? []) as IOutput[];
    const number = panel.content.activeCellIndex + 1;
    const path = panel.context.localPath;
    const parts = [
      `${path}, cell ${number} (${model.cell_type}, id ${model.id})`,
      model.getSource(),
      ...outputs.map(output => `Output:\n${textOf(output)}`)
    ];
    return {
      name: `${path.split('/').pop() ?? path} cell ${number}`,
      text: parts.join('\n\n'),
      hasError: outputs.some(({ output_type }) => output_type === 'error')
    };
  }

  private get _panel(): NotebookPanel | null {
    return this._notebooks?.currentWidget ?? null;
  }
}

/* eslint-disable no-control-regex */
const ANSI = /\u001b\[[0-9;]*m/g;
/* eslint-enable no-control-regex */

function textOf(output: IOutput): string {
  const { output_type: kind } = output;
  let text = `(${kind})`;
  if (kind === 'stream') {
    text = joined(output['text']);
  } else if (kind === 'error') {
    text = joined(output['traceback'], '\n');
  } else {
    const data = (output['data'] ?? {}) as Record<string, unknown>;
    text =
      'text/plain' in data
        ? joined(data['text/plain'])
        : `[${Object.keys(data).join(', ')}]`;
  }
  const plain = text.replace(ANSI, '');
  return plain.length <= OUTPUT_CAP
    ? plain
    : `${plain.slice(0, OUTPUT_CAP / 4)}\n[…]\n${plain.slice(-OUTPUT_CAP * 0.75)}`;
}

function joined(text: unknown, between = ''): string {
  return Array.isArray(text) ? text.join(between) : String(text ?? '');
}
