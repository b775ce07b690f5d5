"""Adding to a list in a JSON text that people write by hand, with their comments and their layout kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[{}\[\],:]|[^\s{}\[\],:"'/]+""",
    re.DOTALL,
)


class _Token(NamedTuple):
    text: str
    end: int
    depth: int
    """How many braces and brackets are open behind it."""


def _tokens(text: str) -> Iterator[_Token]:
    """All that is neither white space nor a comment."""
    depth = 0
    for found in _TOKEN.finditer(text):
        token = found.group()
        if token.startswith(("//", "/*")):
            continue
        depth += (token in "{[") - (token in "}]")
        yield _Token(token, found.end(), depth)


def with_item(text: str, key: str, item: str) -> str | None:
    """The text of an object with one more string in the list of that key; `None` where it can't be found its way.

    Compare what the result means before it is kept.
    """
    tokens = list(_tokens(text))
    if not tokens or tokens[0].text != "{":
        return None
    added = json.dumps(item, ensure_ascii=False)
    name = json.dumps(key)
    for at in range(1, len(tokens) - 2):
        begins = [token.text for token in tokens[at : at + 3]] == [name, ":", "["]
        if begins and tokens[at].depth == 1:
            close = next((i for i in range(at + 3, len(tokens)) if tokens[i].depth == 1), None)
            return None if close is None else _inserted(text, tokens[close - 1], added)
    if len(tokens) == 2:
        return _put(text, tokens[0].end, f"\n    {name}: [{added}]\n")
    space = "" if text[tokens[0].end].isspace() else " "
    return _put(text, tokens[0].end, f"\n    {name}: [{added}],{space}")


def _inserted(text: str, last: _Token, added: str) -> str:
    start = "" if last.text == "[" else " " if last.text == "," else ", "
    return _put(text, last.end, start + added)


def _put(text: str, at: int, part: str) -> str:
    return text[:at] + part + text[at:]
