from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ipywidgets
import pytest

from kimi_jupyter.kernel.card import Card
from kimi_jupyter.kernel.pages import PAGE_LINES, WIDTH, pages_of
from kimi_jupyter.protocol.commands import Decision
from kimi_jupyter.protocol.effects import CommandLine, Effect, FileDiff
from kimi_jupyter.protocol.events import AskOpened

BOTH: tuple[Decision, ...] = ("approve", "reject")


class Page:
    """What a page does with a card, at times that the test sets."""

    def __init__(self, ask: AskOpened) -> None:
        self.now = 100.0
        self.wakes = 0
        self.card = Card(ask, self._wake, clock=lambda: self.now)

    def _wake(self) -> None:
        self.wakes += 1

    def widgets(self, kind: type[Any]) -> list[Any]:
        return [part for part in self.card._all if isinstance(part, kind)]

    def button(self, label: str) -> Any:
        return next(b for b in self.widgets(ipywidgets.Button) if b.description == label)

    def draw(self) -> None:
        self.widgets(ipywidgets.Play)[0].value = 1

    def press(self, label: str) -> Decision | None:
        self.button(label).click()
        answer = self.card.tend()
        return None if answer is None else answer.decision

    @property
    def html(self) -> str:
        return "\n".join(part.value for part in self.widgets(ipywidgets.HTML))


@pytest.fixture(autouse=True)
def _no_widget_is_left() -> Iterator[None]:
    before = len(ipywidgets.widgets.widget._instances)
    yield
    assert len(ipywidgets.widgets.widget._instances) == before


def write(lines: int = 3, path: str = "a.py") -> AskOpened:
    unified = "".join(f"+line {n}\n" for n in range(lines)).rstrip("\n")
    diff = FileDiff(path=path, is_new=True, added=lines, removed=0, unified=unified)
    effect = Effect(kind="write", title=f"Write file {path} (+{lines} −0)", diff=diff)
    return AskOpened(ask="x", kind="write", call="c", effect=effect, options=BOTH)


def command(text: str, cwd: str = ".") -> AskOpened:
    line = CommandLine(command=text, cwd=cwd, timeout_seconds=300)
    effect = Effect(kind="command", title="Run a command", command=line, protected="it is odd")
    options: tuple[Decision, ...] = ("approve", "approve_remember", "reject")
    return AskOpened(ask="x", kind="command", call="c", effect=effect, options=options)


def test_click_counts_half_a_second_after_the_first_sign_of_a_page() -> None:
    page = Page(write())
    page.now += 1.7
    page.draw()
    page.card.tend()
    assert page.button("Approve").disabled

    page.now += 0.49
    assert page.press("Approve") is None
    page.now += 0.02
    page.card.tend()
    assert not page.button("Approve").disabled
    assert page.press("Approve") == "approve"
    page.card.close()


def test_without_a_sign_the_time_runs_from_the_display() -> None:
    page = Page(write())
    page.now += 0.4
    assert page.press("Reject") is None
    page.now += 0.2
    assert page.press("Reject") == "reject"
    page.card.close()


def test_second_click_is_ignored() -> None:
    page = Page(write())
    page.now += 3
    assert page.press("Approve") == "approve"
    assert page.press("Reject") is None
    page.card.close()


def test_diff_is_shown_on_demand_and_hidden_again() -> None:
    page = Page(write())
    assert "+line 1" not in page.html

    page.press("View diff")
    assert "+line 1" in page.html
    page.press("Hide diff")
    assert "+line 1" not in page.html
    page.card.close()


def test_long_diff_can_be_approved_only_after_its_last_page() -> None:
    page = Page(write(lines=2 * PAGE_LINES + 1))
    page.now += 5
    page.card.tend()
    assert page.button("Approve").disabled
    assert page.press("Approve") is None

    page.press("View diff")
    assert "page 1 of 3; it can be approved when you have seen the last one" in page.html
    page.press("Next")
    assert "page 2 of 3" in page.html
    assert page.press("Approve") is None
    page.press("Next")
    assert "page 3 of 3" in page.html
    assert not page.button("Approve").disabled
    assert page.press("Approve") == "approve"
    page.card.close()


def test_long_diff_can_be_rejected_at_once() -> None:
    page = Page(write(lines=1_000))
    page.now += 5

    assert page.press("Reject") == "reject"
    page.card.close()


def test_command_is_shown_whole_with_its_folder_and_as_text_only() -> None:
    text = "echo '<img src=x onerror=alert(1)>'\u202e\n" + "x" * 500 + " ; rm -rf /"
    page = Page(command(text, cwd="<b>src</b>"))

    assert "&lt;img src=x" in page.html
    assert "<img" not in page.html
    assert "⟨U+202E⟩" in page.html
    assert "rm -rf /" in page.html
    assert "&lt;b&gt;src&lt;/b&gt;" in page.html
    assert "it is odd" in page.html
    assert max(len(line) for line in page.html.split("\n")) < 400
    page.card.close()


def test_command_offers_to_be_remembered() -> None:
    page = Page(command("git status"))
    page.now += 5

    assert page.press("Approve & remember") == "approve_remember"
    page.card.close()


def test_beacon_is_poked_until_a_page_draws() -> None:
    page = Page(write())
    play = page.widgets(ipywidgets.Play)[0]
    seen: list[bool] = []
    for _ in range(6):
        page.now += 0.25
        page.card.tend()
        seen.append(play.playing)
    assert True in seen
    assert False in seen

    page.draw()
    assert page.wakes == 1
    before = play.playing
    page.now += 1
    page.card.tend()
    assert play.playing == before
    page.card.close()


def test_silence_adds_a_line_of_help() -> None:
    page = Page(write())
    page.now += 9
    page.card.tend()

    assert "This front end does not draw widgets" in page.html
    page.card.close()


def test_bundle_says_in_text_what_it_waits_for() -> None:
    page = Page(write())

    assert page.card.bundle()["text/plain"] == "Kimi waits for an answer: Write file a.py (+3 −0)"
    assert "application/vnd.jupyter.widget-view+json" in page.card.bundle()
    page.card.close()


def test_card_has_a_frame_of_its_own() -> None:
    page = Page(write())

    assert page.card._box.layout.border_left == "3px solid var(--jp-warn-color1, #d99a2b)"
    page.card.close()


def test_pages_hide_nothing() -> None:
    text = "\n".join(["short", " " * 10_000 + "payload", "a\tb\rc", *["line"] * 300])
    pages = pages_of(text)
    lines = [line for page in pages for line in page]

    assert all(len(line) <= WIDTH for line in lines)
    assert any(line.endswith("payload") for line in lines)
    assert "a\tb⟨U+000D⟩c" in lines
    assert [len(page) for page in pages[:-1]] == [PAGE_LINES] * (len(pages) - 1)
    assert pages_of("") == (("",),)
