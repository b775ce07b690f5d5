/** The chat as a widget: in the sidebar, or in a tab of the main area. */
import { ReactWidget } from '@jupyterlab/apputils';
import React from 'react';

import { kimiIcon } from './icons';
import type { Kimi } from './views/context';
import { Panel } from './views/panel';

export class KimiPanel extends ReactWidget {
  constructor(
    private readonly _kimi: Kimi,
    id: string
  ) {
    super();
    this.id = id;
    this.addClass('jp-Kimi-panel');
    this.title.icon = kimiIcon;
    this.title.caption = _kimi.trans.__('Kimi');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _kimi.trans.__('Kimi'));
  }

  protected override render(): JSX.Element {
    return <Panel kimi={this._kimi} />;
  }

  protected override onActivateRequest(): void {
    this.node.querySelector<HTMLElement>('textarea, input')?.focus();
  }
}
