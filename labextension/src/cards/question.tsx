/** The body of a question's card: the answers to choose from, and room for another. */
import React, { useState } from 'react';
import type { MouseEvent } from 'react';

import { useKimi } from '../views/context';
import { Visible } from '../views/visible';
import type { Question } from '../wire';

export interface QuestionBodyProps {
  readonly question: Question;
  readonly isBlocked: boolean;
  /** The answer, or `null` where the user gives none. */
  readonly onAnswer: (event: MouseEvent, answer: string | null) => void;
}

export function QuestionBody({
  question,
  isBlocked,
  onAnswer
}: QuestionBodyProps): JSX.Element {
  const { trans } = useKimi();
  const [text, setText] = useState('');
  const said = text.trim();
  return (
    <>
      <p className="jp-Kimi-question">
        <Visible text={question.text} />
      </p>
      <div className="jp-Kimi-actions">
        {question.options.map(option => (
          <button
            key={option}
            type="button"
            className="jp-Kimi-button"
            disabled={isBlocked}
            onClick={event => onAnswer(event, option)}
          >
            <Visible text={option} />
          </button>
        ))}
      </div>
      <textarea
        className="jp-Kimi-comment"
        rows={2}
        aria-label={trans.__('Your answer')}
        placeholder={trans.__('Your answer')}
        value={text}
        onChange={event => setText(event.target.value)}
      />
      <div className="jp-Kimi-actions">
        <button
          type="button"
          className="jp-Kimi-button jp-mod-primary"
          disabled={isBlocked || said === ''}
          onClick={event => onAnswer(event, said)}
        >
          {trans.__('Answer')}
        </button>
        <button
          type="button"
          className="jp-Kimi-button"
          disabled={isBlocked}
          onClick={event => onAnswer(event, null)}
        >
          {trans.__('No answer')}
        </button>
      </div>
    </>
  );
}
