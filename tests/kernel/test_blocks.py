from __future__ import annotations

import random

from kimi_jupyter.kernel.blocks import Blocks, split_point

LONG = "word " * 400


def test_text_is_parted_at_a_blank_line_once_it_is_long_enough() -> None:
    assert split_point(f"short\n\n{LONG}") is None
    assert split_point(f"{LONG}\n\nNext") == len(LONG) + 2


def test_text_is_not_parted_inside_a_fence_nor_by_a_shorter_one_in_it() -> None:
    code = f"````md\n```py\n{LONG}\n```\n\nstill code"

    assert split_point(code) is None
    assert split_point(f"{code}\n````\n\nText") is not None


def test_text_is_not_parted_before_a_line_that_belongs_to_what_stands_above() -> None:
    for line in ("- item", "* item", "1. item", "  indented", "| cell |", "> quoted", "+ item"):
        assert split_point(f"{LONG}\n\n{line}") is None


def test_closed_blocks_never_change_while_the_text_grows() -> None:
    paragraphs = [f"## Part {n}\n\n{'text ' * 80}\n\n```py\nx = {n}\n\ny\n```" for n in range(40)]
    text = "\n\n".join(paragraphs)
    blocks, closed = Blocks(), []
    for end in range(0, len(text), 37):
        now = blocks.update(text[:end])
        assert now[: len(closed)] == closed
        closed = now[:-1]

    assert "\n\n".join(blocks.update(text)) == text
    assert len(closed) > 5


def test_open_block_stays_short_in_a_long_reply() -> None:
    text = "\n\n".join("sentence " * 20 for _ in range(300))
    blocks = Blocks()
    longest = max(len(blocks.update(text[:end])[-1]) for end in range(200, len(text), 200))

    assert longest < 2_000


def test_another_text_starts_afresh() -> None:
    blocks = Blocks()
    blocks.update(f"{LONG}\n\nNext")

    assert blocks.update("Other") == ["Other"]


def test_parting_loses_nothing_but_blank_lines() -> None:
    source = random.Random(3)
    parts = ("word ", "\n", "\n\n", "```\n", "- a\n", "    b\n", "# H\n", "x" * 300)
    for _ in range(200):
        text = "".join(source.choice(parts) for _ in range(60))
        joined = "".join(Blocks(200).update(text))
        assert joined.replace("\n", "").strip() == text.replace("\n", "").strip()
