/** Reads a unified diff into rows with their line numbers. */

export interface DiffRow {
  readonly kind: 'same' | 'added' | 'removed' | 'gap' | 'remark';
  /** Line number before, or `null` where the line is not there. */
  readonly before: number | null;
  readonly after: number | null;
  readonly text: string;
}

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)$/;

export function readDiff(unified: string): DiffRow[] {
  const rows: DiffRow[] = [];
  let before = 0;
  let after = 0;
  let isInHunk = false;
  for (const line of unified.replace(/\n$/, '').split('\n')) {
    const hunk = HUNK.exec(line);
    if (hunk !== null) {
      before = Number(hunk[1]);
      after = Number(hunk[2]);
      isInHunk = true;
      rows.push({
        kind: 'gap',
        before: null,
        after: null,
        text: hunk[3]?.trim() ?? ''
      });
    } else if (isInHunk) {
      const text = line.slice(1);
      switch (line.charAt(0)) {
        case '+':
          rows.push({ kind: 'added', before: null, after: after++, text });
          break;
        case '-':
          rows.push({ kind: 'removed', before: before++, after: null, text });
          break;
        case '\\':
          rows.push({
            kind: 'remark',
            before: null,
            after: null,
            text: text.trim()
          });
          break;
        default:
          rows.push({ kind: 'same', before: before++, after: after++, text });
      }
    }
  }
  return rows;
}
