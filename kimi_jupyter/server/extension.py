"""The server extension: settings, routes, and what is done at start and at shutdown."""

from __future__ import annotations

import asyncio
import atexit
from pathlib import Path

import jupyter_server
from jupyter_events import EventLogger
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.contents.fileio import FileManagerMixin
from traitlets import Bool

from kimi_jupyter.server import notices
from kimi_jupyter.server.access import KernelIdentity
from kimi_jupyter.server.host import Host
from kimi_jupyter.server.kernel_file import KernelFile, kernel_url
from kimi_jupyter.server.rest import ROUTES, UnknownHandler
from kimi_jupyter.server.socket import TaskSocket

_LONGEST_CLOSE = 10.0
_NO_LOGIN = (
    "This server asks for neither a token nor a password, so that anyone who reaches it could make the agent "
    "run commands. Start it with a token, or, where nobody else can reach it, with "
    "`--KimiJupyter.allow_without_auth=True`."
)
_NOT_LOCAL = (
    "The files of this server are not in a folder of this machine (its contents manager is `{}`), "
    "so Kimi's tools can't work on them. Start Jupyter with its usual contents manager."
)


class KimiJupyter(ExtensionApp):
    """Kimi Jupyter in a Jupyter server."""

    name = "kimi_jupyter"
    load_other_extensions = True
    allow_without_auth = Bool(
        False, help="Let the agent run on a server that asks for neither a token nor a password."
    ).tag(config=True)

    _host: Host | None = None
    _kernel_file: KernelFile | None = None

    def initialize_settings(self) -> None:
        """Make what the handlers share."""
        server = _linked(self.serverapp)
        self._kernel_file = KernelFile(Path(server.runtime_dir))
        self._host = Host(
            workspace=Path(server.root_dir),
            problem=self._problem(server),
            kernel_identity=KernelIdentity(self._kernel_file.secret),
            on_change=self._changed,
        )
        self.settings["kimi_host"] = self._host

    def initialize_handlers(self) -> None:
        """Add the routes, and have the rest done when the loop runs and the port is known."""
        self.handlers.extend(ROUTES)
        self.handlers.append((r"/kimi/tasks/([^/]+)/socket", TaskSocket))
        self.handlers.append((r"/kimi/(.*)", UnknownHandler))
        server = _linked(self.serverapp)
        notices.register(_bus(server))
        server.io_loop.add_callback(self._announce)  # pyright: ignore[reportUnknownMemberType] -- tornado's is untyped
        if jupyter_server.version_info < (2, 20):
            self.log.warning(
                "Jupyter Server %s has known security faults that Kimi Jupyter can't make up for; "
                "update it to 2.20 or newer.",
                jupyter_server.__version__,
            )

    def current_activity(self) -> dict[str, int] | None:  # pyright: ignore[reportIncompatibleMethodOverride] -- the base has no type, only an empty body
        """Running turns and background commands, so that a server that looks idle is not stopped in the middle of one."""
        engine = self._host.made if self._host else None
        busy = engine.busy_tasks if engine else 0
        return {"busy_tasks": busy} if busy else None

    async def stop_extension(self) -> None:
        """End all turns with the commands that they run, and close the logs."""
        if self._kernel_file is not None:
            self._kernel_file.remove()
            atexit.unregister(self._kernel_file.remove)
        if self._host is None:
            return
        try:
            await asyncio.wait_for(self._host.close(), _LONGEST_CLOSE)
        except asyncio.TimeoutError:
            self.log.error("Kimi's tasks did not close within %s seconds.", _LONGEST_CLOSE)

    def _problem(self, server: ServerApp) -> str:
        if not isinstance(server.contents_manager, FileManagerMixin):
            return _NOT_LOCAL.format(type(server.contents_manager).__name__)
        if not server.identity_provider.auth_enabled and not self.allow_without_auth:
            return _NO_LOGIN
        return ""

    def _announce(self) -> None:
        server, file = _linked(self.serverapp), self._kernel_file
        if file is None:
            return
        atexit.register(file.remove)
        try:
            file.write(kernel_url(server), server.base_url)
        except OSError as error:
            self.log.warning(
                "%s can't be written (%s): `%%%%kimi` will work inside the kernels, not through this server.",
                file.path,
                error.strerror,
            )

    def _changed(self, what: str, task: str | None) -> None:
        server = _linked(self.serverapp)
        engine = self._host.made if self._host else None
        notices.emit(_bus(server), what, task=task, open_asks=engine.open_asks if engine else 0)


def _linked(server: ServerApp | None) -> ServerApp:
    assert server is not None, "the extension is linked to a server before it is loaded"
    return server


def _bus(server: ServerApp) -> EventLogger:
    assert isinstance(server.event_logger, EventLogger), (
        "the server makes its bus before it loads extensions"
    )
    return server.event_logger
