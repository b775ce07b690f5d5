/** Saving a task as a file. */

export type ExportFormat = 'md' | 'json' | 'ipynb';

/** The format that `/export` names, `md` without one; null for a word that is none. */
export function exportFormat(word: string | undefined): ExportFormat | null {
  switch (word) {
    case undefined:
    case 'md':
      return 'md';
    case 'json':
    case 'ipynb':
      return word;
    default:
      return null;
  }
}

/** Have the browser save what the server sends. */
export function download(url: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = '';
  document.body.append(link);
  link.click();
  link.remove();
}
