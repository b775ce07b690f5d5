"""Server-sent events, wherever the bytes were cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimi_jupyter.models.sse import SseParser

EVENTS = 'data: {"a":"Grüße 世界 🎉"}\n\n: keep-alive\n\nevent: x\ndata:{"b":2}\n\ndata: [DONE]\n\n'
PAYLOADS = ['{"a":"Grüße 世界 🎉"}', '{"b":2}', "[DONE]"]


def _read(parts: list[bytes]) -> list[str]:
    parser = SseParser()
    payloads = [payload for part in parts for payload in parser.feed(part)]
    return [payload.decode() for payload in [*payloads, *parser.close()]]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_any_split_gives_the_same_payloads(line_end: str, size: int) -> None:
    data = EVENTS.replace("\n", line_end).encode()
    assert _read([data[at : at + size] for at in range(0, len(data), size)]) == PAYLOADS


@given(st.lists(st.integers(0, len(EVENTS.encode())), max_size=8))
def test_random_splits_give_the_same_payloads(cuts: list[int]) -> None:
    data = EVENTS.encode()
    edges = [0, *sorted(cuts), len(data)]
    assert _read([data[a:b] for a, b in pairwise(edges)]) == PAYLOADS


def test_the_lines_of_one_event_are_joined() -> None:
    assert _read([b"data: one\ndata: two\n\n"]) == ["one\ntwo"]


def test_a_last_event_without_line_end_counts() -> None:
    assert _read([b"data: one\n\ndata: [DONE]"]) == ["one", "[DONE]"]


def test_a_byte_order_mark_is_skipped() -> None:
    assert _read([b"\xef\xbb\xbfdata: one\n\n"]) == ["one"]
