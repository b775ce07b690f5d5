"""E5: what a task states, in cards, results, live output and the log, holds no secret of the user."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from kimi_jupyter import tools
from kimi_jupyter.agent.live import LiveOutput
from kimi_jupyter.agent.secrets import DESTROYS, REFUSED, SHOWN_AS_MARK
from kimi_jupyter.protocol.commands import TurnStart
from kimi_jupyter.protocol.events import AskOpened, ToolDone, ToolOutput, TurnEnded, TurnStarted
from kimi_jupyter.protocol.settings import Settings
from kimi_jupyter.safety.redact import MARK, redact
from tests.agent.desk import Desk, call

pytestmark = pytest.mark.anyio
Make = Callable[..., Desk]
END = [{"text": "ok"}]
KEY = "sk-canary7f9a2c4e1b8d6053aa41c9"
FILE = f"# settings\nhost = 'a'\nkey = '{KEY}'\nport = 1\n"


def made(desk: Make, *steps: Any, **options: Any) -> Desk:
    d = desk([*steps, END], tools=tools.ALL, secrets=[KEY], **options)
    (d.root / "conf.py").write_text(FILE)
    return d


def stated(d: Desk) -> str:
    """All that a client and the log got, and all that the model got."""
    events = "".join(event.model_dump_json() for event in d.events)
    return events + d.path.read_text() + str(d.requests)


EDIT = call("apply_diff", path="conf.py", hunks=[{"search": "port = 1", "replace": "port = 2"}])


async def test_e5_danger_the_effect_of_a_harmless_edit_holds_the_key_beside_it(desk: Make) -> None:
    d = made(desk)
    tool = next(tool for tool in tools.ALL if tool.name == "apply_diff")
    params = tool.params.model_validate(EDIT["call"]["arguments"])
    effect = await tool.effect(params, d.task._gate._work)
    assert KEY in effect.model_dump_json()


async def test_e5_a_card_shows_a_mark_for_the_key_and_the_file_keeps_it(desk: Make) -> None:
    d = made(desk, [EDIT])
    await d.submit(TurnStart(text="Another port"))
    ask = await d.answer("approve")
    await d.until(TurnEnded)
    assert (d.root / "conf.py").read_text() == FILE.replace("port = 1", "port = 2")
    diff = ask.effect.diff
    assert diff is not None
    assert "-port = 1\n+port = 2" in diff.unified
    assert f" key = '{MARK}'" in diff.unified
    assert (diff.before, diff.after) == (None, None)
    assert len(diff.after_hash) == 64
    assert ask.why == SHOWN_AS_MARK
    done = d.all(ToolDone)[0].diff
    assert done is not None
    assert MARK in done.unified
    assert KEY not in stated(d)


async def test_e5_what_is_shown_of_any_other_text_is_what_is_written(desk: Make) -> None:
    text = "url = 'https://me:pw@host/x'\nAuthorization: Bearer abcdef1234567890\nsk-0123456789abcdefghijABCDEF\n"
    d = made(desk, [call("write_file", path="a.txt", content=text)])
    await d.submit(TurnStart(text="Go"))
    ask = await d.answer("approve")
    await d.until(TurnEnded)
    assert ask.effect.diff is not None
    assert ask.effect.diff.after == text == (d.root / "a.txt").read_text()
    assert ask.why == ""


@pytest.mark.parametrize("mode", ["ask", "accept_edits", "bypass"])
@pytest.mark.parametrize(
    "played",
    [
        call("write_file", path="a.txt", content=f"x {KEY}"),
        call("execute_command", command=f"echo {KEY} > a.txt"),
        call("apply_diff", path="conf.py", hunks=[{"search": "host = 'a'", "replace": KEY}]),
        {"call": {"name": "write_file", "arguments": json.dumps({"path": "a.txt", "content": KEY}).replace("sk-", "\\u0073k-")}},
    ],
    ids=["write", "command", "diff", "escaped"],
)  # fmt: skip
async def test_e5_a_call_that_holds_the_key_is_refused_in_words(
    desk: Make, mode: Any, played: dict[str, Any]
) -> None:
    d = made(desk, [played], settings=Settings(mode=mode))
    await d.send("Go")
    assert [done.output for done in d.all(ToolDone)] == [REFUSED]
    assert not d.all(AskOpened)
    assert not (d.root / "a.txt").exists()
    assert (d.root / "conf.py").read_text() == FILE
    assert KEY not in d.path.read_text()


async def test_e5_the_mark_is_not_written_over_the_secret_that_it_stands_for(desk: Make) -> None:
    d = made(
        desk,
        [call("read_file", path="conf.py")],
        [call("write_file", path="conf.py", content=FILE.replace(KEY, MARK))],
        settings=Settings(mode="bypass"),
    )
    await d.send("Rewrite it")
    assert MARK in d.all(ToolDone)[0].output
    assert d.all(ToolDone)[1].output == DESTROYS
    assert (d.root / "conf.py").read_text() == FILE


async def test_e5_the_mark_itself_may_be_written_where_no_secret_stands(desk: Make) -> None:
    d = made(
        desk,
        [call("write_file", path="a.py", content=f"MARK = '{MARK}'\n")],
        settings=Settings(mode="bypass"),
    )
    await d.send("Go")
    assert MARK in (d.root / "a.py").read_text()


COMMANDS = {
    "env": "export K=$(cut -d\\' -f2 conf.py | grep sk-); env",
    "printenv": "export K=$(cut -d\\' -f2 conf.py | grep sk-); printenv K",
    "stderr": "cat conf.py >&2",
    "trace": "python3 -c \"raise SystemExit(__import__('traceback').format_exc() + open('conf.py').read())\"",
    "split": "python3 -u -c \"import time,sys; [(sys.stdout.write(c), time.sleep(0.002)) for c in open('conf.py').read()]\"",
    "ansi": "sed 's/./&\\x1b[1m\\x1b[0m/g' conf.py",
    "osc": "sed 's/./&\\x1b]0;t\\x07/g' conf.py",
    "url": "sed -n \"s/key = '\\(.*\\)'/https:\\/\\/me:\\1@host\\/x/p\" conf.py",
    "header": "sed -n \"s/key = '\\(.*\\)'/Authorization: Bearer \\1/p\" conf.py",
    "cut": f"printf '%{4096 - FILE.index(KEY) - 20}s' x | tr ' ' '-'; cat conf.py; seq 9000",
    "long line": "printf '%390s' x; tr '\\n' ' ' < conf.py; sleep 0.2; printf '%900s' y",
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=list(COMMANDS))
async def test_e5_output_of_a_command_holds_no_key_on_any_way(desk: Make, command: str) -> None:
    d = made(desk, [call("execute_command", command=command)], settings=Settings(mode="bypass"))
    live: list[str] = []
    follower = d.task.follow(0)
    await d.submit(TurnStart(text="Go"))

    async def watch() -> None:
        async for event in follower:
            if isinstance(event, ToolOutput):
                live.append(event.text)
            if isinstance(event, TurnEnded):
                return

    await asyncio.wait_for(watch(), 20)
    follower.close()
    shown = "".join(live)
    (done,) = d.all(ToolDone)
    for text in (shown, done.output, stated(d)):
        assert KEY not in text
        assert KEY[:12] not in text.replace("\n", "")
        assert KEY[-12:] not in text
    assert MARK in done.output + shown or "characters left out here" in done.output


@pytest.mark.parametrize("size", [1, 7, 64, 399, 1000])
async def test_e5_live_output_holds_no_secret_however_it_is_cut(size: int) -> None:
    """The weak stub cleans each piece for itself, and lets through what is cut in two."""
    text = (
        f"{'-' * 700}{KEY}{'x y' * 300} Authorization: Bearer abcdef123456 {'z' * 9_000} key={KEY} "
        * 3
    )
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    shown: list[str] = []
    live = LiveOutput(shown.append, lambda part: redact(part, [KEY]))
    naive = "".join(redact(piece, [KEY]) for piece in pieces)
    assert size > 64 or KEY in naive, "the danger did not show"
    for piece in pieces:
        live.report(piece)
    live.close()
    assert "".join(shown) == redact(text, [KEY])
    assert len(shown) > 3


async def test_e5_a_key_in_a_message_of_the_user_is_not_kept(desk: Make) -> None:
    d = made(desk)
    await d.send(f"My key is {KEY}")
    assert d.all(TurnStarted)[0].text == f"My key is {MARK}"
    assert KEY not in stated(d)
