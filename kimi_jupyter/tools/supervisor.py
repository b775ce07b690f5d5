"""A program of its own that runs one command and ends all that it started.

It is started as `python -I -S supervisor.py LINK CWD PROGRAM ARGUMENT...`. LINK is a socket to the host: it tells the
host what became of the command, and when the host's end closes, whatever the reason, it ends the command. CWD is a
descriptor of the folder to run in. As sub-reaper it is given every orphan of the command, so nothing gets away by
`setsid`, `nohup` or a double fork. Standard library only, and no import of this package.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import time
from types import FrameType

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_GRACE = 0.25
_HARD_LIMIT = 5.0


def main() -> None:
    """Run the command of the program's arguments to its end, or to the end of the host."""
    link = socket.socket(fileno=int(sys.argv[1]))
    link.set_inheritable(False)
    cwd = int(sys.argv[2])
    os.set_inheritable(cwd, False)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    Supervisor(link, cwd, sys.argv[3:]).run()


class Supervisor:
    """One command and its whole tree."""

    def __init__(self, link: socket.socket, cwd: int, command: list[str]) -> None:
        self.link = link
        self.host = os.getppid()
        self.code: int | None = None
        self.wake, writer = os.pipe()
        os.set_blocking(writer, False)
        os.set_blocking(self.wake, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self.told_to_end = False
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        self.child = os.fork()
        if self.child == 0:
            _become(command, cwd)
        os.close(cwd)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)

    def run(self) -> None:
        self._say({"pid": self.child})
        while self.code is None and not self._must_end():
            self.reap()
        left: list[str] = []
        if self.code is not None:
            left = self._leftovers()
        self.end_tree()
        self._say({"code": self.code, "left": left})

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self.told_to_end = self.told_to_end or number != signal.SIGCHLD

    def _must_end(self) -> bool:
        """Wait a moment; whether the host is gone, closed its end, or a signal says to end."""
        ready = select.select([self.link, self.wake], [], [], 1.0)[0]
        self._drain_wake()
        if self.link in ready and self._is_cut():
            return True
        return self.told_to_end or os.getppid() != self.host

    def _is_cut(self) -> bool:
        """Whether the host's end is closed; one that died with our words unread is a reset, not an end."""
        try:
            return not self.link.recv(64)
        except OSError:
            return True

    def _drain_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self.wake, 512):
                pass

    def reap(self) -> bool:
        """Collect what has ended; whether any process is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.child:
                self.code = os.waitstatus_to_exitcode(status)

    def _wait(self, seconds: float) -> bool:
        """Wait until nothing is left; whether that came about in time."""
        end = time.monotonic() + seconds
        while self.reap():
            rest = end - time.monotonic()
            if rest <= 0:
                return False
            select.select([self.wake], [], [], min(rest, 0.02))
            self._drain_wake()
        return True

    def _leftovers(self) -> list[str]:
        """Names of what the command left running, after a moment in which pipes may run dry."""
        if self._wait(_GRACE):
            return []
        return [f"{name} (pid {pid})" for pid, name in descendants(self.child)]

    def end_tree(self) -> None:
        """End every descendant, politely first; returns when none is left."""
        for pid, _ in descendants(self.child):
            _signal(pid, signal.SIGTERM)
            _signal(pid, signal.SIGCONT)
        if self._wait(_GRACE):
            return
        end = time.monotonic() + _HARD_LIMIT
        while time.monotonic() < end:
            for pid, _ in descendants(self.child):
                _signal(pid, signal.SIGKILL)
            if self._wait(0.02):
                return

    def _say(self, message: dict[str, object]) -> None:
        with contextlib.suppress(OSError):
            self.link.sendall(json.dumps(message).encode() + b"\n")


def _become(command: list[str], cwd: int) -> None:
    """Turn the forked child into the command; never returns."""
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for name in ("SIGPIPE", "SIGXFSZ", "SIGCHLD", "SIGTERM", "SIGINT", "SIGHUP"):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.fchdir(cwd)
        os.execve(command[0], command, os.environ)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def descendants(child: int) -> list[tuple[int, str]]:
    """Process ids and names of all that this process has started, directly or not."""
    table = _from_proc() if os.path.isdir("/proc/self") else _from_ps()  # noqa: PTH112 - no pathlib at this start
    own = {os.getpid()}
    grown = True
    while grown:
        more = {
            pid
            for pid, (parent, group, _) in table.items()
            if pid not in own and (parent in own or group == child)
        }
        own |= more
        grown = bool(more)
    return [(pid, table[pid][2]) for pid in sorted(own - {os.getpid()}) if pid in table]


def _from_proc() -> dict[int, tuple[int, int, str]]:
    table: dict[int, tuple[int, int, str]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - no pathlib at this start
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 - no pathlib at this start
                text = file.read().decode("utf-8", "replace")
        except OSError:
            continue
        start, _, rest = text.rpartition(")")
        state, parent, group = rest.split()[:3]
        if state not in "ZX":
            table[int(name)] = (int(parent), int(group), start.partition("(")[2])
    return table


def _from_ps() -> dict[int, tuple[int, int, str]]:
    import subprocess  # only where there is no /proc, to keep the start short

    done = subprocess.run(
        ["/bin/ps", "-axo", "pid=,ppid=,pgid=,comm="], capture_output=True, text=True, check=False
    )
    rows = (line.split(None, 3) for line in done.stdout.splitlines())
    return {int(row[0]): (int(row[1]), int(row[2]), row[3]) for row in rows if len(row) == 4}


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(ImportError, OSError, AttributeError):
            import ctypes  # not in every build of Python

            ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main()
