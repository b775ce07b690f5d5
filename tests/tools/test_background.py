"""Commands in the background: their output, their end, and that nothing of them is left."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import uuid
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from kimi_jupyter.agent.background import MOST, Commands
from kimi_jupyter.agent.tool import Result
from kimi_jupyter.protocol.errors import CommandRefused, KimiError
from kimi_jupyter.protocol.events import CommandBackgrounded, CommandEnded, Event
from tests.tools.support import alive, call, effect_of, put, until, until_async, work_in

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]


class Host:
    """A task's commands, as the tools see them; all are ended at the end."""

    def __init__(self, tmp_path: Path) -> None:
        self.events: list[Event] = []
        self.commands = Commands(self._emit, clean=lambda text: text.replace("hush", "***"))
        self.work = replace(work_in(tmp_path), commands=self.commands)

    def _emit(self, event: Event) -> Event:
        self.events.append(event)
        return event

    @property
    def ended(self) -> list[CommandEnded]:
        return [event for event in self.events if isinstance(event, CommandEnded)]

    def sendable(self, name: str) -> bool:
        """Send it to the background, once it runs."""
        try:
            self.commands.send(name)
        except CommandRefused:
            return False
        return True

    async def start(self, name: str, command: str, **more: object) -> Result:
        work = replace(self.work, call=name)
        return await call("execute_command", work, command=command, background=True, **more)

    async def read(self, name: str, **more: object) -> Result:
        return await call("read_output", self.work, call=name, **more)

    async def stop(self, name: str) -> Result:
        return await call("stop_command", self.work, call=name)


@pytest.fixture
async def host(tmp_path: Path) -> AsyncGenerator[Host]:
    host = Host(tmp_path)
    yield host
    await host.commands.close()


@pytest.fixture
def mark() -> str:
    """A word for `sleep`'s arguments, so that the test finds its own processes and no others."""
    return f"3{uuid.uuid4().int % 10**9:09d}"


def tree(mark: str) -> str:
    """A command that starts processes which get away from a mere kill of their group."""
    return (
        f"setsid sleep {mark} & env -i setsid /bin/sleep {mark} & nohup sleep {mark} & sleep {mark}"
    )


async def test_the_user_sends_a_running_command_to_the_background(host: Host) -> None:
    work = replace(host.work, call="c:1")
    command = "echo one; until test -e go; do sleep 0.01; done; echo two"
    running = asyncio.ensure_future(call("execute_command", work, command=command))
    assert await until_async(lambda: not running.done() and host.sendable("c:1"))
    result = await asyncio.wait_for(running, 5)
    assert (result.ok, result.summary) == (True, "in the background")
    assert "it goes on in the background" in result.output
    assert "read_output(call='c:1')" in result.output
    assert host.events == [CommandBackgrounded(call="c:1")]
    put(work, {"go": ""})
    assert await until_async(lambda: host.ended != [])
    assert (host.ended[0].call, host.ended[0].summary) == ("c:1", "exit code 0")
    assert host.ended[0].output == "one\ntwo"


async def test_what_it_prints_is_read_piece_by_piece_and_from_the_start(host: Host) -> None:
    wait = "until test -e {0}; do sleep 0.01; done"
    command = f"echo one; {wait.format('a')}; echo two; {wait.format('b')}; echo three; exit 3"
    started = await host.start("c:1", command)
    assert started.output.startswith("one\n\nAs you asked, it goes on in the background")
    assert (await host.read("c:1")).output == "(no output)\n\nIt still runs."
    put(host.work, {"a": ""})
    texts: list[str] = []
    while not texts or "two" not in texts[-1]:
        texts.append((await asyncio.wait_for(host.read("c:1"), 5)).output)
    assert texts[-1] == "two\n\nIt still runs."
    put(host.work, {"b": ""})
    last = await host.read("c:1", wait_seconds=30)
    assert (last.output, last.summary) == ("three\n\nIt is over: exit code 3.", "exit code 3")
    whole = await host.read("c:1", from_start=True)
    assert whole.output == "one\ntwo\nthree\n\nIt is over: exit code 3."


async def test_a_line_that_is_not_finished_is_read_too(host: Host) -> None:
    await host.start("c:1", "printf 'Continue? '; exec sleep 300")
    assert (await host.read("c:1", from_start=True)).output == "Continue? \n\nIt still runs."


async def test_a_long_output_leaves_out_its_middle_and_names_the_log(host: Host) -> None:
    await host.start("c:1", "echo begin; until test -e go; do sleep 0.01; done; seq 1 20000")
    put(host.work, {"go": ""})
    output = (await host.read("c:1", wait_seconds=30)).output
    assert output.startswith("[… ")
    assert "all of it is in" in output
    assert "\n19999\n20000\n\nIt is over: exit code 0." in output
    assert len(output) < 13_000
    lines = output.split(" …]\n")[1].split("\n\n")[0].split("\n")
    assert lines == [str(n) for n in range(20_001 - len(lines), 20_001)]


async def test_a_command_that_fails_at_once_is_answered_with_its_failure(host: Host) -> None:
    result = await host.start("c:1", "echo no >&2; exit 2")
    assert (result.ok, result.output) == (False, "no\n\nexit code 2")
    assert host.events == []


async def test_the_time_limit_does_not_count_in_the_background(host: Host) -> None:
    started = await host.start("c:1", "sleep 1.5; echo done", timeout_seconds=1)
    assert started.summary == "in the background"
    last = await host.read("c:1", wait_seconds=30)
    assert last.output == "done\n\nIt is over: exit code 0."


