"""B10 and J4: files and trees that are no ordinary ones take little time and memory, hold up nothing, and stay as they are."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from kimi_jupyter.agent.tool import Work
from kimi_jupyter.protocol.errors import KimiError
from tests.tools.support import TOOLS, call, put, work_in
from tests.tools.vitals import MOST_LAG, MOST_MEMORY, Vitals, vitals

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="files of Linux"),
]
READS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("read_file", {}),
    ("search_files", {"pattern": "needle"}),
)
WRITES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("write_file", {"content": "new\n"}),
    ("apply_diff", {"hunks": [{"search": "old", "replace": "new"}]}),
)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return work_in(tmp_path)


async def tried(work: Work, name: str, **arguments: Any) -> str:
    """What the model is told, within five seconds."""
    try:
        return (await asyncio.wait_for(call(name, work, **arguments), 5)).output
    except KimiError as error:
        return str(error)


def assert_well(seen: Vitals, *, seconds: float = 2.5) -> None:
    assert seen.seconds <= seconds
    assert seen.memory <= MOST_MEMORY
    assert seen.lag <= MOST_LAG


def make(kind: str, path: Path) -> None:
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            at = os.open(path.parent, os.O_RDONLY)
            server.bind(f"/proc/self/fd/{at}/{path.name}")
            os.close(at)
    elif kind == "device":
        try:
            os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
        except PermissionError:
            pytest.skip("only root makes devices")
    else:
        path.symlink_to({"zero": "/dev/zero", "terminal": "/dev/tty", "itself": path.name}[kind])


KINDS = ("fifo", "socket", "device", "zero", "terminal", "itself")


def test_b10_danger_who_opens_a_pipe_or_reads_a_device_never_comes_back(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", Path("/dev/zero")):
        reader = subprocess.Popen(
            [sys.executable, "-c", "import sys; open(sys.argv[1], 'rb').read(1 << 33)", str(path)]
        )
        with pytest.raises(subprocess.TimeoutExpired):
            reader.wait(0.3)
        reader.kill()
        reader.wait()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("tool", "arguments"), READS + WRITES, ids=lambda value: str(value)[:12])
async def test_b10_what_is_no_regular_file_is_refused_at_once_and_stays(
    work: Work, kind: str, tool: str, arguments: dict[str, Any]
) -> None:
    put(work, {"x.txt": ""})
    odd = work.workspace.root / "odd"
    make(kind, odd)
    before = odd.lstat()
    async with vitals() as seen:
        said = await tried(work, tool, path="odd", **arguments)
    assert "odd" in said or "no line matches" in said
    assert_well(seen)
    assert (odd.lstat().st_mode, odd.lstat().st_ino) == (before.st_mode, before.st_ino)


@pytest.mark.parametrize("kind", KINDS)
async def test_b10_what_is_no_regular_file_keeps_no_search_and_no_list_waiting(
    work: Work, kind: str
) -> None:
    put(work, {"x.txt": "needle\n"})
    make(kind, work.workspace.root / "odd")
    async with vitals() as seen:
        assert "x.txt:1: needle" in await tried(work, "search_files", pattern="needle")
        assert "odd" in await tried(work, "list_files")
    assert_well(seen)


@pytest.mark.parametrize(("tool", "arguments"), READS + WRITES, ids=lambda value: str(value)[:12])
@pytest.mark.parametrize("kind", ["sparse", "line"])
async def test_b10_a_huge_file_takes_little_time_and_memory(
    work: Work, kind: str, tool: str, arguments: dict[str, Any]
) -> None:
    huge = put(work, {"huge.txt": ""}) / "huge.txt"
    if kind == "sparse":
        os.truncate(huge, 10 * 1024**3)
    else:
        with huge.open("wb") as file:
            for _ in range(40):
                file.write(b"x" * 5_000_000)
    size = huge.stat().st_size
    async with vitals() as seen:
        await tried(work, tool, path="huge.txt", **arguments)
    assert_well(seen, seconds=4)
    assert huge.stat().st_size == size


async def test_b10_a_file_that_grows_while_it_is_read_is_read_to_some_end(work: Work) -> None:
    log = put(work, {"a.log": "first\n" * 1000}) / "a.log"
    is_over = threading.Event()

    def grow() -> None:
        with log.open("a") as file:
            while not is_over.is_set():
                file.write("more and more\n" * 100)
                file.flush()

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        async with vitals() as seen:
            assert "1\tfirst" in await tried(work, "read_file", path="a.log", limit=5)
            said = await tried(work, "write_file", path="a.log", content="new\n")
            await tried(work, "search_files", path="a.log", pattern="absent")
    finally:
        is_over.set()
        writer.join()
    assert_well(seen, seconds=8)
    assert log.read_bytes().startswith(b"first\n" if "nothing was written" in said else b"new\n")


FORMS = {
    "utf-8 with a mark": b"\xef\xbb\xbfone\r\nold\r\n",
    "utf-16": "one\r\nold\r\n".encode("utf-16"),
    "utf-16 big": b"\xfe\xff" + "one\nold\n".encode("utf-16-be"),
    "no last line end": b"one\nold",
    "mixed ends": b"one\r\nold\nthree\r\n",
    "old mac": b"one\nold\r\nlast",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mode", [0o755, 0o4755, 0o640, 0o600])
async def test_b10_an_edit_keeps_mode_mark_line_ends_and_attributes(
    work: Work, form: str, mode: int
) -> None:
    data = FORMS[form]
    file = put(work, {"a.txt": data}) / "a.txt"
    file.chmod(mode)
    try:
        os.setxattr(file, "user.kept", b"yes")
        has_attributes = True
    except OSError:
        has_attributes = False
    hunks = [{"search": "old", "replace": "new"}]
    assert (await call("apply_diff", work, path="a.txt", hunks=hunks)).ok
    code = "utf-16-be" if form == "utf-16 big" else "utf-16-le" if form == "utf-16" else "ascii"
    assert file.read_bytes() == data.replace("old".encode(code), "new".encode(code))
    assert stat.S_IMODE(file.stat().st_mode) == mode
    assert not has_attributes or os.getxattr(file, "user.kept") == b"yes"


@pytest.mark.parametrize(
    "data", [b"caf\xe9 old\n", b"old \xff\xfe\n", b"old\0\n", b"\xed\xa0\x80old"]
)
async def test_b10_bytes_that_are_no_text_are_not_written_over(work: Work, data: bytes) -> None:
    file = put(work, {"a.txt": data}) / "a.txt"
    for tool, arguments in WRITES:
        await tried(work, tool, path="a.txt", **arguments)
        assert file.read_bytes() in (data, data.replace(b"old", b"new"))


async def test_b10_an_empty_and_a_read_only_file(work: Work) -> None:
    root = put(work, {"empty": "", "fixed": "old\n"})
    (root / "fixed").chmod(0o444)
    assert "is empty" in await tried(work, "read_file", path="empty")
    assert "read-only" in await tried(work, "write_file", path="fixed", content="new\n")
    assert (root / "fixed").read_text() == "old\n"
    await tried(work, "write_file", path="empty", content="new\n")
    assert (root / "empty").read_text() == "new\n"


def dig(root: Path, depth: int) -> None:
    """Folders in folders, deeper than any path may be long."""
    at = os.open(root, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("deep", dir_fd=at)
        below = os.open("deep", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(os.open("needle.txt", os.O_WRONLY | os.O_CREAT, dir_fd=at))
    os.close(at)


@pytest.mark.parametrize("tool", ["list_files", "search_files"])
async def test_j4_a_tree_of_thousands_of_folders_in_each_other_ends_in_time(
    work: Work, tool: str
) -> None:
    dig(put(work, {"x.txt": "needle\n"}), 5_000)
    arguments = {"depth": 10} if tool == "list_files" else {"pattern": "needle"}
    try:
        async with vitals() as seen:
            said = await asyncio.wait_for(call(tool, work, **arguments), 40)
        assert "x.txt" in said.output
        assert seen.lag <= MOST_LAG
        assert seen.memory <= MOST_MEMORY
    finally:  # pytest's own clearing gives up on such a tree
        subprocess.run(["rm", "-rf", "deep"], cwd=work.workspace.root, check=True)


async def test_j4_loops_unreadable_folders_and_odd_names_keep_nobody_from_the_rest(
    work: Work,
) -> None:
    root = put(
        work, {"in/x.txt": "needle\n", "new\nline.txt": "needle\n", "shut/y.txt": "needle\n"}
    )
    (root / "in" / "loop").symlink_to("..")
    (root / "one").symlink_to("two")
    (root / "two").symlink_to("one")
    Path(os.fsdecode(os.fsencode(root) + b"/bad\xff.txt")).write_text("needle\n")
    (root / "shut").chmod(0)
    try:
        async with vitals() as seen:
            found = await tried(work, "search_files", pattern="needle")
            shown = await tried(work, "list_files", depth=10)
    finally:
        (root / "shut").chmod(0o755)
    assert "x.txt:1: needle" in found
    assert len([line for line in found.split("\n") if line.endswith(": needle")]) >= 3
    assert "loop  (link)" in shown
    found.encode()
    shown.encode()
    assert_well(seen, seconds=4)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)+b", r"(\w+\s?)*!", "(?=(a+))(a|aa)+c", "(.*)*x"]
)
async def test_j4_a_catastrophic_pattern_is_ended_by_stop_and_holds_nothing(
    work: Work, pattern: str
) -> None:
    put(work, {"a.txt": "a" * 70 + " !!\n" + "a" * 70 + "\n"})
    async with vitals() as seen:
        running = asyncio.ensure_future(call("search_files", work, pattern=pattern))
        await asyncio.wait([running], timeout=0.5)
        running.cancel()
        await asyncio.wait([running], timeout=5)
        assert running.done()
    assert_well(seen, seconds=4)


async def test_j4_a_list_is_ended_by_stop(work: Work) -> None:
    put(work, {f"d{n}/e{n}/x.txt": "" for n in range(2_000)})
    tool = TOOLS["list_files"]
    params = tool.params(depth=10, limit=1000)
    running = asyncio.ensure_future(tool.run(params, await tool.effect(params, work), work))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 1)
