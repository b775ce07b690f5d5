"""Watches that each request of a task begins with the bytes of the one before, as the prefix cache needs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.moonshot.chunks import compact
from tests.moonshot.script import Body

ASKS_SUMMARY = "<compaction>"
"""A request whose last message begins so asks for a summary; it is not part of the conversation."""
SUMMARY = "<hand-off "
"""A message that begins so stands for the older part of a conversation."""
_SHOWN = 60


@dataclass
class _Sent:
    tools: str
    names: tuple[str, ...]
    messages: tuple[str, ...]


@dataclass
class _Task:
    heads: list[_Sent] = field(default_factory=list["_Sent"])
    """The latest request, and below it the last ones before each way back and summary: they may count again."""
    may_break: bool = False


class PrefixWatch:
    """What was wrong stands in `violations`, with the first differing place.

    Known breaks: a summary, a way back (a beginning of what was sent, and one new message), its undoing,
    and other tools (plan mode).
    """

    def __init__(self) -> None:
        self.violations: list[str] = []
        self._tasks: dict[str, _Task] = {}

    def may_break(self, task: str) -> None:
        """A test declares that the next request of this task begins anew."""
        self._tasks.setdefault(task, _Task()).may_break = True

    def take(self, body: Body) -> None:
        """The next request."""
        key = body.get("prompt_cache_key")
        if not isinstance(key, str):
            return
        task = self._tasks.setdefault(key, _Task())
        now = _sent(body)
        asks = _begins(body["messages"][-1], ASKS_SUMMARY)
        if not task.heads or task.may_break:
            known, difference = [now], ""
        else:
            known, difference = _judged(task.heads, now, body, asks=asks)
        if difference:
            self.violations.append(f"task {key}: {difference}")
        if not asks:
            task.may_break = False
            task.heads = known

    def check(self) -> None:
        """Raise `AssertionError` where a prefix was broken."""
        assert not self.violations, "the prefix of a request was broken:\n" + "\n".join(
            self.violations
        )


def _sent(body: Body) -> _Sent:
    tools: list[Any] = body.get("tools") or []
    return _Sent(
        tools=compact(tools),
        names=tuple(str(tool.get("function", {}).get("name")) for tool in tools),
        messages=tuple(compact(message) for message in body["messages"]),
    )


def _judged(heads: list[_Sent], now: _Sent, body: Body, *, asks: bool) -> tuple[list[_Sent], str]:
    """The heads from here on, and what is wrong."""
    before = heads[-1]
    if now.tools != before.tools and now.names == before.names:
        words = _first(before.tools, now.tools)
        return [now], f"the same tools are told in other words {words}"
    for depth in range(len(heads), 0, -1):
        if _extends(now, heads[depth - 1]):
            return [*heads[: depth - 1], now], ""
    if asks:
        is_shortened = "is left out" in now.messages[1] and now.messages[0] == before.messages[0]
        return [], "" if is_shortened else _where(before, now)
    if _is_summed_up(before, now, body) or any(_went_back(now, head) for head in heads):
        return [*heads, now], ""
    return [now], _where(before, now)


def _where(before: _Sent, now: _Sent) -> str:
    for place, (old, new) in enumerate(zip(before.messages, now.messages, strict=False)):
        if old != new:
            return f"message {place} differs {_first(old, new)}"
    return f"{len(before.messages)} messages became {len(now.messages)}"


def _is_summed_up(before: _Sent, now: _Sent, body: Body) -> bool:
    """The same system prompt, and a summary that was not there before."""
    return now.messages[0] == before.messages[0] and any(
        _begins(message, SUMMARY) and sent not in before.messages
        for message, sent in zip(body["messages"], now.messages, strict=True)
    )


def _extends(now: _Sent, before: _Sent) -> bool:
    return now.messages[: len(before.messages)] == before.messages


def _went_back(now: _Sent, before: _Sent) -> bool:
    *kept, last = now.messages
    is_shorter = 1 < len(now.messages) <= len(before.messages)
    return is_shorter and tuple(kept) == before.messages[: len(kept)] and '"role":"user"' in last


def _begins(message: Any, marker: str) -> bool:
    content = message.get("content")
    return message.get("role") == "user" and isinstance(content, str) and content.startswith(marker)


def _first(old: str, new: str) -> str:
    """The first place where two texts differ, with what stands there."""
    pairs = zip(old, new, strict=False)
    place = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(old), len(new)))
    begin = max(0, place - _SHOWN // 2)
    return f"at byte {place}:\n  was: …{old[begin : place + _SHOWN]}…\n  is:  …{new[begin : place + _SHOWN]}…"
