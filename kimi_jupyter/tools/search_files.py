"""The tool that searches the contents of files."""

from __future__ import annotations

import re
import stat
import warnings
from typing import ClassVar

from pydantic import Field

from kimi_jupyter.agent.tool import Params, Result, Work
from kimi_jupyter.protocol.effects import Effect, EffectKind
from kimi_jupyter.protocol.errors import FileUnreadable, KimiError
from kimi_jupyter.safety.encodings import lenient
from kimi_jupyter.tools import finder, threads
from kimi_jupyter.tools.common import count, fingerprint, shown
from kimi_jupyter.tools.finder import Found, Query
from kimi_jupyter.tools.globs import Glob
from kimi_jupyter.tools.matcher import MOST_BYTES
from kimi_jupyter.tools.threads import Stop

_TIME = 20.0
_MOST_LINE = 300
_MOST_TEXT = 60_000


class SearchFilesParams(Params):
    """What to search for and where."""

    pattern: str = Field(min_length=1, max_length=2000)
    """Regular expression in Python's syntax; it is found within single lines."""
    path: str = "."
    """Folder or file to search, relative to the working folder."""
    glob: str | None = None
    """Only files of this form: `*.py`, `src/**/*.ts`, `*.{js,jsx}`."""
    case_sensitive: bool = True
    """Tell upper and lower case apart."""
    literal: bool = False
    """Take the pattern as plain text, not as a regular expression."""
    limit: int = Field(250, ge=1, le=1000)
    """Most matching lines to show."""


class SearchFiles:
    """Shows the lines of files that match a pattern."""

    name: ClassVar[str] = "search_files"
    description: ClassVar[str] = (
        "Search the contents of the workspace's files for a regular expression. Answers `path:line: text` for each"
        " matching line, sorted by path, then the totals.\n"
        "Use it to find definitions, uses and texts; then read_file around the lines. What `.gitignore` names, version"
        " control data, `node_modules`, caches, binary files and files over 10 MB are left out, and so are files with"
        " secrets (.env, keys, credentials). Hidden files are searched. Long lines are cut around the match."
    )
    kind: ClassVar[EffectKind] = "read"
    params: ClassVar[type[Params]] = SearchFilesParams

    async def effect(self, params: SearchFilesParams, work: Work) -> Effect:
        """A read of the folder or file."""
        path = work.workspace.resolve(params.path, folder=work.folder)
        return Effect(
            kind="read",
            title=f"Search files for {params.pattern[:80]!r} in {path}",
            paths=(path,),
            digest=fingerprint(self.name, path, params.model_dump_json()),
        )

    async def run(self, params: SearchFilesParams, effect: Effect, work: Work) -> Result:
        """The matching lines."""
        pattern = _pattern(params)
        glob = Glob(params.glob) if params.glob else None

        def body(stop: Stop) -> Result:
            query = _query(params, pattern, glob, effect.paths[0], work)
            found = finder.find(query, stop, rg=finder.ripgrep(work.workspace))
            return _result(found, query, params.limit, work)

        return await threads.run(body)


def _pattern(params: SearchFilesParams) -> str:
    if params.literal:
        return re.escape(params.pattern)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(params.pattern)
    except (re.error, FutureWarning, DeprecationWarning, OverflowError, RecursionError) as error:
        raise KimiError(
            f"{params.pattern!r} is no valid regular expression: {error}. Escape special characters with a backslash,"
            " or give literal=true."
        ) from error
    return params.pattern


def _query(
    params: SearchFilesParams, pattern: str, glob: Glob | None, path: str, work: Work
) -> Query:
    status = work.workspace.stat(path)
    if status is None:
        raise FileUnreadable(
            f"There is no file or folder {shown(path, work)!r}. Use list_files to see what is there."
        )
    is_folder = stat.S_ISDIR(status.st_mode)
    if not is_folder and not stat.S_ISREG(status.st_mode):
        raise FileUnreadable(f"{shown(path, work)} is no regular file; it can't be searched.")
    if not is_folder and status.st_size > MOST_BYTES:
        raise FileUnreadable(
            f"{shown(path, work)} is larger than 10 MB, which search_files does not search."
            " Use execute_command, for example with `grep`."
        )
    return Query(
        workspace=work.workspace,
        path=path,
        is_folder=is_folder,
        pattern=pattern,
        ignore_case=not params.case_sensitive,
        glob=glob,
        seconds=_TIME,
    )


def _result(found: Found, query: Query, limit: int, work: Work) -> Result:
    lines: list[str] = []
    gone = 0
    size = 0
    for path in sorted(found.hits, key=lambda path: path.split("/")):
        if len(lines) >= limit or size > _MOST_TEXT:
            break
        shown_lines = _lines(query, path, found.hits[path], limit - len(lines), work)
        gone += 0 if shown_lines else len(found.hits[path])
        lines += shown_lines
        size += sum(map(len, shown_lines))
    total = found.total - gone
    return Result(
        ok=True,
        output="\n".join([*lines, f"[{_totals(found, total, len(lines), query)}]"]),
        summary=count(total, "match").replace("matchs", "matches")
        + (" or more" if found.is_cut else ""),
    )


def _totals(found: Found, total: int, here: int, query: Query) -> str:
    more = "more than " if found.is_cut else ""
    files = count(len(found.hits), "file")
    parts = [f"{more}{count(total, 'matching line')} in {files}" if total else "no line matches"]
    if here < total:
        parts.append(f"the first {here:,} are shown: narrow the pattern, the path or the glob")
    if found.is_late:
        parts.append(
            f"not everything was searched within {query.seconds:g} s: narrow the path or the glob"
        )
    if query.is_folder:
        parts.append("files with secrets are not searched")
    return "; ".join(parts)


def _lines(query: Query, path: str, hits: dict[int, int], most: int, work: Work) -> list[str]:
    """The texts of the lines, read anew through the workspace: a program's word for a file's content is not taken."""
    try:
        text = lenient(query.workspace.read_bytes(path, limit=MOST_BYTES))
    except KimiError:
        return []
    if text is None:
        return []
    lines = text.split("\n")
    name = "".join(char if char.isprintable() else "�" for char in shown(path, work))
    return [
        f"{name}:{number}: {_window(lines[number - 1].removesuffix(chr(13)), hits[number])}"
        for number in sorted(hits)[:most]
        if number <= len(lines)
    ]


def _window(line: str, column: int) -> str:
    """The line, or where it is long the part around the match."""
    if len(line) <= _MOST_LINE:
        return line
    at = len(line.encode("utf-8", "replace")[: column - 1].decode("utf-8", "ignore"))
    start = max(0, min(at - _MOST_LINE // 3, len(line) - _MOST_LINE))
    end = start + _MOST_LINE
    return f"{'… ' if start else ''}{line[start:end]}{' …' if end < len(line) else ''}"
