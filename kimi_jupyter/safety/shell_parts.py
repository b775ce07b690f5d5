"""Takes a bash command line apart into simple commands, or says that it holds more than plain words can show."""

from __future__ import annotations

import importlib
import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Language, Node

MOST_PARTS = 50
_INNER = frozenset(["program", "list", "pipeline"])
_WORDS = frozenset(["command_name", "word", "string", "raw_string", "number", "concatenation"])
_LEAVES = frozenset(["word", "string_content", "raw_string", "number", '"'])
_OPERATORS = frozenset(["&&", "||", ";", "|"])
_KEYWORDS = "{ } [[ ]] ! if then elif else fi for while until do done case esac select function time coproc in"
_RESERVED = frozenset(_KEYWORDS.split())
_TOKEN = re.compile(
    r"""(?P<space>\ +)|(?P<operator>&&|\|\||;|\|)
    |(?P<word>(?:[\w@%+,./:=^~*?\[\]{}-]|'[^']*'|"[^"$`\\!]*")+)""",
    re.ASCII | re.VERBOSE,
)


def parts(command: str) -> list[str] | None:
    """The simple commands of a line, words joined by single spaces; `None` where it holds anything else.

    Only plain words and quotes, joined by `&&`, `||`, `;` and `|`, are taken apart: no expansion, substitution,
    redirection, assignment, keyword, comment or escape outside of quotes. Takes no control characters.
    """
    language = _language()
    found = lexed(command) if language is None else _parsed(command, language)
    if not found or len(found) > MOST_PARTS:
        return None
    for part in found:
        first = part.split(" ", 1)[0]
        if first in _RESERVED or "=" in first:
            return None
    return found


@cache
def _language() -> Language | None:
    """Bash for tree-sitter, loaded at first use; `None` where it is not installed."""
    try:
        tree_sitter = importlib.import_module("tree_sitter")
        return tree_sitter.Language(importlib.import_module("tree_sitter_bash").language())
    except (ImportError, TypeError, ValueError):
        return None


def _parsed(command: str, language: Language) -> list[str] | None:
    from tree_sitter import Parser  # loaded with the language only

    source = command.encode()
    root = Parser(language).parse(source).root_node
    if root.has_error:
        return None
    found: list[str] = []
    todo = [root]
    at = 0
    while todo:
        node = todo.pop()
        if node.type in _INNER:
            todo.extend(reversed(node.children))
        elif node.type == "command":
            words = [source[word.start_byte : word.end_byte] for word in node.children]
            end = _end_of_words(node, source, at)
            if end is None:
                return None
            at = end
            found.append(b" ".join(words).decode())
        elif node.type not in _OPERATORS or source[at : node.start_byte].strip(b" "):
            return None
        else:
            at = node.end_byte
    return None if source[at:].strip(b" ") else found


def _end_of_words(command: Node, source: bytes, at: int) -> int | None:
    """Where a command's last word ends; `None` where not all from `at` to there is words, quotes and spaces."""
    todo = list(reversed(command.children))
    while todo:
        node = todo.pop()
        if node.children:
            if node.type not in _WORDS:
                return None
            todo.extend(reversed(node.children))
            continue
        text = source[node.start_byte : node.end_byte]
        is_plain = node.type in _LEAVES and bool(text)
        if not is_plain or source[at : node.start_byte].strip(b" "):
            return None
        if node.type == "word" and b"\\" in text:
            return None
        at = node.end_byte
    return at


def lexed(command: str) -> list[str] | None:
    """As `parts` without a parser: plain ASCII words, quotes without expansion, and the four operators."""
    found: list[list[str]] = [[]]
    at, operator = 0, ""
    while at < len(command):
        token = _TOKEN.match(command, at)
        if token is None:
            return None
        at = token.end()
        if token["operator"]:
            if not found[-1]:
                return None
            operator = token["operator"]
            found.append([])
        elif token["word"]:
            found[-1].append(token["word"])
    if not found[-1] and operator != ";":
        return None
    return [" ".join(words) for words in found if words]
