"""B1 to B10 for every tool: no path, name or odd file lets a call out of the workspace or past a question."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from kimi_jupyter.agent.attachments import read_attachments
from kimi_jupyter.agent.tool import Work
from kimi_jupyter.protocol.commands import AttachmentRequest
from kimi_jupyter.protocol.errors import KimiError, PathRefused
from kimi_jupyter.safety.protected import protection, strictest
from tests.tools.support import TOOLS, call, effect_of, put, work_in

pytestmark = pytest.mark.anyio
SECRET = "the secret of another folder"
PATHS: dict[str, dict[str, Any]] = {
    "read_file.path": {},
    "list_files.path": {},
    "search_files.path": {"pattern": "secret"},
    "write_file.path": {"content": "owned"},
    "apply_diff.path": {"hunks": [{"search": SECRET, "replace": "owned"}]},
    "execute_command.cwd": {"command": "cat * > found; ls -a"},
}
"""Every argument of a tool that is a path, with what else that tool needs."""
ESCAPES = [
    "../outside/{}", "a/../../outside/{}", "a/./../../outside//{}", "{outside}/{}", "link/{}", "a/up/outside/{}",
    "/proc/self/root{outside}/{}", "/proc/self/cwd/../outside/{}", "loop/{}", "../ws-other/{}",
]  # fmt: skip
ODD = ["\0", "a\0b", "a\nb", "~/x", "~root/x", "file:///etc/passwd", "//host/share", "\\\\host\\share", "a\\..\\b",
       "C:/x", "x" * 256, "a/" * 2_100 + "b", "%2e%2e%2foutside\n", "/dev/stdin\r"]  # fmt: skip


@pytest.fixture
def work(tmp_path: Path) -> Work:
    made = work_in(tmp_path)
    outside = tmp_path / "outside"
    for folder in (outside, tmp_path / "ws-other"):
        folder.mkdir()
        (folder / "secret.txt").write_text(SECRET)
    root = put(made, {"a/x.txt": "x"})
    (root / "link").symlink_to(outside)
    (root / "a" / "up").symlink_to("../..")
    (root / "loop").symlink_to("loop")
    return made


def filled(path: str, work: Work, name: str) -> str:
    outside = str(work.workspace.root.parent / "outside")
    return path.replace("{outside}", outside).replace("{}", name)


def outside_of(work: Work) -> dict[str, str]:
    parent = work.workspace.root.parent
    return {
        str(path.relative_to(parent)): path.read_text()
        for folder in ("outside", "ws-other")
        for path in (parent / folder).iterdir()
    }


def test_b1_danger_joined_paths_leave_the_workspace(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weak stub joins the path to the root; a weaker one compares the beginning of the text."""
    monkeypatch.chdir(work.workspace.root)
    found = 0
    for path in ESCAPES:
        target = Path(os.path.join(work.workspace.root, filled(path, work, "secret.txt")))
        try:
            found += target.read_text() == SECRET
        except OSError:
            continue
    assert found >= 7
    sibling = os.path.normpath(work.workspace.root / "../ws-other/secret.txt")
    assert sibling.startswith(str(work.workspace.root))


@pytest.mark.parametrize("path", ESCAPES)
@pytest.mark.parametrize("argument", PATHS)
async def test_b1_no_path_of_no_tool_leaves_the_workspace(
    work: Work, argument: str, path: str
) -> None:
    tool, _, name = argument.partition(".")
    before = outside_of(work)
    said: list[str] = []
    for target in ("secret.txt", "missing.txt", ""):
        given = filled(path, work, target).rstrip("/")
        with pytest.raises(KimiError) as refused:
            await call(tool, work, **{name: given, **PATHS[argument]})
        said.append(str(refused.value).replace(given, "…"))
    assert SECRET not in str(said)
    assert said[0] == said[1], "the answer tells whether a file exists"
    assert outside_of(work) == before


@pytest.mark.parametrize("path", ODD)
@pytest.mark.parametrize("argument", PATHS)
async def test_b1_what_is_no_plain_path_is_refused(work: Work, argument: str, path: str) -> None:
    tool, _, name = argument.partition(".")
    with pytest.raises((PathRefused, ValueError)):
        await call(tool, work, **{name: path, **PATHS[argument]})


@pytest.mark.parametrize("path", [*ESCAPES, *ODD])
async def test_b1_no_mention_leaves_the_workspace(work: Work, path: str) -> None:
    given = filled(path, work, "secret.txt")
    assert SECRET not in _attached(work, given, text=f'Look at @"{given}" and @{given}')


def _attached(work: Work, path: str, *, text: str) -> str:
    """What the model would be given, or the refusal."""
    try:
        requests = (AttachmentRequest(path=path),) if path else ()
        found = read_attachments(work.workspace, folder=".", text=text, requests=requests)
    except KimiError as error:
        return str(error)
    return str(found)


@pytest.mark.parametrize("cwd", ["/", "..", "../..", "link", "a/up", "a/x.txt", "/tmp", "\0", "~"])
async def test_b2_a_folder_that_the_model_names_never_widens_the_boundary(
    work: Work, cwd: str
) -> None:
    """The weak stub takes the named folder as the root; then all that lies there is inside."""
    if cwd in ("/", "..", "../..", "link", "a/up", "/tmp"):
        weak = Path(os.path.realpath(os.path.join(work.workspace.root, cwd)))
        target = work.workspace.root.parent / "outside" / "secret.txt"
        assert weak in Path(os.path.realpath(target)).parents
    with pytest.raises((PathRefused, KimiError)):
        await call("execute_command", work, command="pwd", cwd=cwd)
    assert (await call("execute_command", work, command="pwd")).output.startswith(
        str(work.workspace.root)
    )
    with pytest.raises(PathRefused):
        await call("read_file", work, path="../outside/secret.txt")


