"""What `.gitignore` files leave out, by the rules of Git."""

from __future__ import annotations

import re
from dataclasses import dataclass

SKIPPED = frozenset(
    [
        ".git",
        ".hg",
        ".svn",
        ".bzr",
        ".jj",
        "node_modules",
        ".ipynb_checkpoints",
        "__pycache__",
        ".venv",
        ".tox",
        ".nox",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".virtual_documents",
    ]
)
"""Names of folders that listings and searches never enter."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of an ignore file."""

    pattern: re.Pattern[str]
    is_exception: bool
    """The line begins with `!`."""
    only_folders: bool


@dataclass(frozen=True, slots=True)
class IgnoreFile:
    """The rules of one file, for what lies below its folder."""

    folder: str
    """Relative to the workspace, `.` for the root."""
    rules: tuple[Rule, ...]

    def verdict(self, path: str, *, is_folder: bool) -> bool | None:
        """Whether the path is left out; `None` where no rule speaks of it."""
        below = path if self.folder == "." else path[len(self.folder) + 1 :]
        for rule in reversed(self.rules):
            if rule.only_folders and not is_folder:
                continue
            if rule.pattern.fullmatch(below):
                return not rule.is_exception
        return None


def is_ignored(path: str, chain: tuple[IgnoreFile, ...], *, is_folder: bool) -> bool:
    """Whether the nearest ignore file that speaks of the path leaves it out; `chain` goes from the root down."""
    for file in reversed(chain):
        verdict = file.verdict(path, is_folder=is_folder)
        if verdict is not None:
            return verdict
    return False


def parse(folder: str, text: str) -> IgnoreFile:
    """The rules of an ignore file's text; lines that are no pattern are left out."""
    rules = (_rule(line) for line in text.removeprefix("\ufeff").split("\n"))
    return IgnoreFile(folder, tuple(rule for rule in rules if rule is not None))


def _rule(line: str) -> Rule | None:
    line = line.removesuffix("\r")
    if line.startswith("#"):
        return None
    line = re.sub(r"(?<!\\) +$", "", line)
    is_exception = line.startswith("!")
    if is_exception:
        line = line[1:]
    only_folders = line.endswith("/")
    line = line.rstrip("/") if only_folders else line
    if not line:
        return None
    anchored = "/" in line
    line = line.removeprefix("/")
    start = "" if anchored else "(?:.*/)?"
    try:
        pattern = re.compile(start + glob(line), re.DOTALL)
    except re.error:
        return None
    return Rule(pattern, is_exception, only_folders)


def glob(text: str) -> str:
    """A regular expression for a glob: `*` and `?` stay within a name, `**` between slashes spans folders."""
    out: list[str] = []
    at = 0
    while at < len(text):
        piece, at = _piece(text, at)
        out.append(piece)
    return "".join(out)


def _piece(text: str, at: int) -> tuple[str, int]:
    first = at == 0 or text[at - 1] == "/"
    if first and text.startswith("**/", at):
        return "(?:.*/)?", at + 3
    if first and text[at:] == "**":
        return ".*", at + 2
    char = text[at]
    if char == "*":
        while at < len(text) and text[at] == "*":
            at += 1
        return "[^/]*", at
    if char == "?":
        return "[^/]", at + 1
    if char == "\\" and at + 1 < len(text):
        return re.escape(text[at + 1]), at + 2
    if char == "[":
        found = re.compile(r"\[([!^]?)(\]?[^]]*)\]").match(text, at)
        if found:
            body = found[2].replace("\\", "\\\\").replace("[", "\\[")
            if body.startswith("]"):
                body = "\\" + body
            return f"(?!/)[{'^' if found[1] else ''}{body}]", found.end()
    return re.escape(char), at + 1