async def test_the_users_wish_lifts_the_time_limit(host: Host) -> None:
    work = replace(host.work, call="c:1")
    running = asyncio.ensure_future(
        call("execute_command", work, command="sleep 3.5; echo done", timeout_seconds=3)
    )
    assert await until_async(lambda: host.sendable("c:1"))
    assert (await asyncio.wait_for(running, 5)).summary == "in the background"
    last = await host.read("c:1", wait_seconds=30)
    assert last.output == "done\n\nIt is over: exit code 0."


async def test_the_effect_says_that_it_runs_in_the_background(host: Host) -> None:
    front = await effect_of("execute_command", host.work, command="ls")
    back = await effect_of("execute_command", host.work, command="ls", background=True)
    assert front.command is not None
    assert back.command is not None
    assert (front.command.background, back.command.background) == (False, True)
    assert (back.title, back.digest != front.digest) == ("Run command in the background", True)


async def test_j1_stop_command_ends_every_descendant(host: Host, mark: str) -> None:
    await host.start("c:1", f"echo here; {tree(mark)}")
    assert await until_async(lambda: len(alive(f"sleep\0{mark}")) == 4)
    result = await asyncio.wait_for(host.stop("c:1"), 5)
    assert alive(mark) == []
    assert (result.ok, result.summary) == (True, "stopped")
    assert host.ended == [CommandEnded(call="c:1", summary="stopped", output="here")]
    again = await host.stop("c:1")
    assert (again.ok, again.output) == (True, "(no output)\n\nIt is over: stopped.")


async def test_j1_one_is_stopped_and_the_others_go_on(host: Host, mark: str) -> None:
    await host.start("c:1", f"sleep {mark}")
    await host.start("c:2", f"sleep {mark}")
    await asyncio.wait_for(host.stop("c:1"), 5)
    assert len(alive(f"sleep\0{mark}")) == 1
    assert (await host.read("c:2")).summary == "still runs"


async def test_j2_the_end_of_the_host_ends_all(host: Host, mark: str) -> None:
    await host.start("c:1", tree(mark))
    await host.start("c:2", f"trap '' TERM HUP INT; {tree(mark)}")
    assert await until_async(lambda: len(alive(f"sleep\0{mark}")) == 8)
    await asyncio.wait_for(host.commands.close(), 5)
    assert alive(mark) == []
    assert {(event.call, event.summary) for event in host.ended} == {
        ("c:1", "stopped"),
        ("c:2", "stopped"),
    }


async def test_j2_a_killed_host_leaves_nothing_in_the_background(tmp_path: Path, mark: str) -> None:
    work_in(tmp_path)
    program = textwrap.dedent(
        f"""
        import asyncio
        from pathlib import Path
        from tests.tools.support import call, work_in

        async def main():
            work = work_in(Path({str(tmp_path)!r}))
            await call("execute_command", work, command={tree(mark)!r}, background=True)
            print("answered", flush=True)
            await asyncio.Event().wait()

        asyncio.run(main())
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[2], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"answered\n"
    assert until(lambda: len(alive(f"sleep\0{mark}")) == 4)
    process.kill()
    process.communicate(timeout=5)
    assert until(lambda: alive(mark) == [])


async def test_the_model_is_told_once_of_an_end_that_it_has_not_read(host: Host) -> None:
    for name in ("c:1", "c:2"):
        await host.start(name, "until test -e go; do sleep 0.01; done")
    put(host.work, {"go": ""})
    await host.read("c:1", wait_seconds=30)
    assert await until_async(lambda: len(host.ended) == 2)
    news = host.commands.news()
    assert (
        news
        == "The background command of call c:2 is over: exit code 0. read_output has its output."
    )
    assert host.commands.news() == ""


async def test_e4_what_the_log_keeps_of_the_output_is_without_secrets(host: Host) -> None:
    await host.start("c:1", "until test -e go; do sleep 0.01; done; echo hush")
    put(host.work, {"go": ""})
    assert await until_async(lambda: host.ended != [])
    assert host.ended[0].output == "***"


async def test_a_cancelled_wait_leaves_the_command_running(host: Host, mark: str) -> None:
    await host.start("c:1", f"sleep {mark}")
    waiting = asyncio.ensure_future(host.read("c:1", wait_seconds=60))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(alive(f"sleep\0{mark}")) == 1


async def test_what_is_not_running_is_refused_in_words(host: Host) -> None:
    with pytest.raises(CommandRefused, match="not running any more"):
        host.commands.send("c:1")
    with pytest.raises(KimiError, match="No command went on in the background under 'c:1'"):
        await host.read("c:1")
    with pytest.raises(KimiError, match="There are: none"):
        await host.stop("c:1")


async def test_there_is_a_limit_to_the_number_of_commands(host: Host, mark: str) -> None:
    starts = [host.start(f"c:{n}", f"sleep {mark}") for n in range(MOST)]
    await asyncio.wait_for(asyncio.gather(*starts), 60)
    with pytest.raises(KimiError, match="16 commands run in the background already"):
        await host.start("c:more", f"sleep {mark}")
    assert len(alive(f"sleep\0{mark}")) == MOST


async def test_a_call_id_that_is_taken_is_refused(host: Host, mark: str) -> None:
    await host.start("c:1", f"sleep {mark}")
    with pytest.raises(KimiError, match="same call id"):
        await host.start("c:1", f"sleep {mark}")
    assert len(alive(f"sleep\0{mark}")) == 1
