/** The first page: key and name, the offline demo, and the steps of the set-up. */
import React, { useId, useState } from 'react';
import type { FormEvent } from 'react';

import { kimiIcon } from '../icons';
import { wordsOf } from '../api';
import { useKimi } from './context';

const PLATFORM = 'https://platform.moonshot.ai/console/api-keys';

export function Welcome(): JSX.Element {
  const { session, trans } = useKimi();
  return (
    <section className="jp-Kimi-welcome" aria-labelledby="jp-Kimi-welcomeTitle">
      <kimiIcon.react
        tag="div"
        className="jp-Kimi-welcomeLogo"
        width="44px"
        aria-hidden="true"
      />
      <h1 id="jp-Kimi-welcomeTitle">{trans.__('Welcome to Kimi Jupyter')}</h1>
      <p className="jp-Kimi-lead">
        {trans.__(
          'A coding assistant that works in your notebooks and files, on your own Moonshot API key: you pay per use, without a subscription or another login.'
        )}
      </p>
      <KeyForm title={trans.__('Configure your key + name')} />
      <div className="jp-Kimi-or">{trans.__('or')}</div>
      <button
        type="button"
        className="jp-Kimi-demo"
        onClick={() => session.tryOffline()}
        data-testid="kimi-offline"
      >
        <strong>{trans.__('Try the offline demo')}</strong>
        <span>
          {trans.__(
            'A scripted model plays a short demo: no key, no cost, nothing leaves this machine.'
          )}
        </span>
      </button>
      <Steps />
      <Disclaimer />
    </section>
  );
}

/** The page for another key, once the chat is in use. */
export function KeyPage(): JSX.Element {
  const { session, trans } = useKimi();
  return (
    <section className="jp-Kimi-welcome">
      <KeyForm
        title={trans.__('Change your key')}
        onCancel={() => session.show('chat')}
      />
    </section>
  );
}

interface KeyFormProps {
  readonly title: string;
  readonly onCancel?: () => void;
}

function KeyForm({ title, onCancel }: KeyFormProps): JSX.Element {
  const { session, trans, outside } = useKimi();
  const { status } = session;
  const [key, setKey] = useState('');
  const [name, setName] = useState(status?.display_name ?? '');
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const id = useId();
  const save = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem('');
    try {
      await outside.saveName(name.trim());
      await session.setKey(key.trim());
      setKey('');
      sayWhereKept();
    } catch (error) {
      setProblem(wordsOf(error));
    } finally {
      setBusy(false);
    }
  };
  const sayWhereKept = () => {
    const kept = session.status?.key;
    if (kept?.warning) {
      session.say('warning', kept.warning);
    } else if (kept?.source === 'keyring') {
      session.say(
        'info',
        trans.__('Your key is now in the credential store of your system.')
      );
    } else if (kept?.source === 'environment') {
      const text = trans.__(
        '`MOONSHOT_API_KEY` is set in the environment, and that key is used.'
      );
      session.say('info', text);
    }
  };
  return (
    <form
      className="jp-Kimi-form"
      onSubmit={event => void save(event)}
      autoComplete="off"
    >
      <h2>{title}</h2>
      <label htmlFor={`${id}-key`}>{trans.__('Moonshot API key')}</label>
      <input
        id={`${id}-key`}
        type="password"
        autoComplete="off"
        spellCheck={false}
        placeholder="sk-…"
        value={key}
        aria-describedby={`${id}-hint`}
        onChange={event => setKey(event.target.value)}
        data-testid="kimi-key"
      />
      <p id={`${id}-hint`} className="jp-Kimi-hint">
        {trans.__('Get one at')}{' '}
        <a href={PLATFORM} target="_blank" rel="noopener noreferrer">
          platform.moonshot.ai
        </a>
        {'. '}
        {trans.__(
          'It is kept in the credential store of your system and never shown again.'
        )}
      </p>
      <label htmlFor={`${id}-name`}>{trans.__('Your name (optional)')}</label>
      <input
        id={`${id}-name`}
        type="text"
        autoComplete="off"
        maxLength={60}
        value={name}
        onChange={event => setName(event.target.value)}
        data-testid="kimi-name"
      />
      {problem !== '' && (
        <p className="jp-Kimi-problem" role="alert">
          {problem}
        </p>
      )}
      <div className="jp-Kimi-actions">
        <button
          type="submit"
          className="jp-Kimi-button jp-mod-primary"
          disabled={isBusy || key.trim() === ''}
        >
          {trans.__('Save')}
        </button>
        {onCancel && (
          <button type="button" className="jp-Kimi-button" onClick={onCancel}>
            {trans.__('Cancel')}
          </button>
        )}
      </div>
    </form>
  );
}

function Steps(): JSX.Element {
  const { session, trans } = useKimi();
  const workspace = session.status?.workspace;
  const steps: readonly (readonly [string, string, boolean])[] = [
    [trans.__('Get a Moonshot API key'), 'platform.moonshot.ai', false],
    [trans.__('Install the extension'), '', true],
    [trans.__('Open the Kimi sidebar'), '', true],
    [
      trans.__('Configure your key + name'),
      '',
      session.status?.key.set === true
    ],
    [
      trans.__('(Recommended) Open a workspace folder'),
      workspace ?? '',
      Boolean(workspace)
    ],
    [trans.__('Send your first message'), '', false]
  ];
  return (
    <div className="jp-Kimi-steps">
      <h2>{trans.__('Set-up in six steps')}</h2>
      <ol>
        {steps.map(([step, detail, isDone]) => (
          <li key={step} className={isDone ? 'jp-mod-done' : ''}>
            <span>
              {step}
              {isDone && (
                <span className="jp-Kimi-hidden">{trans.__(' (done)')}</span>
              )}
              {detail !== '' && <small>{detail}</small>}
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}

function Disclaimer(): JSX.Element {
  const { trans } = useKimi();
  return (
    <p className="jp-Kimi-disclaimer">
      {trans.__(
        'Unofficial: not affiliated with or endorsed by Moonshot AI. “Kimi” and “Moonshot” are trademarks of their respective owners.'
      )}
    </p>
  );
}
