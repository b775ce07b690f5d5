"""J1 and J3: commands that do not want to end, that wait for a keyboard, or that never stop talking."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from kimi_jupyter.agent.tool import Work
from kimi_jupyter.tools.execute_command import ExecuteCommandParams
from tests.tools.support import TOOLS, alive, call, put, until, until_async, work_in
from tests.tools.vitals import MOST_LAG, MOST_MEMORY, vitals

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]
TOOL = TOOLS["execute_command"]


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return work_in(tmp_path)


@pytest.fixture
def mark() -> str:
    """A word for `sleep`'s arguments, so that the test finds its own processes and no others."""
    return f"3{uuid.uuid4().int % 10**9:09d}"


async def stopped(
    work: Work, command: str, started: int, mark: str, wrote: Path | None = None
) -> None:
    """Run a command, wait until so many of its processes are there and it has written that file, and press Stop."""
    params = ExecuteCommandParams(command=command)
    running = asyncio.ensure_future(TOOL.run(params, await TOOL.effect(params, work), work))
    assert await until_async(
        lambda: len(alive(mark)) >= started and (wrote is None or wrote.exists())
    )
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 5)


async def test_j1_danger_who_waits_for_the_end_of_the_output_waits_for_what_the_command_left(
    mark: str,
) -> None:
    left = subprocess.Popen(
        ["bash", "-c", f"sleep {mark} & echo done"], stdout=subprocess.PIPE, start_new_session=True
    )
    with pytest.raises(subprocess.TimeoutExpired):
        left.communicate(timeout=1)
    os.killpg(left.pid, signal.SIGKILL)
    left.communicate()


async def test_j1_an_output_held_open_by_what_the_command_left_keeps_nobody_waiting(
    work: Work, mark: str
) -> None:
    command = f"sleep {mark} & echo done"
    result = await asyncio.wait_for(call("execute_command", work, command=command), 5)
    assert result.output.startswith("done\n\nexit code 0\n")
    assert "sleep (pid " in result.output
    assert alive(mark) == []


@pytest.mark.parametrize(
    "command",
    [
        "read -p 'Continue? ' answer; echo got:$answer",
        "read answer < /dev/tty; echo got:$answer",
        "python3 -c 'print(input())'",
        "bash -c 'exec 3<>/dev/tty; echo Password: >&3; read -u 3 word'",
        "cat",
    ],
    ids=["read", "terminal", "input", "password prompt", "cat"],
)
async def test_j1_a_command_that_waits_for_a_person_ends_by_itself(
    work: Work, command: str
) -> None:
    result = await asyncio.wait_for(
        call("execute_command", work, command=command, timeout_seconds=60), 10
    )
    assert "timed out" not in result.summary


async def test_j1_stop_ends_a_writer_in_the_background_and_the_file_grows_no_more(
    work: Work, mark: str
) -> None:
    command = f"setsid bash -c 'while :; do echo x >> grows; done' {mark} & sleep {mark}"
    grown = work.workspace.root / "grows"
    await stopped(work, command, 2, mark, wrote=grown)
    assert alive(mark) == []
    size = grown.stat().st_size
    assert size > 0
    await asyncio.sleep(0.05)
    assert grown.stat().st_size == size


async def test_j1_stop_ends_a_whole_tree_of_processes(work: Work, mark: str) -> None:
    put(
        work,
        {
            "tree.sh": "test $1 = 0 && exec sleep $2\nfor n in 1 2 3; do setsid bash $0 $(($1-1)) $2 & done; wait\n"
        },
    )
    await stopped(work, f"bash tree.sh 3 {mark}", 30, mark)
    assert alive(mark) == []


async def test_j1_the_time_limit_ends_what_ignores_every_polite_signal(
    work: Work, mark: str
) -> None:
    deaf = "trap '' TERM INT HUP QUIT; while :; do sleep " + mark + "; done"
    command = f'setsid bash -c "{deaf}" & {deaf}'
    result = await asyncio.wait_for(
        call("execute_command", work, command=command, timeout_seconds=1), 7
    )
    assert result.summary == "timed out after 1 s"
    assert alive(mark) == []


