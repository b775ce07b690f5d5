"""C1 to C10: what is approved is what was shown, once, by an answer to this very question."""

from __future__ import annotations

import asyncio
import hashlib
import html
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kimi_jupyter import tools
from kimi_jupyter.agent.asks import Asks
from kimi_jupyter.kernel.visible import visible
from kimi_jupyter.protocol.commands import AskAnswer, ModeSet, TurnStart, TurnStop
from kimi_jupyter.protocol.effects import Effect
from kimi_jupyter.protocol.errors import CommandRefused
from kimi_jupyter.protocol.events import (
    AskClosed,
    AskOpened,
    Event,
    ToolDone,
    ToolRunning,
    TurnEnded,
)
from kimi_jupyter.protocol.settings import Settings
from kimi_jupyter.safety import files
from kimi_jupyter.safety.paths import Workspace
from tests.agent.desk import Desk, call
from tests.agent.injections import NEW

pytestmark = pytest.mark.anyio
Make = Callable[..., Desk]
END = [{"text": "ok"}]
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
TRICKY = ["echo  two  spaces", "echo 'a b'\t# tab", "echo \u202e\u200b⁠x", "echo a\\\n b", "echo \"$((1+1))\"; :",
          "echo é e\u0301", "echo ' '" + " " * 10_000 + "&& true", "true </dev/null 2>&1", "echo `echo x`"]  # fmt: skip


async def start(d: Desk) -> None:
    await d.submit(TurnStart(text="Go"))


@linux
@pytest.mark.parametrize("command", TRICKY)
async def test_c1_the_command_on_the_card_is_the_one_that_the_shell_gets(
    desk: Make, command: str
) -> None:
    """The weak stub shows the words again, as a shell would read them: another text."""
    whole = f"tr '\\0' '\\n' < /proc/$$/cmdline | tail -n +5; {command}"
    assert shlex.join(shlex.split(whole, posix=False)) != whole, "the danger did not show"
    d = desk([[call("execute_command", command=whole, timeout_seconds=17)], END], tools=tools.ALL)
    await start(d)
    ask = await d.answer("approve")
    await d.until(TurnEnded)
    line = ask.effect.command
    assert line is not None
    assert (line.command, line.cwd, line.timeout_seconds) == (whole, ".", 17)
    assert visible(whole, keep="\n\t") in visible(d.all(ToolDone)[0].output)


TEXTS = st.text(alphabet="ab \n\r\t\u202eé\u2028", max_size=40)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(TEXTS, TEXTS)
def test_c1_what_a_diff_shows_is_what_is_written(tmp_path: Path, before: str, after: str) -> None:
    """The weak stub compares stripped lines, and hides what differs in white space only."""
    workspace = Workspace(tmp_path)
    (tmp_path / "a").write_bytes(before.encode())
    diff = files.diff("a", files.read_text(workspace, "a"), after)
    files.replace(
        workspace, "a", files.encode(after, files.read_text(workspace, "a")), expected=diff.before_hash
    )  # fmt: skip
    written = (tmp_path / "a").read_bytes()
    assert diff.after_hash == hashlib.sha256(written).hexdigest()
    assert diff.after == re.sub("\r\n|\r", "\n", written.decode())
    shown = [line[1:] for line in diff.unified.splitlines(keepends=True) if line[0] in "+-"]
    assert bool(shown or diff.before_hash == diff.after_hash or "\r" in before + after)


def test_c1_danger_a_diff_of_stripped_lines_hides_a_change() -> None:
    before, after = ["if x:", "    a()", "    b()"], ["if x:", "    a()", "b()"]
    assert [line.strip() for line in before] == [line.strip() for line in after]


