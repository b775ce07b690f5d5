"""A task's log: one file, one writer; nobody is told of what is not in the file, deltas excepted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from kimi_jupyter.history.changes import announce
from kimi_jupyter.history.fold import Fold
from kimi_jupyter.history.follower import Follower
from kimi_jupyter.history.live import Live
from kimi_jupyter.history.lock import LogLock
from kimi_jupyter.history.reading import read
from kimi_jupyter.history.recovery import closing, repair
from kimi_jupyter.history.writer import Writer
from kimi_jupyter.protocol.errors import HistoryError
from kimi_jupyter.protocol.events import (
    Event,
    Notice,
    ReplyDone,
    ReplyPartial,
    TaskCreated,
    TextDelta,
    ThinkDelta,
    TurnEnded,
)

__all__ = ["Follower", "Log"]

PARTIAL_SECONDS = 1.0
PARTIAL_SIZE = 64 * 1024
"""Characters after which a partial is stored even within the second."""


def _now() -> int:
    return time.time_ns() // 1_000_000


def _take_file(path: Path, *, create: bool) -> tuple[Writer, LogLock]:
    try:
        lock = LogLock.take(path)
        try:
            writer = Writer(path, create=create)
            announce(path)
            return writer, lock
        except BaseException:
            lock.release()
            raise
    except OSError as error:
        raise HistoryError(
            f"The task's log {str(path)!r} can't be opened for writing: {error.strerror}."
        ) from error


class Log:
    """All methods are called on one event loop (or one thread without one)."""

    def __init__(
        self,
        path: Path,
        writer: Writer,
        lock: LogLock,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], int] = _now,
    ) -> None:
        self.path = path
        self.id = path.name.split(".")[0]
        self.last_seq = 0
        self.is_closed = False
        self.fold = Fold()
        """The stored events so far as a view, for the task's line in the history list."""
        self._events: list[Event] = []
        self._writer = writer
        self._lock = lock
        self._clock = clock
        self._now = now
        self._live = Live()
        self._partial_at: float | None = None
        self._owed: TurnEnded | None = None
        self._followers: set[Follower] = set()

    @classmethod
    def create(
        cls,
        path: Path,
        event: TaskCreated,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], int] = _now,
    ) -> Log:
        """Begin a log with its first event; the file must not exist."""
        log = cls(path, *_take_file(path, create=True), clock=clock, now=now)
        try:
            log.emit(event)
        except BaseException:
            log.close()
            path.unlink(missing_ok=True)
            raise
        return log

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        recovered: Callable[[Sequence[Event]], Sequence[Event]] = lambda events: (),
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], int] = _now,
    ) -> Log:
        """Go on with a log; a torn end is cut off and said, an unfinished turn is closed. `TaskBusy`, `HistoryError`.

        `recovered` gives what belongs to the unfinished turn and was not stored.
        """
        log = cls(path, *_take_file(path, create=False), clock=clock, now=now)
        try:
            reading = read(path)
            repair(path, reading, log._writer)
            log._take(reading.events, reading.last_seq)
            ending = closing(reading.events)
            lost = recovered(reading.events) if ending else ()
            for event in (*reading.notices(), *lost, *ending):
                log.emit(event)
        except BaseException:
            log.close()
            raise
        return log

    @property
    def events(self) -> Sequence[Event]:
        """All stored events, oldest first; it grows in place."""
        return self._events

    @property
    def is_followed(self) -> bool:
        """Whether anybody reads along."""
        return bool(self._followers)

    def _take(self, events: Sequence[Event], last_seq: int) -> None:
        self._events.extend(events)
        self.last_seq = last_seq
        for event in events:
            self.fold.feed(event)

    def emit(self, event: Event) -> Event:
        """State a fact: stamp it, store it, then tell the followers; returns it as it was stamped.

        Raises `HistoryError` where it can't be stored: then it did not happen, and the followers get a notice that is
        not stored. The end of a turn is told even so, or every screen would wait for ever; it is stored with the next event.
        """
        if self.is_closed:
            raise HistoryError("The task is closed; open it again.")
        if type(event).transient:
            return self._emit_transient(event)
        if not isinstance(event, ReplyPartial | ReplyDone):
            self.flush()  # what was said before it stands before it, for those who join later too
        if self._owed is not None and not isinstance(event, TurnEnded):
            self._store(self._owed)
        return self._store(event)

    def flush(self) -> None:
        """Store what has streamed of the open reply: for the end of a stream, and a stop."""
        partial = self._live.partial()
        if partial is not None:
            self._store(partial)
        self._partial_at = None

    def follow(self, after: int = 0) -> Follower:
        """All events after `after`, then what has streamed since the last stored one, then live.

        An `after` beyond the end belongs to a reader who knows of events that were lost: it gets everything.
        """
        live = [self._stamp(event) for event in self._live.catch_up()]
        follower = Follower(
            self._events,
            after=after if after <= self.last_seq else 0,
            live=live,
            leave=self._followers.discard,
        )
        if self.is_closed:
            follower.end()
        else:
            self._followers.add(follower)
        return follower

    def close(self) -> None:
        """Bring all to the disk and let the task go; followers end when they have read what is there."""
        if self.is_closed:
            return
        self.is_closed = True
        for follower in self._followers:
            follower.end()
        self._followers.clear()
        self._writer.close()
        self._lock.release()

    def _emit_transient(self, event: Event) -> Event:
        stamped = self._stamp(event)
        self._live.transient(stamped)
        for follower in self._followers:
            follower.tell_transient(stamped)
        if isinstance(event, ThinkDelta | TextDelta):
            self._partial_soon()
        return stamped

    def _partial_soon(self) -> None:
        now = self._clock()
        if self._partial_at is None:
            self._partial_at = now + PARTIAL_SECONDS
        if now >= self._partial_at or self._live.size >= PARTIAL_SIZE:
            self.flush()
            self._partial_at = now + PARTIAL_SECONDS

    def _stamp(self, event: Event, *, seq: int | None = None) -> Event:
        seq = self.last_seq if seq is None else seq
        return event.model_copy(update={"seq": seq, "at": self._now(), "task": self.id})

    def _store(self, event: Event) -> Event:
        stamped = self._stamp(event, seq=self.last_seq + 1)
        try:
            self._writer.append(stamped.model_dump_json().encode() + b"\n")
        except HistoryError as error:
            self._tell_unstored(event, str(error))
            raise
        if isinstance(event, TurnEnded):
            self._owed = None
        self.last_seq += 1
        self._events.append(stamped)
        self.fold.feed(stamped)
        self._live.stored(stamped)
        for follower in self._followers:
            follower.tell_stored(stamped)
        return stamped

    def _tell_unstored(self, event: Event, why: str) -> None:
        unstored: list[Event] = [Notice(level="error", text=why)]
        if isinstance(event, TurnEnded):
            self._owed = event
            unstored.append(event)
        for follower in self._followers:
            for told in unstored:
                follower.tell_transient(self._stamp(told))
