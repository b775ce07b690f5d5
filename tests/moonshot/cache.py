"""The prefix cache: how much of a prompt the service has seen before."""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from typing import Any

from tests.moonshot.chunks import compact, tokens
from tests.moonshot.script import Body

_OVERHEAD = 70
"""Hidden template tokens."""
_KEPT = 16
_IMAGE = 1024 * 4
"""Characters that stand for one image: its bytes are no text, and cost no more where there are more of them."""


class PrefixCache:
    """Remembers the latest prompts of each model."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=_KEPT))

    def hit(self, body: Body, floor: int) -> int:
        """Tokens of the longest prefix in common with an earlier prompt; this one is remembered."""
        prompt = _serialised(body)
        seen = self._seen[body["model"]]
        longest = max((_common(prompt, earlier) for earlier in seen), default=0)
        seen.append(prompt)
        cached = prompt_tokens(body) if longest == len(prompt) else longest // 4
        return cached if cached > floor else 0


def prompt_tokens(body: Body) -> int:
    """Tokens of messages and tools."""
    return tokens(_serialised(body)) + _OVERHEAD


def _serialised(body: Body) -> str:
    return compact(body.get("tools") or []) + "".join(
        compact(_with_images_as_seen(m)) for m in body["messages"]
    )


def _with_images_as_seen(message: Body) -> Body:
    content = message.get("content")
    if not isinstance(content, list):
        return message
    return {**message, "content": [_as_seen(part) for part in content]}


def _as_seen(part: Any) -> Any:
    if part["type"] != "image_url":
        return part
    digest = hashlib.sha256(compact(part).encode()).hexdigest()
    return (digest * (_IMAGE // len(digest) + 1))[:_IMAGE]


def _common(one: str, other: str) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
