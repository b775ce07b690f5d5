"""Slash commands: done here, without a request to the model, and said in words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kimi_jupyter.agent import slash
from kimi_jupyter.protocol.commands import TurnStart
from kimi_jupyter.protocol.errors import CommandRefused
from kimi_jupyter.protocol.events import Notice, Rewound, TurnEnded, TurnStarted
from kimi_jupyter.protocol.settings import Settings
from tests.agent.desk import Desk, call
from tests.models.asking import provider
from tests.moonshot import Moonshot

pytestmark = pytest.mark.anyio
Make = Callable[..., Desk]


async def said(d: Desk, text: str) -> str:
    await d.submit(TurnStart(text=text))
    return d.all(Notice)[-1].text


async def test_help_lists_every_command(desk: Make) -> None:
    text = await said(desk([]), "/help")
    for entry in slash.commands():
        assert f"| `/{entry.name}` | {entry.help} |" in text
    assert {"compact", "rewind", "export", "init", "mcp", "stop"} <= {
        entry.name for entry in slash.commands()
    }


async def test_no_command_but_init_and_compact_makes_a_request(desk: Make) -> None:
    async with Moonshot(["1", "2"]) as api, provider(api.url) as kimi:
        d = desk(kimi)
        await d.send("One")
        await d.send("Two")
        before = len(api.requests)
        for text in ("/help", "/rewind", "/rewind 1", "/export md", "/mcp", "/cost", "/mode"):
            assert await said(d, text)
        assert len(api.requests) == before
        assert len(d.all(TurnStarted)) == 2


async def test_rewind_lists_the_messages_newest_first(desk: Make) -> None:
    d = desk(lambda request: [{"text": "ok"}])
    with pytest.raises(CommandRefused, match="no message to go back to"):
        await d.submit(TurnStart(text="/rewind"))
    await d.send("One")
    await d.send("Two `odd`\nlines " + "x" * 200)
    lines = (await said(d, "/rewind")).splitlines()
    assert lines[2].startswith("- `/rewind 1` to before `Two 'odd' lines xxx")
    assert lines[2].endswith("…`")
    assert lines[3] == "- `/rewind 2` to before `One`"
    assert not d.all(Rewound)


async def test_rewind_with_a_number_takes_back_that_many_messages(desk: Make) -> None:
    d = desk(lambda request: [{"text": "ok"}])
    for text in ("One", "Two", "Three"):
        await d.send(text)
    assert "before: `Two`" in await said(d, "/rewind 2")
    assert [event.to for event in d.all(Rewound)] == [d.all(TurnStarted)[1].seq]
    await d.send("Four")
    users = [str(m.content).split("\n")[0] for m in d.requests[-1].messages if m.role == "user"]
    assert users == ["One", "Four"]


@pytest.mark.parametrize("number", ["0", "3", "x", "-1", "99999999999", "²"])
async def test_rewind_to_no_message_changes_nothing(desk: Make, number: str) -> None:
    d = desk(lambda request: [{"text": "ok"}])
    await d.send("One")
    await d.send("Two")
    with pytest.raises(CommandRefused, match=r"from 1 .* to 2"):
        await d.submit(TurnStart(text=f"/rewind {number}"))
    assert not d.all(Rewound)


async def test_export_says_how_it_is_saved_and_which_formats_there_are(desk: Make) -> None:
    d = desk([])
    assert f"kimi/tasks/{d.task.id}/export?format=ipynb" in await said(d, "/export ipynb")
    with pytest.raises(CommandRefused, match="`md`, `json` or `ipynb`"):
        await d.submit(TurnStart(text="/export pdf"))


async def test_init_is_a_message_that_asks_for_the_file_and_its_writing_is_asked_for(
    desk: Make,
) -> None:
    d = desk([[call("put", path="AGENTS.md", content="# Notes\n")], [{"text": "Written."}]])
    await d.submit(TurnStart(text="/init", client="me", notebook="a.ipynb"))
    await d.answer("approve")
    assert (await d.until(TurnEnded)).reason == "done"
    (started,) = d.all(TurnStarted)
    assert started.text == slash.init_prompt()
    assert (started.client, started.notebook) == ("me", "a.ipynb")
    assert (d.root / "AGENTS.md").read_text() == "# Notes\n"


async def test_init_does_not_join_a_running_turn_and_stop_ends_it(desk: Make) -> None:
    settings = Settings.model_validate({"kimi.autoApprove.commands": ["^sleep$"]})
    d = desk([[call("run", command="sleep")]], settings=settings)
    await d.submit(TurnStart(text="Sleep"))
    with pytest.raises(CommandRefused, match="A turn is running"):
        await d.submit(TurnStart(text="/init"))
    await d.submit(TurnStart(text="/stop"))
    assert (await d.until(TurnEnded)).reason == "stopped"
    with pytest.raises(CommandRefused, match="No turn is running"):
        await d.submit(TurnStart(text="/stop"))
