from __future__ import annotations

import re

import pytest

from kimi_jupyter.kernel.options import Options, read_cell
from kimi_jupyter.protocol.errors import KimiError


def test_body_is_the_message() -> None:
    assert read_cell("", "\nHello\n\n  there\n") == Options(text="Hello\n\n  there")


def test_options_are_read_and_what_follows_belongs_to_the_message() -> None:
    given = read_cell("--new --mode plan --model=kimi-k2.6 don't stop", "now")

    assert given == Options(text="don't stop\nnow", is_new=True, mode="plan", model="kimi-k2.6")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--nwe", "did you mean `--new`?"),
        ("--frobnicate", "the options are --new, --mode, --model."),
        ("--mode", "needs a value"),
        ("--mode --new", "needs a value"),
        ("--mode yolo", "the modes are ask, accept_edits, plan, bypass"),
    ],
)
def test_option_that_can_not_be_used_is_said_in_words(line: str, said: str) -> None:
    with pytest.raises(KimiError, match=re.escape(said)):
        read_cell(line, "text")


def test_empty_message_is_said_in_words() -> None:
    with pytest.raises(KimiError, match="There is no message"):
        read_cell("--new", " \n")
