"""Output as a terminal shows it."""

from __future__ import annotations

import pytest

from kimi_jupyter.tools.terminal import Screen, shown


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("plain\ttext é 😀\n", "plain\ttext é 😀\n"),
        ("\x1b[31mred\x1b[0m \x1b[1;32mgreen\x1b[m", "red green"),
        ("\x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "alink"),
        ("\x1b]52;c;ZXZpbA==\x07clip", "clip"),
        ("\x1bPdcs\x1b\\\x1b_apc\x1b\\\x1b^pm\x1b\\x", "x"),
        ("\x9b31mred\x9b0m", "red"),
        ("\x1b]0;never ended\nnext", "\nnext"),
        ("a\x1b[2Jb\x1b[10;10Hc\x1b(Bd\x1b=e\x1b", "abcde"),
        ("\x07\x07bell\x00\x7f", "bell"),
        ("10%\r50%\r100%\n", "100%\n"),
        ("long text\rshort\n", "shorttext\n"),
        ("long text\r\x1b[Kshort\n", "short\n"),
        ("long text\x1b[2K\rshort\n", "short\n"),
        ("dos\r\nlines\r\n", "dos\nlines\n"),
        ("abc\b\bX\n", "aXc\n"),
        ("pa\x1b[1mss\rPA", "PAss"),
    ],
)
def test_escapes_go_and_overwriting_overwrites(raw: str, text: str) -> None:
    assert shown(raw) == text


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_the_size_of_the_pieces_makes_no_difference(size: int) -> None:
    raw = "a\x1b[31mred\x1b[0m\r\nb 10%\rb 20%\x1b[K\r\nc\x1b]0;t\x07\nlast \x1b[1mline"
    screen = Screen()
    parts = [screen.feed(raw[at : at + size]) for at in range(0, len(raw), size)]
    assert "".join(parts) + screen.finish() == shown(raw) == "ared\nb 20%\nc\nlast line"


def test_an_unfinished_line_can_be_looked_at() -> None:
    screen = Screen()
    assert screen.feed("10%\r20") == ""
    assert screen.pending == "20%"


def test_a_line_without_end_is_passed_on_and_a_progress_line_is_kept_short() -> None:
    screen = Screen()
    assert screen.feed("x" * 70_000) == "x" * 70_000
    for number in range(20_000):
        assert screen.feed(f"\r{number}/20000") == ""
    assert screen.finish() == "19999/20000"
