from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ipywidgets
import pytest

from kimi_jupyter.kernel.asking import ConsoleAsker, Denier
from kimi_jupyter.kernel.question_card import QuestionCard
from kimi_jupyter.protocol.commands import AskAnswer
from kimi_jupyter.protocol.effects import Effect, Question
from kimi_jupyter.protocol.events import AskOpened
from tests.kernel.front_end import FrontEnd


def asked(*options: str, text: str = "Which <b>one</b>?") -> AskOpened:
    effect = Effect(kind="question", title="Ask", question=Question(text=text, options=options))
    return AskOpened(
        ask="x", kind="question", call="c", effect=effect, options=("approve", "reject")
    )


class Page:
    """What a page does with a question, at times that the test sets."""

    def __init__(self, ask: AskOpened) -> None:
        self.now = 100.0
        self.card = QuestionCard(ask, lambda: None, clock=lambda: self.now)

    def button(self, label: str) -> Any:
        return next(b for b in self.card._buttons if b.description == label)

    def open(self) -> None:
        self.card._shutter.beacon.value = 1
        self.now += 0.6
        assert self.card.tend() is None

    def press(self, label: str) -> AskAnswer | None:
        self.button(label).click()
        return self.card.tend()


@pytest.fixture(autouse=True)
def _no_widget_is_left() -> Iterator[None]:
    before = len(ipywidgets.widgets.widget._instances)
    yield
    assert len(ipywidgets.widgets.widget._instances) == before


def test_option_is_the_answer() -> None:
    page = Page(asked("red", "blue"))
    page.open()

    assert page.press("blue") == AskAnswer(ask="x", decision="approve", comment="blue")
    assert page.press("red") is None, "the first answer counts"
    page.card.close()


def test_click_before_half_a_second_does_not_count() -> None:
    page = Page(asked("red"))
    assert all(button.disabled for button in page.card._buttons)
    page.card._shutter.beacon.value = 1
    page.now += 0.4
    assert page.press("red") is None
    assert page.press("No answer") is None
    page.card.close()


def test_typed_text_counts_only_with_its_button() -> None:
    page = Page(asked("red"))
    page.open()
    page.card._field.value = "  green "
    assert page.card.tend() is None

    assert page.press("Answer") == AskAnswer(ask="x", decision="approve", comment="green")
    page.card.close()


def test_empty_field_is_no_answer_and_it_is_said() -> None:
    page = Page(asked())
    page.open()
    assert page.press("Answer") is None
    assert "Type an answer first" in page.card._hint.value

    page.card._field.value = "now"
    answer = page.press("Answer")
    assert answer is not None
    assert answer.comment == "now"
    page.card.close()


def test_no_answer_rejects() -> None:
    page = Page(asked("red"))
    page.open()

    assert page.press("No answer") == AskAnswer(ask="x", decision="reject")
    page.card.close()


def test_question_is_text_and_a_long_option_is_shown_in_full() -> None:
    long = "word " * 30 + "<end>"
    page = Page(asked(long))
    html = page.card._head.value

    assert "Which &lt;b&gt;one&lt;/b&gt;?" in html
    assert "&lt;end&gt;" in html
    assert max(len(button.description) for button in page.card._buttons) == 60
    page.card.close()


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("2", AskAnswer(ask="x", decision="approve", comment="blue")),
        ("3", AskAnswer(ask="x", decision="approve", comment="3")),
        ("green", AskAnswer(ask="x", decision="approve", comment="green")),
        (" ", AskAnswer(ask="x", decision="reject")),
    ],
)
def test_terminal_takes_a_number_a_text_or_nothing(typed: str, answer: AskAnswer) -> None:
    given: list[AskAnswer] = []
    written: list[str] = []
    asker = ConsoleAsker(given.append, write=written.append, read=lambda prompt: typed)
    asker.tend([asked("red", "blue", text="Which?")])

    assert given == [answer]
    assert "Which?\n  1. red\n  2. blue\n" in "".join(written)


def test_where_nobody_is_the_agent_is_told_to_decide() -> None:
    given: list[AskAnswer] = []
    Denier(given.append).tend([asked("red")])

    (answer,) = given
    assert answer.decision == "reject"
    assert "nobody can answer" in (answer.comment or "")


CELL = """
import asyncio
from kimi_jupyter.kernel.asking import CardAsker
from kimi_jupyter.kernel.cell import _display
from kimi_jupyter.kernel.lane import CommLane
from kimi_jupyter.kernel.painter import NotebookPainter
from kimi_jupyter.protocol.events import AskOpened
ask = AskOpened.model_validate_json({json!r})
given = []
with CommLane(get_ipython().kernel) as lane:
    asker = CardAsker(given.append, painter=NotebookPainter(_display(get_ipython())), wake=lambda: None,
                      lane=lane, why_no_clicks="", where=lambda: "kernel", tell=print)
    while not given:
        asker.tend([ask])
        await asyncio.sleep(0.02)
    asker.close()
print(given[0].decision, given[0].comment)
"""


@pytest.mark.kernel
@pytest.mark.parametrize("answer", ["option", "text", "none"])
def test_question_is_answered_in_the_card_while_the_cell_runs(front: FrontEnd, answer: str) -> None:
    cell = front.run(CELL.format(json=asked("red", "blue").model_dump_json()))
    front.shows(cell, "Kimi asks: Which <b>one</b>?")
    front.draw()
    if answer == "text":
        front.until(lambda: front.button("Answer") is not None)
        field = next(c for c, s in front.comms.items() if s.get("_model_name") == "TextModel")
        state = {"method": "update", "state": {"value": "green"}, "buffer_paths": []}
        front.send(field, state)
    front.press({"option": "blue", "text": "Answer", "none": "No answer"}[answer])
    front.finish(cell)

    said = {"option": "approve blue", "text": "approve green", "none": "reject None"}[answer]
    assert cell.streams == said + "\n"
    assert front.comms == {}
