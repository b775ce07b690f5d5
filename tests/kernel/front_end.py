"""A front end for a real kernel: runs cells, draws what comes back, and presses the buttons of widgets."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0

Message = dict[str, Any]


@dataclass
class Cell:
    """One execute request and what it has come to so far."""

    id: str
    outputs: list[dict[str, Any]] = field(default_factory=list)
    """MIME bundles in their order, as last updated."""
    ids: list[str | None] = field(default_factory=list)
    streams: str = ""
    error: tuple[str, str] | None = None
    is_idle: bool = False
    started_at: float | None = None

    @property
    def text(self) -> str:
        """All outputs as Markdown, else text."""
        shown = (data.get("text/markdown", data.get("text/plain", "")) for data in self.outputs)
        return "\n\n".join(shown)

    def show(self, data: dict[str, Any], display_id: str | None) -> None:
        self.outputs.append(data)
        self.ids.append(display_id)


class FrontEnd:
    """Drives one kernel over a blocking client, as JupyterLab and others do over theirs."""

    def __init__(
        self,
        client: BlockingKernelClient,
        interrupt: Callable[[], None],
        shutdown: Callable[[], None] = lambda: None,
    ) -> None:
        self.client = client
        self.interrupt = interrupt
        self.shutdown = shutdown
        self.cells: dict[str, Cell] = {}
        self.comms: dict[str, dict[str, Any]] = {}
        """State of each open widget by comm id."""
        self._replied: set[str] = set()
        self.subshell: str | None = None
        """Where comm messages go, as JupyterLab sends them; `None` for the main shell, as VS Code does."""

    def run(
        self,
        code: str,
        *,
        cell_id: str | None = "11111111-aaaa",
        allow_stdin: bool = True,
        stop_on_error: bool = True,
    ) -> Cell:
        """Send a cell; it does not wait. `cell_id` as JupyterLab, `None` as a console names it."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": allow_stdin,
            "stop_on_error": stop_on_error,
        }
        metadata = {"cellId": cell_id} if cell_id is not None else {}
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        cell = Cell(message["header"]["msg_id"])
        self.cells[cell.id] = cell
        return cell

    def finish(self, cell: Cell, timeout: float = PATIENCE) -> Cell:
        """Read until the kernel has ended the cell, and take its reply.

        ipykernel 7.0 to 7.3 may never read a request that comes while it sends a reply, so the reply is waited for;
        it is lost where an interrupt strikes ipykernel between a cell and its reply, so it is not waited for long.
        """
        self.until(lambda: cell.is_idle, timeout)
        with contextlib.suppress(Empty):
            while cell.id not in self._replied:
                reply = self.client.get_shell_msg(timeout=1)
                self._replied.add(reply["parent_header"].get("msg_id", ""))
        return cell

    def do(self, code: str, **options: Any) -> Cell:
        """Run a cell to its end."""
        return self.finish(self.run(code, **options))

    def until(self, is_true: Callable[[], bool], timeout: float = PATIENCE) -> None:
        """Read messages until something holds."""
        end = time.monotonic() + timeout
        while not is_true():
            left = end - time.monotonic()
            assert left > 0, f"it did not come true; the cells show:\n{self._told()}"
            self._read(min(left, 0.5))

    def shows(self, cell: Cell, text: str, timeout: float = PATIENCE) -> None:
        """Read until the cell shows the text."""
        self.until(lambda: text in cell.text or text in cell.streams or cell.is_idle, timeout)
        assert text in cell.text + cell.streams, f"{text!r} is not there:\n{self._told()}"

    def button(self, label: str) -> str | None:
        """The comm of the button with this label, if it is on the page and can be pressed."""
        for comm, state in self.comms.items():
            if state.get("_model_name") == "ButtonModel" and state.get("description") == label:
                return None if state.get("disabled") else comm
        return None

    def press(self, label: str) -> None:
        """Wait for the button and click it, as ipywidgets' view does."""
        self.until(lambda: self.button(label) is not None)
        comm = self.button(label)
        assert comm is not None
        self.click(comm)

    def click(self, comm: str) -> None:
        self.send(comm, {"method": "custom", "content": {"event": "click"}})

    def draw(self) -> None:
        """Do what a page does that draws the card: the view of Play counts."""
        self.until(lambda: self.play() is not None)
        comm = self.play()
        assert comm is not None
        self.send(comm, {"method": "update", "state": {"value": 1}, "buffer_paths": []})

    @property
    def html(self) -> str:
        """What all HTML widgets on the page show."""
        return "\n".join(str(state.get("value", "")) for state in self.comms.values())

    def play(self) -> str | None:
        for comm, state in self.comms.items():
            if state.get("_model_name") == "PlayModel":
                return comm
        return None

    def send(self, comm: str, data: Mapping[str, Any]) -> None:
        message = self.client.session.msg("comm_msg", {"comm_id": comm, "data": data})
        if self.subshell is not None:
            message["header"]["subshell_id"] = self.subshell
        self.client.shell_channel.send(message)

    def use_subshell(self) -> None:
        """Send comm messages to a subshell of their own from now on, as JupyterLab 4.4 and later do."""
        request = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(request)
        reply = self.client.get_control_msg(timeout=PATIENCE)
        self.subshell = reply["content"]["subshell_id"]

    def ask(self, kind: str, content: Mapping[str, Any]) -> Message:
        """Send a request to the shell and wait for its reply, whatever the kernel is doing."""
        message = self.client.session.msg(kind, dict(content))
        self.client.shell_channel.send(message)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            reply = self.client.get_shell_msg(timeout=PATIENCE)
            self._replied.add(reply["parent_header"]["msg_id"])
            if reply["parent_header"]["msg_id"] == message["header"]["msg_id"]:
                return reply["content"]
        raise AssertionError(f"there was no reply to {kind}")

    def type(self, text: str) -> str:
        """Wait until the kernel asks for a line, answer it; returns the prompt."""
        request = self.client.get_stdin_msg(timeout=PATIENCE)
        self.client.input(text)
        return request["content"]["prompt"]

    def _read(self, timeout: float) -> None:
        try:
            message = self.client.get_iopub_msg(timeout=timeout)
        except Empty:
            return
        cell = self.cells.get(message["parent_header"].get("msg_id", ""))
        self._take(message["msg_type"], message["content"], cell)

    def _take(self, kind: str, content: Message, cell: Cell | None) -> None:
        if kind == "comm_open":
            self.comms[content["comm_id"]] = dict(content["data"].get("state", {}))
        elif kind == "comm_msg" and content["data"].get("method") == "update":
            self.comms.setdefault(content["comm_id"], {}).update(content["data"]["state"])
        elif kind == "comm_close":
            self.comms.pop(content["comm_id"], None)
        elif kind == "update_display_data":
            self._update(content)
        elif cell is not None:
            self._take_of_cell(kind, content, cell)

    def _take_of_cell(self, kind: str, content: Message, cell: Cell) -> None:
        if kind in ("display_data", "execute_result"):
            cell.show(content["data"], content.get("transient", {}).get("display_id"))
        elif kind == "stream":
            cell.streams += content["text"]
        elif kind == "error":
            cell.error = (content["ename"], content["evalue"])
        elif kind == "status" and content["execution_state"] == "idle":
            cell.is_idle = True
        elif kind == "execute_input":
            cell.started_at = time.monotonic()

    def _update(self, content: Message) -> None:
        display_id = content["transient"]["display_id"]
        for cell in self.cells.values():
            for n, known in enumerate(cell.ids):
                if known == display_id:
                    cell.outputs[n] = content["data"]

    def _told(self) -> str:
        return "\n---\n".join(f"{c.text}\n{c.streams}\n{c.error}" for c in self.cells.values())


class _Manager(KernelManager):
    """Starts the kernel of one interpreter, without a kernelspec on the disk."""

    def __init__(self, python: str, **options: Any) -> None:
        super().__init__(**options)
        argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        self._kernel_spec = KernelSpec(argv=argv, display_name="test", language="python")


@contextmanager
def kernel(python: str, folder: Path, environ: Mapping[str, str]) -> Iterator[FrontEnd]:
    """A kernel that nobody but us has started, as VS Code starts them."""
    file = folder.parent / f"kernel-v2-{folder.name}.json"
    manager = _Manager(python, connection_file=str(file))
    manager.start_kernel(cwd=str(folder), env=dict(environ))
    client = manager.blocking_client()
    client.start_channels(hb=False)
    try:
        client.wait_for_ready(timeout=60)
        yield FrontEnd(client, manager.interrupt_kernel, manager.shutdown_kernel)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
