"""Whether a command may run what the task itself wrote: then the allow-list does not cover it.

The rule is strict, not clever. A few programs are known to run no file of the workspace, and pass. Of any other command
it is taken that it may run or load every file that was written, except plain data that it does not name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from kimi_jupyter.safety.shell_parts import parts

_READERS = frozenset(
    [
        "ls",
        "cat",
        "grep",
        "egrep",
        "fgrep",
        "rg",
        "wc",
        "head",
        "tail",
        "echo",
        "printf",
        "pwd",
        "cd",
        "true",
        "false",
        "test",
        "sort",
        "uniq",
        "cut",
        "tr",
        "diff",
        "cmp",
        "comm",
        "stat",
        "file",
        "du",
        "df",
        "date",
        "basename",
        "dirname",
        "realpath",
        "readlink",
        "which",
        "type",
        "whoami",
        "id",
        "hostname",
        "uname",
        "nl",
        "tac",
        "column",
        "md5sum",
        "sha1sum",
        "sha256sum",
        "sleep",
        "mkdir",
        "touch",
        "find",
    ]
)
"""Programs that run no file of the workspace, whatever their arguments, `_RUNS` excepted."""
_RUNS = {"rg": ("--pre", "--hostname-bin"), "sort": ("--co",), "find": ("-exec", "-ok")}
"""The beginnings of arguments with which one of them does run a program."""
_GIT_READS = frozenset(
    [
        "status",
        "log",
        "diff",
        "show",
        "branch",
        "rev-parse",
        "ls-files",
        "ls-tree",
        "blame",
        "describe",
        "shortlog",
        "remote",
        "tag",
        "reflog",
    ]
)
_GIT_RUNS = ("--ext-diff", "--textconv", "--show-signature")
_GIT_FILES = frozenset([".git", ".gitattributes", ".gitmodules"])
_DATA = frozenset(
    [
        ".md",
        ".csv",
        ".tsv",
        ".parquet",
        ".feather",
        ".arrow",
        ".xlsx",
        ".log",
        ".png",
        ".jpg",
        ".jpeg",
        ".gif",
        ".webp",
        ".svg",
        ".pdf",
        ".npy",
        ".npz",
    ]
)
"""Endings of files that no program runs or takes its settings from, unless it is told to by name."""
_CACHES = frozenset([".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", "__pycache__"])
_CACHE_FILES = frozenset([".coverage"])


def is_cache(path: str) -> bool:
    """Whether programs leave such a file behind at every run; what a tool writes there by name counts all the same."""
    found = PurePosixPath(path)
    return found.name in _CACHE_FILES or not _CACHES.isdisjoint(found.parts[:-1])


def may_run(command: str, written: Iterable[str]) -> str | None:
    """One of the written files that the command may run or load; `None` where it can run none of them."""
    found = parts(command)
    lines = [part.split(" ") for part in found] if found else [command.split()]
    is_known = found is not None
    files = list(written)
    for words in lines:
        for path in files:
            if _runs(words, path, is_known=is_known):
                return path
    return None


def _runs(words: list[str], path: str, *, is_known: bool) -> bool:
    name = PurePosixPath(path).name
    if words[0] == name or PurePosixPath(words[0]).name == name:
        return True  # a program of that name may be found before the one that was meant
    if is_known and _only_reads(words):
        return words[0] == "git" and not _GIT_FILES.isdisjoint(PurePosixPath(path).parts)
    if PurePosixPath(path).suffix.lower() not in _DATA:
        return True
    return any(_names(word, name) for word in words[1:])


def _only_reads(words: list[str]) -> bool:
    program, arguments = words[0], [word.strip("'\"") for word in words[1:]]
    if program == "git":
        return (
            bool(arguments)
            and arguments[0] in _GIT_READS
            and not any(argument.startswith(_GIT_RUNS) for argument in arguments)
        )
    return program in _READERS and not any(
        argument.startswith(_RUNS.get(program, ())) for argument in arguments
    )


def _names(word: str, name: str) -> bool:
    """Whether a word can stand for a file of that name, quotes, options and globs taken into account."""
    for piece in re.split(r"[=:,;|&<>()$`'\"\s]", word):
        last = piece.rsplit("/", 1)[-1]
        if not last:
            continue
        if last == name or "{" in last or fnmatchcase(name, last) or last.endswith(name):
            return True
    return False
