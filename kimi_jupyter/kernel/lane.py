"""The comm lane: clicks on widgets are served while a cell runs, everything else keeps its order.

ipykernel handles one shell message at a time, so a click waits until the running cell has ended. While the lane is
open, it stands in front of the stream from which the calling shell reads: `comm_*` and the two harmless info requests
are answered at once, all other messages go on to the original callback, which queues them as it always does.

    ipykernel 6            kernel.shell_stream, main thread
    ipykernel 7            an inproc pair, shell-channel thread -> main thread
    ipykernel 7, subshell  an inproc pair, shell-channel thread -> that subshell's thread

None of these names is public: any surprise is `NoLane`, and nothing else in the package touches them.
"""

from __future__ import annotations

import contextlib
import contextvars
import inspect
import signal
import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any

import zmq

if TYPE_CHECKING:
    from ipykernel.ipkernel import IPythonKernel

EXPRESS = frozenset(
    {"comm_open", "comm_msg", "comm_close", "comm_info_request", "kernel_info_request"}
)


class NoLane(RuntimeError):
    """This kernel can't serve clicks while a cell runs; the text says why."""


def _find_stream(kernel: Any) -> tuple[Any, Any]:
    """The stream from which the calling shell reads, and where answers to info requests go."""
    thread = getattr(kernel, "shell_channel_thread", None)
    try:
        if thread is None:
            if threading.current_thread() is not threading.main_thread():
                raise NoLane("not the thread that runs cells")
            stream = kernel.shell_stream
            return _checked(stream), stream
        manager = thread.manager
        subshell = manager.subshell_id_from_thread_id(threading.get_ident())
        if subshell is None:
            pair = manager._shell_channel_to_main
        else:
            pair = manager._cache[subshell].shell_channel_to_subshell
        return _checked(pair.to_stream), manager.get_subshell_to_shell_channel_socket(subshell)
    except (AttributeError, KeyError, RuntimeError) as error:
        raise NoLane(str(error) or type(error).__name__) from error


def _checked(stream: Any) -> Any:
    """The stream, if it has all that the lane will call; the last two names end a kernel that lacks them too."""
    for name in ("socket", "on_recv", "flush", "_recv_callback"):
        getattr(stream, name)
    return stream


class CommLane:
    """Open it with `with` on the thread of the shell that runs the cell; raises `NoLane`.

    `own_comms` are comm ids of our own card: their messages are served in the cell's context and without IPython's
    cell hooks, which would flush the cell's figures early. Callbacks may come on a subshell's thread (ipykernel 7.0 to
    7.3 under JupyterLab), so they only put into a queue and wake the reader.
    """

    def __init__(self, kernel: IPythonKernel) -> None:
        self.own_comms: set[str] = set()
        self._kernel: Any = kernel
        self._interrupted = False

    def __enter__(self) -> CommLane:
        kernel = self._kernel
        self._stream, self._reply_to = _find_stream(kernel)
        try:
            # Taken here: ipykernel 7 calls back in another context than the cell's.
            self._cell = kernel.get_parent("shell")
            self._cell_ident = kernel._parent_ident["shell"]
            for name in ("_publish_status", "set_parent", "shell_handlers", "comm_manager"):
                getattr(kernel, name)
        except (AttributeError, KeyError, LookupError) as error:
            raise NoLane(str(error)) from error
        self._context = contextvars.copy_context()
        self._original = self._stream._recv_callback
        self._stream.on_recv(self._on_recv, copy=False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stream.on_recv(self._original, copy=False)

    def pump(self, timeout: float) -> None:
        """For a cell that can't be awaited: serve what comes within `timeout` seconds; raises `KeyboardInterrupt`.

        SIGINT is held back while a message is in hand, so that none is lost between the socket and the queue.
        """
        is_main = threading.current_thread() is threading.main_thread()
        self._interrupted = False
        previous = signal.signal(signal.SIGINT, self._hold_back) if is_main else None
        try:
            if self._stream.socket.poll(int(timeout * 1000), zmq.POLLIN):
                self._stream.flush(zmq.POLLIN)
        finally:
            if is_main:
                signal.signal(signal.SIGINT, previous)
        if self._interrupted:
            raise KeyboardInterrupt

    def _hold_back(self, signum: int, frame: object) -> None:
        self._interrupted = True

    def _on_recv(self, frames: Any) -> Any:
        session = self._kernel.session
        try:
            idents, rest = session.feed_identities(frames, copy=False)
            kind = session.unpack(rest[1].bytes).get("msg_type")
        except (ValueError, IndexError, TypeError, AttributeError):
            return self._original(frames)  # not a message, such as ipykernel's own "stop aborting"
        if kind not in EXPRESS:
            return self._original(frames)
        try:
            message = session.deserialize(rest, content=True, copy=False)  # checks the signature
        except (ValueError, TypeError, KeyError):
            self._kernel.log.exception("A message could not be read while a %%kimi cell runs")
            return None
        self._serve(kind, idents, message)
        return None

    def _serve(self, kind: str, idents: Any, message: dict[str, Any]) -> None:
        kernel = self._kernel
        is_own = kind == "comm_msg" and message["content"].get("comm_id") in self.own_comms
        if not is_own:
            kernel.set_parent(idents, message, channel="shell")
        kernel._publish_status("busy", "shell", parent=message)
        try:
            if is_own:
                self._call_own(message)
            else:
                self._call_handler(kind, idents, message)
        except Exception:  # top of a host: a user's widget callback may raise anything
            kernel.log.exception("A widget's callback failed while a %%kimi cell runs")
        finally:
            _flush()
            kernel._publish_status("idle", "shell", parent=message)
            if not is_own:
                kernel.set_parent(self._cell_ident, self._cell, channel="shell")
            # The cell still runs: front ends and idle cullers go by the last word.
            kernel._publish_status("busy", "shell", parent=self._cell)

    def _call_own(self, message: dict[str, Any]) -> None:
        comm = self._kernel.comm_manager.get_comm(message["content"]["comm_id"])
        callback = getattr(comm, "_msg_callback", None)
        if callback is not None:
            self._context.run(callback, message)

    def _call_handler(self, kind: str, idents: Any, message: dict[str, Any]) -> None:
        handler = self._kernel.shell_handlers.get(kind)
        result = handler(self._reply_to, idents, message) if handler else None
        if inspect.iscoroutine(result):
            with contextlib.suppress(StopIteration):
                while True:  # these handlers never really wait
                    result.send(None)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