@pytest.mark.parametrize(
    "char",
    "\u202e\u2066\u200b\u200e\u2060\u00ad\ufeff\u3164\u00a0\ufe0f\x1b\x08\x7f\x9b\r\U000e0041",
)
async def test_c2_a_trick_character_is_shown_as_what_it_is_and_never_taken_out(
    desk: Make, char: str
) -> None:
    command = f"echo a{char}b"
    assert char in html.escape(command)  # the weak stub: safe for HTML, and a riddle for the reader
    d = desk([[call("run", command=command)], END])
    await start(d)
    ask = await d.answer("reject")
    assert ask.effect.command is not None
    assert ask.effect.command.command == command
    assert f"⟨U+{ord(char):04X}⟩" in visible(ask.effect.command.command)


async def test_c3_bytes_that_changed_between_card_and_click_are_never_overwritten(
    desk: Make,
) -> None:
    d = desk([[call("write_file", path="a.txt", content="mine\n")], END], tools=tools.ALL)
    (d.root / "a.txt").write_text("old\n")
    await start(d)
    first = await d.until(AskOpened)
    (d.root / "a.txt").write_text("theirs\n")
    await d.answer("approve")
    assert (d.root / "a.txt").read_text() == "theirs\n"  # the weak stub writes here
    second = await d.until(AskOpened, after=first.seq)
    assert second.ask != first.ask
    assert second.effect.diff is not None
    assert second.effect.diff.before == "theirs\n"


async def test_c4_an_answer_counts_for_its_own_question_only(desk: Make) -> None:
    script = [[call("put", path="a", content="1")], [call("put", path="b", content="2")], END]
    d = desk(script)
    await start(d)
    first = await d.until(AskOpened)
    assert first.call == "put:0"  # the weak stub binds to this, which every task has
    assert len(bytes.fromhex(first.ask)) == 16
    for foreign in (first.call, first.ask[::-1], first.ask.upper() + " ", "", "f" * 32):
        with pytest.raises(CommandRefused):
            await d.submit(AskAnswer(ask=foreign, decision="approve"))
    await d.answer("approve")
    second = await d.until(AskOpened, after=first.seq)
    for decision in ("approve", "reject", "approve_task"):
        with pytest.raises(CommandRefused, match="already answered"):
            await d.submit(AskAnswer(ask=first.ask, decision=decision))
    assert not (d.root / "b").exists()
    assert d.task.open_asks == 1
    await d.submit(AskAnswer(ask=second.ask, decision="reject"))
    await d.until(TurnEnded)
    assert not (d.root / "b").exists()
    assert len({ask.ask for ask in d.all(AskOpened)}) == 2


@pytest.mark.parametrize("end", ["stop", "restart", "plan"])
async def test_c4_an_approval_after_the_end_of_its_question_does_nothing(
    desk: Make, end: str
) -> None:
    d = desk([[call("put", path="a", content="1")], END, END])
    await start(d)
    ask = await d.until(AskOpened)
    late = AskAnswer(ask=ask.ask, decision="approve")
    if end == "stop":
        await d.submit(TurnStop())
        await d.until(TurnEnded)
    elif end == "restart":
        await d.task.close()
        d.reopen()
    else:
        await d.submit(ModeSet(mode="plan"))
        await d.submit(late)
        await d.until(TurnEnded)
    with pytest.raises(CommandRefused):
        await d.submit(late)
    assert not (d.root / "a").exists()
    assert not d.all(ToolRunning)


class Weak:
    """Asks that take every answer as long as the call runs: two clicks, two executions."""

    def __init__(self) -> None:
        self.executed = 0

    async def answer(self) -> None:
        await asyncio.sleep(0)
        self.executed += 1


