"""The card of a question in a cell's output: a button for each answer to choose from, and a field for another one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

from kimi_jupyter.kernel.pages import asked_text
from kimi_jupyter.kernel.shutter import Shutter, close_all, framed, widgets
from kimi_jupyter.kernel.visible import as_html, visible
from kimi_jupyter.protocol.commands import AskAnswer
from kimi_jupyter.protocol.events import AskOpened

_LABEL_LENGTH = 60
_LONGEST_ANSWER = 10_000
_TEXT = "white-space: pre-wrap; overflow-wrap: anywhere; max-height: 30em; overflow: auto; margin: 4px 0"
_NOTHING_TYPED = "Type an answer first, or choose one."


@dataclass(frozen=True, slots=True)
class _Press:
    answer: str | None
    """`None` for no answer."""
    at: float


class QuestionCard:
    """One question, drawn until it is closed. Presses may come on another thread; `tend` is called on the cell's.

    An answer is what a button's click brings. The field's text alone decides nothing: it is read when its own button
    is clicked, and the page sends the text before the click.
    """

    def __init__(
        self, ask: AskOpened, wake: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.ask = ask
        self._shutter = Shutter(wake, clock)
        self._presses: SimpleQueue[_Press] = SimpleQueue()
        self._decided = False
        self._build()

    def _build(self) -> None:
        question = self.ask.effect.question
        options = question.options if question is not None else ()
        self._head = widgets.HTML(_head(self.ask, options))
        self._buttons: list[Any] = []
        chosen = [
            self._button(_label(option), partial(self._pressed, option)) for option in options
        ]
        # Sent when the field is left, thus always before the click on the button beside it.
        self._field = widgets.Text(
            placeholder="Another answer", continuous_update=False, layout={"width": "60%"}
        )
        answer = self._button("Answer", self._typed, "primary")
        none = self._button("No answer", partial(self._pressed, None))
        self._hint = widgets.HTML()
        wrap = {"flex_flow": "row wrap"}
        bars = [widgets.HBox(row, layout=wrap) for row in (chosen, [self._field, answer, none])]
        shutter = self._shutter
        parts = (self._head, *bars, self._hint, shutter.help, shutter.beacon)
        self._box = framed(*parts)
        self._all = (*self._buttons, self._field, *parts, self._box)

    def _button(self, label: str, press: Callable[[object], None], style: str = "") -> Any:
        layout = {"width": "auto"}
        button: Any = widgets.Button(
            description=label, button_style=style, disabled=True, layout=layout
        )
        button.on_click(press)
        self._buttons.append(button)
        return button

    def comm_ids(self) -> set[str]:
        """The comms on which presses, the typed text and the first beat come."""
        parts = (*self._buttons, self._field, self._shutter.beacon)
        return {part.comm.comm_id for part in parts}

    def bundle(self) -> Mapping[str, Any]:
        """The output that draws it; the text is what remains where nothing can."""
        data = dict(self._box._repr_mimebundle_() or {})
        data["text/plain"] = f"Kimi asks: {visible(asked_text(self.ask))}"
        return data

    def tend(self) -> AskAnswer | None:
        """Take in what was pressed; returns the answer once."""
        if self._shutter.tend():
            self._set_disabled(False)
        while True:
            try:
                press = self._presses.get_nowait()
            except Empty:
                return None
            answer = self._answered(press)
            if answer is not None:
                return answer

    def close(self) -> None:
        """Take all of it out of the kernel."""
        close_all(self._all)

    def _answered(self, press: _Press) -> AskAnswer | None:
        if self._decided or self._shutter.is_early(press.at):
            return None
        if press.answer is None:
            self._decide()
            return AskAnswer(ask=self.ask.ask, decision="reject")
        answer = press.answer.strip()[:_LONGEST_ANSWER]
        if not answer:
            self._hint.value = f"<i>{_NOTHING_TYPED}</i>"
            return None
        self._decide()
        return AskAnswer(ask=self.ask.ask, decision="approve", comment=answer)

    def _decide(self) -> None:
        self._decided = True
        self._set_disabled(True)
        self._field.disabled = True

    def _set_disabled(self, is_disabled: bool) -> None:
        for button in self._buttons:
            button.disabled = is_disabled

    def _typed(self, button: object) -> None:
        self._pressed(str(self._field.value), button)

    def _pressed(self, answer: str | None, button: object) -> None:
        self._presses.put(_Press(answer, self._shutter.clock()))
        self._shutter.wake()


def _label(option: str) -> str:
    line = visible(" ".join(option.split()))
    return line if len(line) <= _LABEL_LENGTH else f"{line[: _LABEL_LENGTH - 1]}…"


def _head(ask: AskOpened, options: tuple[str, ...]) -> str:
    """The question, and in full the options that are too long for a button."""
    long = [option for option in options if _label(option) != visible(option)]
    rows = "".join(f'<li style="{_TEXT}">{as_html(option)}</li>' for option in long)
    listed = f"<ul>{rows}</ul>" if rows else ""
    title = ask.effect.title if ask.effect.title != asked_text(ask) else "Kimi asks"
    why = f"<small>{as_html(ask.why)}</small>" if ask.why else ""
    text = f'<div style="{_TEXT}">{as_html(asked_text(ask))}</div>'
    return f"<b>{as_html(title)}</b>{text}{why}{listed}"