async def test_j3_danger_who_collects_an_output_holds_all_of_it() -> None:
    async with vitals() as seen:
        flood = await asyncio.create_subprocess_exec(
            *("head", "-c", "150000000", "/dev/zero"), stdout=subprocess.PIPE
        )
        out, _ = await flood.communicate()
        await asyncio.sleep(0.05)
    assert len(out) == 150_000_000
    assert seen.memory > MOST_MEMORY


@pytest.mark.parametrize(
    ("command", "begins"),
    [
        ("yes | head -c 120000000", "y\ny\n"),
        ("head -c 60000000 /dev/zero", ""),
        ("head -c 8000000 /dev/urandom", ""),
        ("head -c 100000000 /dev/zero | tr '\\0' x", "xxx"),
        ("seq 1 600000", "1\n2\n"),
        ("seq 1 600000 | tr '\\n' '\\r'", ""),
        ("for n in $(seq 200000); do echo $n >&2; done", "1\n2\n"),
    ],
    ids=["yes", "zeros", "binary", "no line end", "many lines", "progress", "errors"],
)
async def test_j3_a_flood_neither_holds_the_loop_nor_fills_the_memory(
    tmp_path: Path, command: str, begins: str
) -> None:
    reported = 0

    def report(text: str) -> None:
        nonlocal reported
        reported += len(text)

    work = work_in(tmp_path, report=report)
    for _ in range(3):  # a busy machine may hold the loop once; what we do would hold it each time
        reported = 0
        async with vitals() as seen:
            result = await call("execute_command", work, command=command, timeout_seconds=40)
        if seen.lag <= MOST_LAG:
            break
    assert result.summary == "exit code 0"
    assert result.output.startswith(begins)
    assert len(result.output.encode()) < 60_000
    assert seen.lag <= MOST_LAG
    assert seen.memory <= MOST_MEMORY
    assert reported < 200_000 * (1 + seen.seconds)
    assert all(log.stat().st_size <= 50_200_000 for log in work.logs.glob("*"))


async def test_j3_a_flood_is_ended_by_stop_within_a_moment(work: Work, mark: str) -> None:
    async with vitals() as seen:
        await stopped(work, f"yes | cat & yes & sleep {mark}", 1, mark)
    assert alive(mark) == []
    assert seen.lag <= MOST_LAG
    assert until(lambda: not _flooding(), seconds=2)


def _flooding() -> list[str]:
    """Our own descendants that are called `yes`."""
    found: list[str] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        if "(yes)" in text and text.rpartition(")")[2].split()[:2][1] == str(os.getpid()):
            found.append(text)
    return found


_DEAF_HOST = """
import os, socket, subprocess, sys, time
from kimi_jupyter.tools import shell
ours, theirs = socket.socketpair()
cwd = os.open(".", os.O_RDONLY)
subprocess.Popen(
    [sys.executable, "-I", "-S", str(shell._SUPERVISOR), str(theirs.fileno()), str(cwd), *sys.argv[1:]],
    pass_fds=(theirs.fileno(), cwd), start_new_session=True,
)
theirs.close()
time.sleep(60)
"""
"""A host that never reads what the supervisor tells it."""


async def test_j2_host_that_is_killed_with_the_supervisors_words_unread_leaves_nothing(
    mark: str,
) -> None:
    host = subprocess.Popen(
        [sys.executable, "-c", _DEAF_HOST, "/bin/bash", "-c", f"setsid sleep {mark} & wait"]
    )
    try:
        # the host, the supervisor, the shell and what it started
        assert await until_async(lambda: len(alive(mark)) >= 4)
    finally:
        host.kill()
        host.wait(10)
    assert await until_async(lambda: alive(mark) == [])