async def test_c5_of_two_answers_at_once_exactly_one_counts() -> None:
    weak = Weak()
    await asyncio.gather(weak.answer(), weak.answer())
    assert weak.executed == 2, "the danger did not show"
    for round in range(500):
        stated: list[Event] = []

        def emit(event: Event, stated: list[Event] = stated) -> Event:
            stated.append(event)
            return event

        asks = Asks(emit)
        options: Any = ("approve", "reject")
        opened = AskOpened(ask=f"{round:032x}", kind="write", call="c",
                           effect=Effect(kind="write", title="t"), options=options)  # fmt: skip
        waiting = asyncio.ensure_future(asks.open(opened, is_editable=False))
        await asyncio.sleep(0)

        async def click(decision: Any, asks: Asks = asks, ask: str = opened.ask) -> bool:
            await asyncio.sleep(0)
            try:
                asks.answer(AskAnswer(ask=ask, decision=decision), by="browser")
            except CommandRefused:
                return False
            return True

        order = options if round % 2 else options[::-1]
        counted = await asyncio.gather(*map(click, order), click(order[0]))
        assert sum(counted) == 1
        closed = [event.decision for event in stated if isinstance(event, AskClosed)]
        assert closed == [(await waiting).decision] == [order[counted.index(True)]]


async def test_c8_a_question_that_nobody_answers_is_never_an_approval(desk: Make) -> None:
    d = desk([[call("put", path="a", content="1")], END, END])
    await start(d)
    ask = await d.until(AskOpened)
    assert d.task.status == "waiting"
    await d.task.close()
    d.reopen()
    weak = not any(closed.decision == "reject" for closed in d.all(AskClosed))
    assert weak, "the weak stub takes for approved what was not rejected"
    (closed,) = d.all(AskClosed)
    assert (closed.ask, closed.decision, closed.by) == (ask.ask, "cancelled", "agent")
    assert d.task.open_asks == 0
    assert not (d.root / "a").exists()
    assert (await d.send("Go on")).reason == "done"
    assert not (d.root / "a").exists()


async def test_c9_an_unknown_tool_does_nothing_in_any_mode(desk: Make) -> None:
    d = desk(
        [[call("write_everything", path="a", content="x")], END], settings=Settings(mode="bypass")
    )
    await d.send("Go")
    assert "There is no tool" in d.all(ToolDone)[0].output
    assert [path.name for path in d.root.iterdir()] == []


async def test_c9_bypass_ends_with_the_process(desk: Make) -> None:
    d = desk([END, [call("put", path="a", content="1")], END])
    await d.submit(ModeSet(mode="bypass"))
    await d.send("One")
    weak = next(e for e in reversed(d.events) if e.type == "mode.changed")
    d.reopen()
    assert getattr(weak, "mode", "") == "bypass", "the log alone would arm it again"
    assert d.task.mode == "ask"
    await start(d)
    await d.until(AskOpened)
    assert not (d.root / "a").exists()


async def test_c10_an_approval_for_the_task_never_widens(desk: Make) -> None:
    """The weak stub remembers the name of the action, as some agents do: one command approves all."""
    d = desk(
        [[call("run", command="ls")], [call("run", command="ls")], [call("run", command="rm -r a")], END]
    )  # fmt: skip
    await start(d)
    first = await d.answer("approve_task")
    second = await d.until(AskOpened, after=first.seq)
    assert first.effect.kind == second.effect.kind, "the weak stub would let it through"
    assert d.run_tool.ran == ["ls", "ls"]
    await d.answer("reject", after=first.seq)
    await d.until(TurnEnded)
    assert d.run_tool.ran == ["ls", "ls"]


async def test_c10_after_a_rejection_nothing_of_the_same_step_is_done(desk: Make) -> None:
    step = [call("put", path=name, content="x") for name in ("a", "b", "c")]
    d = desk([step, END])
    await start(d)
    first = await d.answer("approve")
    await d.answer("reject", after=first.seq)
    await d.until(TurnEnded)
    assert sorted(path.name for path in d.root.iterdir()) == ["a"]
    assert len(step) == 3  # the weak stub goes on with the third


