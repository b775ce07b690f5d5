"""The simulator notices a request that does not begin with the bytes of the one before."""

from __future__ import annotations

from typing import Any

import pytest

from kimi_jupyter.protocol.messages import SystemMessage, UserMessage
from tests.models.asking import provider, reply_of
from tests.models.asking import request as asked
from tests.moonshot import Moonshot
from tests.moonshot.watch import PrefixWatch

pytestmark = pytest.mark.anyio
S: dict[str, Any] = {"role": "system", "content": "Rules."}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def said(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def tool(name: str, words: str = "Does it.") -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": words}}


def watched(*requests: list[dict[str, Any]], tools: list[list[Any]] | None = None) -> list[str]:
    watch = PrefixWatch()
    for place, messages in enumerate(requests):
        body = {"prompt_cache_key": "t", "messages": messages}
        watch.take({**body, "tools": tools[place]} if tools else body)
    return watch.violations


ONE = [S, user("One")]
TWO = [*ONE, said("1"), user("Two")]
THREE = [*TWO, said("2"), user("Three")]


def test_adding_is_fine() -> None:
    assert watched(ONE, TWO, TWO, THREE) == []


def test_a_change_of_one_byte_is_shown_where_it_is() -> None:
    changed = [S, user("One"), said("1 "), *THREE[3:]]
    (violation,) = watched(TWO, changed)
    assert "message 2 differs at byte 32" in violation
    assert 'is:  …role":"assistant","content":"1 "}…' in violation


@pytest.mark.parametrize(
    "later",
    [
        [{**S, "content": "Other rules."}, *THREE[1:]],
        [S, *THREE[3:]],
        [*THREE[:-3], said("2"), user("Three")],
        [{"content": "Rules.", "role": "system"}, *THREE[1:]],
    ],
    ids=["another system prompt", "the oldest dropped", "one dropped", "keys in another order"],
)
def test_what_changes_the_beginning_is_noticed(later: list[dict[str, Any]]) -> None:
    assert len(watched(TWO, later)) == 1


def test_a_way_back_and_its_undoing_are_known() -> None:
    assert watched(THREE, [S, user("Other")], [*THREE, said("3"), user("Four")]) == []
    assert watched(THREE, [*ONE, said("1"), user("Other")]) == []
    assert watched(THREE, [*ONE, said("other"), user("Two")]) != []


def test_a_summary_and_the_request_for_it_are_known() -> None:
    asks = [*THREE, user("<compaction>\nSum up.")]
    summary = [S, user("One"), user('<hand-off nonce="1">\nIn short.')]
    assert watched(THREE, asks, summary, [*summary, said("3"), user("Four")]) == []
    assert watched(THREE, asks, [*THREE, said("3"), user("Four")]) == []
    assert watched(THREE, [S, user("<compaction>\nSum up.")]) != [], "the request uses the prefix"
    assert watched(summary, [S, user("1"), summary[2]]) != [], "an old summary excuses nothing"


def test_other_tools_are_plan_mode_and_other_words_are_not() -> None:
    both, one = [tool("a"), tool("b")], [tool("a")]
    assert watched(ONE, TWO, tools=[both, one]) == []
    assert watched(ONE, TWO, tools=[both, [tool("a"), tool("b", "Does that.")]]) != []
    assert watched(TWO, [S, user("x"), *THREE[2:]], tools=[both, one]) != []


async def test_a_declared_break_is_fine_and_another_one_is_not() -> None:
    first = (SystemMessage(content="A"), UserMessage(content="One"))
    other = (SystemMessage(content="B"), UserMessage(content="One"))
    api = Moonshot(["1", "2", "3"])

    async def three() -> None:
        async with api, provider(api.url) as kimi:
            await reply_of(kimi.stream(asked(first)))
            api.may_break("task-1")
            await reply_of(kimi.stream(asked(other)))
            assert not api.violations
            await reply_of(kimi.stream(asked(first)))

    with pytest.raises(AssertionError, match="message 0 differs"):
        await three()
