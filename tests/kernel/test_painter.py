from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from kimi_jupyter.kernel import words
from kimi_jupyter.kernel.painter import ConsolePainter, NotebookPainter
from kimi_jupyter.kernel.words import Piece
from kimi_jupyter.safety import pictures
from tests.pictures import png


class Output:
    """The outputs of a cell as a front end keeps them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.shown: dict[str, Any] = {}
        self.messages = 0
        self.painter = NotebookPainter(self._display, clock=lambda: self.now)

    def _display(self, data: Mapping[str, Any], *, display_id: str, update: bool) -> None:
        assert update == (display_id in self.shown)
        self.shown[display_id] = dict(data)
        self.messages += 1

    @property
    def texts(self) -> list[str]:
        return [data.get("text/markdown", data["text/plain"]) for data in self.shown.values()]


def reply(n: int, text: str) -> Piece:
    return Piece(f"r{n}", text, text, kind="reply", is_open=True)


def test_only_what_changed_is_sent_again() -> None:
    output = Output()
    output.painter.paint([reply(0, "a"), reply(1, "b")])
    output.painter.paint([reply(0, "a"), reply(1, "bc"), reply(2, "d")])

    assert output.texts == ["a", "bc", "d"]
    assert output.messages == 4


def test_piece_that_is_gone_leaves_nothing_to_see() -> None:
    output = Output()
    output.painter.paint([reply(0, "a"), reply(1, "b")])
    output.painter.paint([reply(0, "a")])

    assert output.texts == ["a", ""]


def test_output_of_a_card_is_left_alone_until_it_is_free() -> None:
    output = Output()
    output.painter.paint([reply(0, "a")])
    output.painter.seat("ask", {"text/plain": "the card"})
    output.painter.paint([reply(0, "a"), Piece("ask", "waits", "waits")])
    assert output.texts == ["a", "the card"]

    output.painter.free("ask")
    output.painter.paint([reply(0, "a"), Piece("ask", "approved", "approved")])
    assert output.texts == ["a", "approved"]


def test_paints_are_apart_and_further_where_much_is_sent() -> None:
    output = Output()
    assert output.painter.is_due()
    output.painter.paint([reply(0, "a")])
    assert not output.painter.is_due()
    output.now = 0.11
    assert output.painter.is_due()

    output.painter.paint([reply(0, "a" * 60_000)])
    output.now += 0.39
    assert not output.painter.is_due()
    output.now += 0.02
    assert output.painter.is_due()


def test_terminal_prints_a_growing_reply_once_and_settled_lines_when_they_are_settled() -> None:
    written: list[str] = []
    painter = ConsolePainter(written.append)
    running = Piece("t", "…", "… Run", is_open=True)
    painter.paint([Piece("r", "Hel", "Hel", kind="reply", is_open=True)])
    painter.paint([Piece("r", "Hello", "Hello", kind="reply"), running])
    painter.paint([Piece("r", "Hello", "Hello", kind="reply"), Piece("t", "✓", "✓ Run")])
    painter.paint([Piece("r", "Hello", "Hello", kind="reply"), Piece("t", "✓", "✓ Run")])

    assert "".join(written) == "Hello\n✓ Run\n"


def test_an_image_is_displayed_as_one_and_a_terminal_is_told_of_it() -> None:
    output, printed = Output(), list[str]()
    (url, picture) = (pictures.data_url(png(30, 20)), pictures.measured(png(30, 20), "a.png"))
    piece = words.image("a", url, picture)
    output.painter.paint([piece])
    ConsolePainter(printed.append).paint([piece])

    (shown,) = output.shown.values()
    assert base64.b64decode(shown["image/png"]) == png(30, 20)
    assert shown["text/plain"] == "[PNG image, 30 × 20 pixels]"
    assert "".join(printed) == "[PNG image, 30 × 20 pixels]\n"
