"""The REST routes: lists, forms and the key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from jupyter_server.auth.decorator import authorized
from tornado import web

from kimi_jupyter.protocol.errors import TaskNotFound
from kimi_jupyter.server.access import ID_HEADER, Forbidden
from kimi_jupyter.server.handlers import BadRequest, RestHandler, whole_number

if TYPE_CHECKING:
    from kimi_jupyter.server.engine import Engine

Format = Literal["md", "json", "ipynb"]
_LATEST = 2**53 - 1
_FORMATS: dict[Format, str] = {
    "md": "text/markdown; charset=utf-8",
    "json": "application/json",
    "ipynb": "application/x-ipynb+json",
}


def task_id(given: str) -> str:
    """An id as it may be looked up; raises `TaskNotFound` for what can't be one."""
    if re.fullmatch(r"[0-9A-Za-z_-]{1,80}", given) is None:
        raise TaskNotFound("There is no such task; it may have been deleted.")
    return given


class StatusHandler(RestHandler):
    """What this server is and can do; never the key."""

    auth_resource = "kimi_jupyter:status"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        engine = await self.engine()
        status = {**await engine.runtime.status(), "problem": self.host.problem}
        if self.is_kernel:
            status["unattended"] = engine.runtime.settings().unattended
            status["kernel"] = self.request.headers[ID_HEADER] in self.kernel_manager
            status["notebook"] = await self._notebook()
        self.answer(status)

    async def _notebook(self) -> str | None:
        """The notebook that the asking kernel is open in, relative to the workspace."""
        kernel = self.request.headers[ID_HEADER]
        sessions: list[dict[str, Any]] = await self.session_manager.list_sessions()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] -- Jupyter's is untyped
        paths = (
            s["path"] for s in sessions if s["kernel"]["id"] == kernel and s["type"] == "notebook"
        )
        return next(paths, None)


class KeyHandler(RestHandler):
    """The API key: it goes in and never comes out."""

    auth_resource = "kimi_jupyter:key"

    @web.authenticated
    @authorized
    async def put(self) -> None:
        key = self.fields(needed=("key",))["key"].strip()
        if re.fullmatch(r"[!-~]{1,1000}", key) is None:
            raise BadRequest("This is not an API key: a key is one word of plain characters.")
        engine = await self.engine()
        await engine.runtime.keys.set(key)
        self.host.on_change("key", None)
        self.nothing()

    @web.authenticated
    @authorized
    async def delete(self) -> None:
        engine = await self.engine()
        await engine.runtime.keys.clear()
        self.host.on_change("key", None)
        self.nothing()


class TasksHandler(RestHandler):
    """The history, and the start of a task."""

    auth_resource = "kimi_jupyter:tasks"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        before = self.get_query_argument("before", None)
        query = self.get_query_argument("query", "")
        limit = self.number("limit", default=50, most=500)
        upto = whole_number("before", before, least=0, most=_LATEST) if before else None
        engine = await self.engine()
        tasks = await engine.runtime.list_tasks(query, limit, upto)
        self.answer({"tasks": [task.model_dump(mode="json") for task in tasks]})

    @web.authenticated
    @authorized
    async def post(self) -> None:
        given = self.fields(optional=("notebook", "folder", "from"), numbers=("upto",))
        engine = await self.engine()
        if "from" in given:
            id = await self._fork(engine, given)
        else:
            task = await engine.runtime.create_task(
                notebook=given.get("notebook"), folder=given.get("folder"), origin=self.by
            )
            id = task.id
        self.answer({"id": id}, status=201)

    async def _fork(self, engine: Engine, given: dict[str, str]) -> str:
        if self.is_kernel:
            raise Forbidden("A notebook's kernel forks no task; use the Kimi sidebar.")
        upto = whole_number("upto", given.get("upto", str(_LATEST)), least=1, most=_LATEST)
        task = await engine.runtime.fork_task(task_id(given["from"]), upto)
        return task.id


class TaskHandler(RestHandler):
    """One line of the history."""

    auth_resource = "kimi_jupyter:task"

    @web.authenticated
    @authorized
    async def patch(self, given: str) -> None:
        title = " ".join(self.fields(needed=("title",))["title"].split())
        if not 1 <= len(title) <= 200:
            raise BadRequest("A title has 1 to 200 characters.")
        engine = await self.engine()
        await engine.runtime.rename(task_id(given), title)
        self.answer({"id": given, "title": title})

    @web.authenticated
    @authorized
    async def delete(self, given: str) -> None:
        engine = await self.engine()
        await engine.runtime.delete(task_id(given))
        self.nothing()


class ExportHandler(RestHandler):
    """A task as a file."""

    auth_resource = "kimi_jupyter:export"

    @web.authenticated
    @authorized
    async def get(self, given: str) -> None:
        fmt = self.get_query_argument("format", "md")
        if fmt != "md" and fmt != "json" and fmt != "ipynb":
            raise BadRequest(f"`format` must be one of {', '.join(_FORMATS)}.")
        engine = await self.engine()
        name = task_id(given)
        data = await engine.runtime.export(name, fmt)
        self.set_attachment_header(f"kimi-{name}.{fmt}")
        self.finish(data, set_content_type=_FORMATS[fmt])


class FilesHandler(RestHandler):
    """Names of workspace files for @mentions."""

    auth_resource = "kimi_jupyter:files"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        query = self.get_query_argument("query", "")[:500]
        limit = self.number("limit", default=10, most=200)
        engine = await self.engine()
        self.answer({"files": await engine.runtime.find_files(query, limit)})


class CommandsHandler(RestHandler):
    """The slash commands with their help."""

    auth_resource = "kimi_jupyter:commands"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        engine = await self.engine()
        self.answer({"commands": engine.runtime.commands()})


class BalanceHandler(RestHandler):
    """What is left on the account."""

    auth_resource = "kimi_jupyter:balance"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        engine = await self.engine()
        self.answer(await engine.runtime.balance())


class UnknownHandler(RestHandler):
    """Every other address below ours, so that its error is told like all others."""

    auth_resource = "kimi_jupyter:unknown"

    @web.authenticated
    @authorized
    async def get(self, given: str) -> None:
        raise web.HTTPError(404)

    post = put = patch = delete = get


ROUTES: list[tuple[str, type[RestHandler]]] = [
    (r"/kimi/status", StatusHandler),
    (r"/kimi/key", KeyHandler),
    (r"/kimi/tasks", TasksHandler),
    (r"/kimi/tasks/([^/]+)", TaskHandler),
    (r"/kimi/tasks/([^/]+)/export", ExportHandler),
    (r"/kimi/files", FilesHandler),
    (r"/kimi/commands", CommandsHandler),
    (r"/kimi/balance", BalanceHandler),
]
