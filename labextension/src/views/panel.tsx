/** The whole panel: which page is shown, and what stands above the input. */
import { closeIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { Composer } from './composer';
import { KimiContext, useKimi } from './context';
import type { Kimi } from './context';
import { Footer } from './footer';
import { Header, IconButton } from './header';
import { History } from './history';
import { useSession } from './hooks';
import { BypassBanner, ModeBar } from './modebar';
import { Pending } from './pending';
import { TranscriptView } from './transcript';
import { KeyPage, Welcome } from './welcome';
import { UploadChips } from './uploads';

export function Panel({ kimi }: { readonly kimi: Kimi }): JSX.Element {
  return (
    <KimiContext.Provider value={kimi}>
      <Pages />
    </KimiContext.Provider>
  );
}

function Pages(): JSX.Element {
  const kimi = useKimi();
  const session = useSession(kimi.session);
  return (
    <div className="jp-Kimi">
      <Header />
      {session.mode === 'bypass' && <BypassBanner />}
      <Page />
    </div>
  );
}

function Page(): JSX.Element {
  const { session } = useKimi();
  if (session.page === 'history') {
    return (
      <div className="jp-Kimi-page">
        <History />
        <RemarkBar />
      </div>
    );
  }
  if (session.page === 'key') {
    return (
      <div className="jp-Kimi-page">
        <KeyPage />
      </div>
    );
  }
  if (session.needsWelcome) {
    return (
      <div className="jp-Kimi-page">
        <Welcome />
        <RemarkBar />
      </div>
    );
  }
  return (
    <>
      <TranscriptView />
      <div className="jp-Kimi-bottom">
        <LinkBar />
        <RemarkBar />
        <Pending />
        <UploadChips />
        <Composer />
        <ModeBar />
        <Footer />
      </div>
    </>
  );
}

function RemarkBar(): JSX.Element | null {
  const { session, trans } = useKimi();
  const { remark } = session;
  const { problem, warnings } = session.status ?? {};
  const text = remark?.text || problem || warnings?.join(' ') || '';
  if (text === '') {
    return null;
  }
  return (
    <div
      className={`jp-Kimi-remark jp-mod-${remark?.level ?? 'warning'}`}
      role="alert"
    >
      <span>{text}</span>
      {remark !== null && (
        <IconButton
          icon={closeIcon}
          label={trans.__('Dismiss')}
          onClick={() => session.dismiss()}
        />
      )}
    </div>
  );
}

function LinkBar(): JSX.Element | null {
  const { session, trans } = useKimi();
  if (session.linkState !== 'waiting') {
    return null;
  }
  return (
    <div className="jp-Kimi-remark jp-mod-warning" role="status">
      <span>
        {trans.__('No connection to the server; a running turn goes on there.')}
      </span>
      <button
        type="button"
        className="jp-Kimi-link"
        onClick={() => session.retryLink()}
      >
        {trans.__('Try now')}
      </button>
    </div>
  );
}
