"""The REST routes, with good and with bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPResponse

from tests.server.conftest import NOWHERE, Api, Call, answered

KEY = "sk-canary-5d41402abc4b2a76b9719d911017c592"


async def new_task(call: Call, **fields: Any) -> str:
    code, task = await call("POST", "tasks", body=fields)
    assert code == 201
    return task["id"]


async def test_status_says_what_the_server_is(call: Call, jp_root_dir: Path) -> None:
    code, status = await call("GET", "status")

    assert code == 200
    assert status["key"] == {"set": False, "source": None, "warning": ""}
    assert status["workspace"] == str(jp_root_dir)
    assert status["mode"] == "ask"
    assert status["problem"] == ""
    assert status["base_url"] == NOWHERE
    assert "offline-demo" in [model["id"] for model in status["models"]]
    assert {"version", "provider", "model", "display_name"} <= set(status)


async def test_key_without_a_credential_store_is_kept_in_memory_and_that_is_said(
    call: Call, jp_data_dir: Path, jp_root_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code, body = await call("PUT", "key", body={"key": f" {KEY}\n"})
    assert (code, body) == (204, b"")

    _, status = await call("GET", "status")
    assert (status["key"]["set"], status["key"]["source"]) == (True, "session")
    assert "memory" in status["key"]["warning"]
    assert KEY not in json.dumps(status)
    assert KEY not in caplog.text
    for folder in (jp_data_dir, jp_root_dir):
        assert not [f for f in folder.rglob("*") if f.is_file() and KEY.encode() in f.read_bytes()]

    assert (await call("DELETE", "key"))[0] == 204
    _, status = await call("GET", "status")
    assert status["key"]["set"] is False


async def test_key_of_the_environment_is_named_as_such(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOONSHOT_API_KEY", KEY)

    _, status = await call("GET", "status")

    assert status["key"] == {"set": True, "source": "environment", "warning": ""}
    assert KEY not in json.dumps(status)


async def test_task_is_made_listed_renamed_found_exported_and_deleted(
    call: Call, jp_root_dir: Path
) -> None:
    (jp_root_dir / "a b").mkdir()
    (jp_root_dir / "a b" / "n.ipynb").write_text("{}")
    first = await new_task(call)
    second = await new_task(call, notebook="a b/n.ipynb")

    code, renamed = await call("PATCH", f"tasks/{second}", body={"title": " The  sums\n"})
    assert (code, renamed) == (200, {"id": second, "title": "The sums"})

    _, listed = await call("GET", "tasks")
    assert {task["id"] for task in listed["tasks"]} == {first, second}
    line = next(task for task in listed["tasks"] if task["id"] == second)
    assert (line["title"], line["notebook"], line["status"]) == ("The sums", "a b/n.ipynb", "idle")
    assert line["usage"]["prompt_tokens"] == 0

    _, found = await call("GET", "tasks", params={"query": "sums", "limit": 5})
    assert [task["id"] for task in found["tasks"]] == [second]

    for format in ("md", "json", "ipynb"):
        code, _ = await call("GET", f"tasks/{second}/export", params={"format": format})
        assert code == 200, format

    assert (await call("DELETE", f"tasks/{first}"))[0] == 204
    _, listed = await call("GET", "tasks")
    assert [task["id"] for task in listed["tasks"]] == [second]
    assert (await call("PATCH", f"tasks/{first}", body={"title": "x"}))[0] == 404


async def test_export_is_a_file_to_save(call: Call, jp_fetch: Any) -> None:
    task = await new_task(call)

    types: dict[str, str] = {}
    for format in ("md", "json", "ipynb"):
        answer: HTTPResponse = await jp_fetch(
            "kimi", "tasks", task, "export", params={"format": format}
        )
        types[format] = answer.headers["Content-Type"]
        assert answer.headers["Content-Disposition"] == (
            f"attachment; filename*=utf-8''kimi-{task}.{format}"
        )

    assert types == {
        "md": "text/markdown; charset=utf-8",
        "json": "application/json",
        "ipynb": "application/x-ipynb+json",
    }


async def test_files_for_mentions_are_found(call: Call, jp_root_dir: Path) -> None:
    (jp_root_dir / "src").mkdir()
    (jp_root_dir / "src" / "needle.py").write_text("x = 1\n")

    _, found = await call("GET", "files", params={"query": "needle", "limit": 3})

    assert found == {"files": [{"path": "src/needle.py", "kind": "file"}]}


async def test_slash_commands_are_listed_with_their_help(call: Call) -> None:
    _, listed = await call("GET", "commands")

    assert {"help", "new", "mode", "model"} <= {one["name"] for one in listed["commands"]}
    assert all(one["help"] for one in listed["commands"])


async def test_balance_is_read_from_the_api(call: Call, moonshot: Api) -> None:
    async with moonshot(balance=12.5):
        _, balance = await call("GET", "balance")

    assert (balance["available"], balance["currency"]) == (12.5, "USD")
    assert balance["read_at"] > 0


async def test_balance_without_a_key_is_empty(call: Call) -> None:
    code, balance = await call("GET", "balance")

    assert code == 200
    assert (balance["available"], balance["currency"], balance["read_at"]) == (None, None, None)


BAD = [
    ("PUT", "key", "{", 400),
    ("PUT", "key", b"\xff\xfe", 400),
    ("PUT", "key", "[" * 100_000, 400),
    ("PUT", "key", [1], 400),
    ("PUT", "key", {}, 400),
    ("PUT", "key", {"key": 1}, 400),
    ("PUT", "key", {"key": None}, 400),
    ("PUT", "key", {"key": ""}, 400),
    ("PUT", "key", {"key": "two words"}, 400),
    ("PUT", "key", {"key": "sk-\x00"}, 400),
    ("PUT", "key", {"key": "sk-" + "a" * 2000}, 400),
    ("PUT", "key", {"key": "a" * 1_000_001}, 413),
    ("POST", "tasks", {"notebook": 1}, 400),
    ("POST", "tasks", {"notbook": "a.ipynb"}, 400),
    ("POST", "tasks", '{"notebook": "\\ud800"}', 400),
    ("POST", "tasks", {"notebook": "../a.ipynb"}, 403),
    ("POST", "tasks", {"notebook": "/etc/passwd"}, 403),
    ("POST", "tasks", {"notebook": "a\x00.ipynb"}, 403),
    ("POST", "tasks", {"notebook": "a" * 5000}, 403),
    ("POST", "tasks", {"folder": "../.."}, 403),
    ("PATCH", "tasks/x", {"title": "x"}, 404),
    ("PATCH", "tasks/x", {"title": " "}, 400),
    ("PATCH", "tasks/x", {"title": "x" * 201}, 400),
    ("PATCH", "tasks/x", {}, 400),
    ("DELETE", "tasks/x", None, 404),
    ("DELETE", "tasks/..%2f..%2fx", None, 404),
    ("GET", "tasks/x/export", None, 404),
    ("GET", "tasks/x/export?format=exe", None, 400),
    ("GET", "tasks/x/socket", None, 404),
    ("GET", "tasks/x/socket?after=-1", None, 400),
    ("GET", "tasks?limit=0", None, 400),
    ("GET", "tasks?limit=x", None, 400),
    ("GET", "tasks?limit=١", None, 400),
    ("GET", "tasks?before=99999999999999999999999", None, 400),
    ("GET", "tasks?query=%ff", None, 400),
    ("GET", "files?limit=100000", None, 400),
    ("GET", "nothing", None, 404),
    ("POST", "status", {}, 405),
    ("PUT", "tasks", {}, 405),
]


@pytest.mark.parametrize(("method", "path", "body", "expected"), BAD)
async def test_bad_input_is_told_in_words(
    method: str,
    path: str,
    body: Any,
    expected: int,
    call: Call,
    jp_fetch: Any,
    http_server_client: Any,
    jp_base_url: str,
    jp_auth_header: dict[str, str],
) -> None:
    data = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
    code, told = await answered(
        http_server_client.fetch(
            f"{jp_base_url}kimi/{path}",
            method=method,
            body=data,
            headers=jp_auth_header,
            allow_nonstandard_methods=True,
        )
    )

    assert code == expected
    assert set(told) == {"error"}
    assert set(told["error"]) == {"code", "message"}
    assert told["error"]["message"].endswith((".", "?"))
    assert "Traceback" not in told["error"]["message"]


@pytest.mark.parametrize(
    "query",
    ["'", '"', "a AND", "*", "NEAR(", "a:b", "^", "\x01", "%", "🙂", "x" * 2000, "- -", "()"],
)
async def test_search_takes_any_text(query: str, call: Call) -> None:
    await new_task(call)

    code, found = await call("GET", "tasks", params={"query": query})

    assert (code, set(found)) == (200, {"tasks"})


async def test_reading_changes_nothing(call: Call, jp_data_dir: Path) -> None:
    task = await new_task(call)
    await call("GET", "tasks")

    def snapshot() -> dict[str, bytes]:
        return {str(f): f.read_bytes() for f in jp_data_dir.rglob("*.jsonl")}

    before = snapshot()
    for path in ("status", "tasks", "files", "commands", "balance", f"tasks/{task}/export"):
        for method in ("GET", "HEAD", "OPTIONS"):
            await call(method, path)

    assert snapshot() == before


async def test_a_task_is_forked_by_its_id_and_the_last_event(call: Call) -> None:
    id = await new_task(call)
    await call("PATCH", f"tasks/{id}", body={"title": "Mine"})
    code, fork = await call("POST", "tasks", body={"from": id, "upto": 2})
    assert code == 201
    _, listed = await call("GET", "tasks")
    titles = {task["id"]: task["title"] for task in listed["tasks"]}
    assert titles == {id: "Mine", fork["id"]: "Mine (fork)"}


async def test_a_fork_without_a_number_takes_the_whole_task(call: Call) -> None:
    id = await new_task(call)
    await call("PATCH", f"tasks/{id}", body={"title": "Whole"})
    code, fork = await call("POST", "tasks", body={"from": id})
    assert code == 201
    _, listed = await call("GET", "tasks")
    assert {task["id"]: task["title"] for task in listed["tasks"]}[fork["id"]] == "Whole (fork)"


@pytest.mark.parametrize("upto", [0, -1, 1.5, "2", True, 10**17])
async def test_a_fork_without_a_good_number_is_refused(call: Call, upto: object) -> None:
    id = await new_task(call)
    code, body = await call("POST", "tasks", body={"from": id, "upto": upto})
    assert (code, body["error"]["code"]) == (400, "bad_request")
    assert (await call("POST", "tasks", body={"from": "0" * 32, "upto": 1}))[0] == 404
