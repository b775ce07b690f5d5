/** Numbers as people read them. */

/** `0.4 s`, `12 s`, `3 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 10_000) {
    return `${(Math.max(ms, 0) / 1000).toFixed(ms < 950 ? 1 : 0)} s`;
  }
  const seconds = Math.round(ms / 1000);
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  if (minutes === 0) {
    return `${rest} s`;
  }
  return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
}

/** `950`, `12.3k`, `1.25M`. */
export function count(value: number): string {
  if (value < 1000) {
    return `${value}`;
  }
  return value < 999_500
    ? `${(value / 1000).toFixed(value < 99_950 ? 1 : 0)}k`
    : `${(value / 1_000_000).toFixed(2)}M`;
}

/** An amount with two digits, or as many as a small one needs. */
export function money(value: number, currency: string): string {
  const digits = value !== 0 && Math.abs(value) < 0.095 ? 4 : 2;
  const sign = { USD: '$', CNY: '¥' }[currency];
  return sign === undefined
    ? `${value.toFixed(digits)} ${currency}`
    : `${sign}${value.toFixed(digits)}`;
}

/** `120 B`, `1.4 kB`, `2.0 MB`. */
export function size(bytes: number): string {
  if (bytes < 1000) {
    return `${bytes} B`;
  }
  return bytes < 1_000_000
    ? `${(bytes / 1000).toFixed(1)} kB`
    : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/* eslint-disable no-control-regex */
const ESCAPE =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\u0007\u001b\n]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])/g;
const CONTROL = /[\u0000-\u0007\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;
/* eslint-enable no-control-regex */

/** Terminal output as lines to read: escapes gone, a progress bar as its last state, backspaces applied. */
export function terminal(text: string): string {
  const plain = text
    .replace(ESCAPE, '')
    .replace(/\r+\n/g, '\n')
    .replace(CONTROL, '');
  return plain.includes('\r') || plain.includes('\u0008')
    ? plain.split('\n').map(settle).join('\n')
    : plain;
}

function settle(line: string): string {
  const last = line.replace(/\r+$/, '').split('\r').pop() ?? '';
  const shown: string[] = [];
  for (const character of last) {
    if (character === '\u0008') {
      shown.pop();
    } else {
      shown.push(character);
    }
  }
  return shown.join('');
}