@pytest.mark.parametrize("mode", ["ask", "accept_edits", "plan", "bypass"])
@pytest.mark.parametrize(
    "name", [*NEW, ".git/config", "conftest.py", "pyproject.toml", ".bashrc", ".env", "Makefile"]
)
async def test_b4_a_protected_name_has_a_card_that_says_why_in_every_mode(
    desk: Make, mode: Any, name: str
) -> None:
    d = desk(
        [[call("write_file", path=name, content="owned\n")], END],
        tools=tools.ALL,
        settings=Settings(mode=mode, auto_approve_write=True),
    )  # fmt: skip
    await start(d)
    if mode == "plan":
        await d.until(TurnEnded)
        assert "Plan mode" in d.all(ToolDone)[0].output
    else:
        ask = await d.answer("reject")
        assert ask.why.startswith(f"`{name}` is protected: ")
        assert ask.options == ("approve", "reject")
        await d.until(TurnEnded)
    assert not (d.root / name).exists()


async def test_b4_danger_the_same_write_of_another_name_asks_for_nothing(desk: Make) -> None:
    d = desk(
        [[call("write_file", path="plain.txt", content="owned\n")], END],
        tools=tools.ALL,
        settings=Settings(mode="bypass"),
    )
    assert (await d.send("Go")).reason == "done"
    assert (d.root / "plain.txt").read_text() == "owned\n"


@pytest.mark.parametrize("mode", ["ask", "accept_edits", "plan", "bypass"])
@pytest.mark.parametrize("name", [".env", "server.pem", ".netrc", ".aws/credentials", "id_rsa"])
async def test_b8_reading_a_secret_file_asks_in_every_mode(
    desk: Make, mode: Any, name: str
) -> None:
    d = desk(
        [[call("read_file", path="plain.txt"), call("read_file", path=name)], END],
        tools=tools.ALL,
        settings=Settings(mode=mode),
    )
    for path in ("plain.txt", name):
        (d.root / path).parent.mkdir(exist_ok=True)
        (d.root / path).write_text("correct-horse")
    await start(d)
    ask = await d.answer("reject", comment="no")
    await d.until(TurnEnded)
    assert ask.effect.paths == (name,)
    outputs = [done.output for done in d.all(ToolDone)]
    assert sum("correct-horse" in output for output in outputs) == 1  # of the plain one: the danger


@pytest.mark.parametrize("mode", ["ask", "accept_edits", "plan", "bypass"])
@pytest.mark.parametrize("search", ["PASSWORD=c", "PASSWORD=correct\nX=2", "no such text"])
async def test_b8_a_secret_file_cannot_be_felt_out_by_an_edit(
    desk: Make, mode: Any, search: str
) -> None:
    """Whether a text fits, and the lines near one that does not, tell what stands in the file."""
    secret = "A=1\nPASSWORD=correct-horse\nX=1\n"
    weak = [line for line in secret.splitlines() if search[:9] in line]
    assert bool(weak) == search.startswith("PASSWORD"), "the weak stub tells the nearest line"
    d = desk(
        [[call("apply_diff", path=".env", hunks=[{"search": search, "replace": "y"}])], END],
        tools=tools.ALL,
        settings=Settings(mode=mode),
    )
    (d.root / ".env").write_text(secret)
    await start(d)
    if mode != "plan":
        ask = await d.answer("reject", comment="no")
        assert ask.why.startswith("`.env` is protected: ")
    await d.until(TurnEnded)
    assert "correct-horse" not in str(d.requests)
    assert (d.root / ".env").read_text() == secret


async def test_b8_a_miss_in_a_plain_file_asks_where_reads_ask(desk: Make) -> None:
    d = desk(
        [[call("apply_diff", path="a", hunks=[{"search": "x = 2", "replace": "y"}])], END],
        tools=tools.ALL,
        settings=Settings(auto_approve_read=False),
    )
    (d.root / "a").write_text("x = 1\n")
    await start(d)
    assert (await d.answer("approve")).kind == "read"
    await d.until(TurnEnded)
    assert "x = 1" in d.all(ToolDone)[0].output
