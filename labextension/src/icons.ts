/** Our own drawings: a moon in a speech bubble, and the few signs that JupyterLab lacks. */
import { LabIcon } from '@jupyterlab/ui-components';

const svg = (body: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">${body}</svg>`;

export const kimiIcon = new LabIcon({
  name: 'kimi-jupyter:kimi',
  svgstr: svg(
    '<g class="jp-icon3 jp-icon-selectable" fill="#616161">' +
      '<path d="M4 3h16a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2h-7.2L8 22v-4H4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z' +
      'm9.6 2.6a5.1 5.1 0 1 0 3.9 7.4 4.3 4.3 0 0 1-3.9-7.4z" fill-rule="evenodd"/></g>'
  )
});

export const sendIcon = new LabIcon({
  name: 'kimi-jupyter:send',
  svgstr: svg(
    '<path fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" ' +
      'stroke-linejoin="round" d="M12 19V5M5.5 11.5 12 5l6.5 6.5"/>'
  )
});

export const attachIcon = new LabIcon({
  name: 'kimi-jupyter:attach',
  svgstr: svg(
    '<path fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" d="M12 5v14M5 12h14"/>'
  )
});

export const stopIcon = new LabIcon({
  name: 'kimi-jupyter:stop',
  svgstr: svg(
    '<rect x="6" y="6" width="12" height="12" rx="2" fill="currentColor"/>'
  )
});

export const rewindIcon = new LabIcon({
  name: 'kimi-jupyter:rewind',
  svgstr: svg(
    '<path fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" ' +
      'stroke-linejoin="round" d="M9 14 4 9l5-5M4 9h10.5a5.5 5.5 0 0 1 0 11H11"/>'
  )
});

export const historyClockIcon = new LabIcon({
  name: 'kimi-jupyter:history',
  svgstr: svg(
    '<path class="jp-icon3" fill="#616161" d="M13 3a9 9 0 0 0-8.9 7.6L2.7 9.2 1.3 10.6l3.9 3.9 3.9-3.9-1.4-1.4' +
      '-1.6 1.6A7 7 0 1 1 13 19a7 7 0 0 1-5-2.1l-1.4 1.4A9 9 0 1 0 13 3zm-1 4v6l5 3 1-1.6-4.2-2.5V7z"/>'
  )
});