NAMES = [".git/hooks/pre-commit", ".git/config", "conftest.py", "pyproject.toml", ".bashrc", ".vscode/tasks.json",
         ".env", ".ssh/id_rsa", ".cursor/mcp.json", ".ipython/profile_default/startup/a.py", "Makefile",
         ".github/workflows/a.yml", "sub/.git", "server.pem", "random.py"]  # fmt: skip
STATES = ["exists", "absent", "parent absent", "is a link"]


def stand(work: Work, name: str, state: str) -> str:
    root = work.workspace.root
    if state == "parent absent":
        return f"new/folder/{name}" if name != "random.py" else name
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    if state == "exists":
        (root / name).write_text("old\n")
    elif state == "is a link":
        (root / name).write_text("old\n")
        (root / "harmless.txt").symlink_to(name)
        return "harmless.txt"
    return name


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", NAMES)
async def test_b3_a_protected_name_is_protected_whatever_is_there(
    work: Work, name: str, state: str
) -> None:
    path = stand(work, name, state)
    weak = (work.workspace.root / path).exists() and path in NAMES
    effects = [await effect_of("write_file", work, path=path, content="owned\n")]
    if state in ("exists", "is a link"):
        hunks = [{"search": "old", "replace": "owned"}]
        effects.append(await effect_of("apply_diff", work, path=path, hunks=hunks))
    for effect in effects:
        names = {one for given in effect.paths for one in (given, work.workspace.real(given))}
        assert strictest(sorted(names), root=work.workspace.root) is not None
    if state == "is a link":
        assert not weak
    else:
        assert weak == (state == "exists"), (
            "the weak stub, which asks for what exists, misses the rest"
        )
        command = await effect_of("execute_command", work, command=f"echo owned > {path}")
        assert command.protected is not None


def test_b6_danger_another_spelling_passes_a_plain_comparison() -> None:
    weak = {".git/hooks/pre-commit", "conftest.py", ".env"}
    spellings = [
        ".GIT/Hooks/pre-commit",
        "Conftest.PY",
        ".env.",
        "．env",
        ".ENV ",
        "con\u200dftest.py",
    ]
    assert not weak & set(spellings)
    assert all(protection(spelling) is not None for spelling in spellings)


@pytest.mark.parametrize("name", [".env", ".env.local", "a.pem", "id_rsa", ".netrc", ".aws/credentials", ".kube/config",
                                  ".npmrc", ".pypirc", "jpserver-1.json"])  # fmt: skip
async def test_b8_a_secret_file_is_no_part_of_a_search_a_mention_or_an_attachment(
    work: Work, name: str
) -> None:
    root = put(work, {f"conf/{name}": f"x={SECRET}\n", "conf/plain.txt": f"y={SECRET}\n"})
    weak = [
        path for path in (root / "conf").rglob("*") if path.is_file() and SECRET in path.read_text()
    ]
    assert len(weak) == 2, "the danger did not show"
    found = await call("search_files", work, pattern=SECRET)
    assert f"y={SECRET}" in found.output
    assert f"x={SECRET}" not in found.output
    read = await effect_of("read_file", work, path=f"conf/{name}")
    guard = protection(read.paths[0])
    assert guard is not None
    assert guard.read
    assert SECRET in _attached(work, "conf/plain.txt", text="")
    assert SECRET not in _attached(work, f"conf/{name}", text="")
    assert SECRET not in _attached(work, "", text=f"See @conf/{name} and @conf/")


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices are POSIX")
@pytest.mark.parametrize("kind", ["pipe", "device", "link to a device", "socket-like folder"])
async def test_b10_an_odd_file_holds_up_neither_a_reader_nor_a_writer(
    work: Work, kind: str
) -> None:
    target = work.workspace.root / "odd"
    if kind == "pipe":
        os.mkfifo(target)
        waits = threading.Thread(target=lambda: target.read_bytes(), daemon=True)
        waits.start()
        waits.join(0.1)
        assert waits.is_alive(), "the danger did not show"
        os.close(os.open(target, os.O_WRONLY | os.O_NONBLOCK))
    elif kind == "socket-like folder":
        target.mkdir()
    else:
        target.symlink_to("/dev/zero")
    for tool, more in (
        ("read_file", {}),
        ("write_file", {"content": "x"}),
        ("apply_diff", {"hunks": [{"search": "a", "replace": "b"}]}),
    ):
        with pytest.raises(KimiError):
            await asyncio.wait_for(call(tool, work, path="odd", **more), 2)
    await asyncio.wait_for(call("search_files", work, pattern="x"), 5)
    assert (await asyncio.wait_for(call("list_files", work), 5)).ok


def test_b1_every_path_argument_of_every_tool_is_in_the_table() -> None:
    found = {
        f"{name}.{field}"
        for name, tool in TOOLS.items()
        for field in tool.params.model_fields
        if field in ("path", "cwd", "folder", "file", "paths")
    }
    assert found == set(PATHS)
