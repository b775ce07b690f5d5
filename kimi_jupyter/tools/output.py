"""A command's output on its three ways: live to the card, head and tail to the model, all of it to a log."""

from __future__ import annotations

import codecs
import os
import re
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

from kimi_jupyter.tools.terminal import Screen

HEAD = 4_096
TAIL = 12_288
_MOST_LOG = 50_000_000
_MOST_LOGS = 100
_MOST_LIVE = 8_192
_LONGEST_WORD = 256
_SPACE = re.compile(r"\s")
_EVERY = 0.05
_PROGRESS_EVERY = 2.0


class Output:
    """Takes a command's bytes in one thread; `text`, `read` and `log` may be asked for in another meanwhile."""

    def __init__(self, logs: Path, report: Callable[[str], None]) -> None:
        self._logs = logs
        self._report = report
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._screen = Screen()
        self._start = ""
        self._tail = ""
        self._total = 0
        self._read = 0
        self._guard = threading.Lock()
        self._log_fd: int | None = None
        self._logged = 0
        self.log: Path | None = None
        """Where the whole output is, once it is more than the model gets."""
        self._live = ""
        self._skipped = 0
        self._told_at = 0.0
        self._progress = ""
        self._progress_at = time.monotonic()

    def feed(self, data: bytes) -> None:
        """More of the command's output."""
        with self._guard:
            self._take(self._screen.feed(self._decoder.decode(data)))

    def tick(self) -> None:
        """Pass on what is new; called often, at least every 50 ms."""
        now = time.monotonic()
        if now - self._told_at >= _EVERY:
            self._told_at = now
            self._tell()
        if now - self._progress_at >= _PROGRESS_EVERY:
            self._progress_at = now
            line = self._screen.pending
            if line and line != self._progress:
                self._progress = line
                self._report(line[:1000] + "\n")

    def finish(self) -> None:
        """The end of the output: pass on the rest and close the log."""
        with self._guard:
            self._take(self._screen.feed(self._decoder.decode(b"", True)))
            self._take(self._screen.finish())
        self._tell()
        if self._log_fd is not None:
            os.close(self._log_fd)
            self._log_fd = None

    def text(self) -> str:
        """All of it, or its head and tail with the count of what is left out between."""
        with self._guard:
            return self._text()

    def read(self, *, from_start: bool = False) -> str:
        """What came since this was last asked for: whole lines, the last of them where that is much; or as `text`."""
        with self._guard:
            new, self._read = self._total - self._read, self._total
            if from_start:
                return self._text()
            kept = self._start + self._tail if self._total <= HEAD + TAIL else self._tail
            if new <= len(kept):
                return kept[len(kept) - new :]
            tail = kept[kept.find("\n") + 1 :] or kept
            return f"[… {new - len(tail):,} characters left out here{self._where()} …]\n{tail}"

    @property
    def pending(self) -> str:
        """The line that is not finished yet, such as a prompt or a progress bar."""
        with self._guard:
            return self._screen.pending

    def _where(self) -> str:
        return f"; all of it is in {self.log}, which read_file can open" if self.log else ""

    def _text(self) -> str:
        if self._total <= HEAD + TAIL:
            return self._start + self._tail
        start = _whole_words(self._start[::-1])[::-1]
        tail = _whole_words(self._tail)
        omitted = self._total - len(start) - len(tail)
        return f"{start}\n[… {omitted:,} characters left out here{self._where()} …]\n{tail}"

    def _take(self, text: str) -> None:
        if not text:
            return
        self._total += len(text)
        room = HEAD - len(self._start)
        if room > 0:
            self._start += text[:room]
        rest = text[max(room, 0) :]
        if self._total > HEAD + TAIL:
            self._keep(self._tail + rest if self._log_fd is None and self.log is None else rest)
        self._tail = (self._tail + rest)[-TAIL:]
        self._live += text
        if len(self._live) > _MOST_LIVE:
            self._skipped += len(self._live) - _MOST_LIVE
            self._live = self._live[-_MOST_LIVE:]

    def _tell(self) -> None:
        if self._skipped:
            self._live = f"\n[… {self._skipped:,} characters not shown live …]\n{self._live}"
        if self._live:
            self._report(self._live)
        self._live, self._skipped = "", 0

    def _keep(self, text: str) -> None:
        """Append to the log, which begins with the head when it is made."""
        if self.log is None:
            self.log, self._log_fd = _new_log(self._logs)
            text = self._start + text
        if self._log_fd is None:
            return
        data = text.encode("utf-8", "replace")
        self._logged += len(data)
        try:
            os.write(self._log_fd, data)
            if self._logged > _MOST_LOG:
                os.write(self._log_fd, b"\n[the log ends here: it is larger than 50 MB]\n")
        except OSError:
            self._logged = _MOST_LOG + 1
        if self._logged > _MOST_LOG:
            os.close(self._log_fd)
            self._log_fd = None


def _whole_words(text: str) -> str:
    """The text from its first space on, where that is near: half a secret would not be known for one."""
    found = _SPACE.search(text, 0, _LONGEST_WORD)
    return text[found.start() :] if found else text


def _new_log(folder: Path) -> tuple[Path | None, int | None]:
    path = folder / f"{secrets.token_hex(8)}.log"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _prune(folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        return path, os.open(path, flags, 0o600)
    except OSError:
        return None, None


def _prune(folder: Path) -> None:
    """Keep the newest logs only."""
    logs = sorted(folder.glob("*.log"), key=lambda log: log.stat().st_mtime, reverse=True)
    for log in logs[_MOST_LOGS - 1 :]:
        log.unlink(missing_ok=True)
