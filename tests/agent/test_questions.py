"""The agent asks the user, shows its plan, and takes a part of what it proposed for an answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kimi_jupyter import tools
from kimi_jupyter.protocol.commands import AskAnswer, TurnStart
from kimi_jupyter.protocol.errors import CommandRefused
from kimi_jupyter.protocol.events import AskOpened, TodoChanged, ToolDone, TurnEnded
from kimi_jupyter.protocol.settings import Settings
from tests.agent.desk import Desk, call

pytestmark = pytest.mark.anyio
Make = Callable[..., Desk]
END = [{"text": "ok"}]
ASK = [call("ask_user", question="Which file?", options=["a.py", "b.py"])]


@pytest.mark.parametrize("mode", ["ask", "accept_edits", "plan", "bypass"])
async def test_a_question_is_asked_in_every_mode_and_the_model_reads_the_answer(
    desk: Make, mode: str
) -> None:
    d = desk([ASK, END], tools=tools.ALL, settings=Settings.model_validate({"kimi.mode": mode}))
    await d.submit(TurnStart(text="Tidy up"))
    ask = await d.answer("approve", comment="b.py")
    assert (ask.kind, ask.options) == ("question", ("approve", "reject"))
    assert ask.effect.question is not None
    assert ask.effect.question.options == ("a.py", "b.py")
    assert (await d.until(TurnEnded)).reason == "done"
    assert "The user answered: b.py" in str(d.requests[1].messages[-1].content)


async def test_a_question_without_an_answer_stops_the_turn(desk: Make) -> None:
    d = desk([ASK, END], tools=tools.ALL)
    await d.submit(TurnStart(text="Tidy up"))
    await d.answer("reject")
    assert (await d.until(TurnEnded)).reason == "stopped"
    assert len(d.requests) == 1


async def test_a_plan_is_shown_without_asking_in_plan_mode_too(desk: Make) -> None:
    lines = [{"text": "read", "status": "done"}, {"text": "write", "status": "active"}]
    d = desk([[call("todo", items=lines)], END], tools=tools.ALL, settings=Settings(mode="plan"))
    await d.submit(TurnStart(text="Plan"))
    assert (await d.until(TurnEnded)).reason == "done"
    (changed,) = d.all(TodoChanged)
    assert [(item.text, item.status) for item in changed.items] == [
        ("read", "done"),
        ("write", "active"),
    ]
    assert d.all(ToolDone)[0].summary == "1 of 2 done"


BEFORE = "".join(f"line {i}\n" for i in range(30))
EDIT = [
    call(
        "apply_diff",
        path="f.txt",
        hunks=[
            {"search": "line 2\n", "replace": "LINE 2\n"},
            {"search": "line 15\n", "replace": "LINE 15\n"},
            {"search": "line 29\n", "replace": "LINE 29"},
        ],
    )
]


async def test_only_the_approved_hunks_are_written_and_the_model_is_told_which(desk: Make) -> None:
    d = desk([EDIT, END], tools=tools.ALL)
    (d.root / "f.txt").write_text(BEFORE)
    await d.submit(TurnStart(text="Shout"))
    ask = await d.answer("approve", hunks=(0, 2))
    assert ask.effect.diff is not None
    assert [hunk.line for hunk in ask.effect.diff.hunks] == [3, 16, 30]
    await d.until(TurnEnded)

    expected = BEFORE.replace("line 2\n", "LINE 2\n").replace("line 29\n", "LINE 29")
    assert (d.root / "f.txt").read_text() == expected
    told = str(d.requests[1].messages[-1].content)
    assert "approved only 2 of the 3 changes (number 1, 3)" in told
    assert "+LINE 2\n" in told
    assert "LINE 15" not in told


async def test_an_edited_proposal_of_apply_diff_is_what_is_written(desk: Make) -> None:
    d = desk([EDIT, END], tools=tools.ALL)
    (d.root / "f.txt").write_text(BEFORE)
    await d.submit(TurnStart(text="Shout"))
    await d.answer("approve", edited="mine\n")
    await d.until(TurnEnded)
    assert (d.root / "f.txt").read_text() == "mine\n"
    assert "+mine" in str(d.requests[1].messages[-1].content)


async def test_a_file_that_changed_under_a_choice_of_hunks_is_shown_again(desk: Make) -> None:
    d = desk([EDIT, END], tools=tools.ALL)
    (d.root / "f.txt").write_text(BEFORE)
    await d.submit(TurnStart(text="Shout"))
    first = await d.until(AskOpened)
    (d.root / "f.txt").write_text(BEFORE + "theirs\n")
    await d.submit(AskAnswer(ask=first.ask, decision="approve", hunks=(0,)))
    second = await d.until(AskOpened, after=first.seq)
    assert "changed since" in second.why
    assert (d.root / "f.txt").read_text() == BEFORE + "theirs\n"
    await d.submit(AskAnswer(ask=second.ask, decision="approve", hunks=(0,)))
    await d.until(TurnEnded)
    assert (d.root / "f.txt").read_text() == BEFORE.replace("line 2\n", "LINE 2\n") + "theirs\n"


@pytest.mark.parametrize("hunks", [(), (3,), (-1,)])
async def test_hunks_that_the_card_does_not_have_are_refused(
    desk: Make, hunks: tuple[int, ...]
) -> None:
    d = desk([EDIT, END], tools=tools.ALL)
    (d.root / "f.txt").write_text(BEFORE)
    await d.submit(TurnStart(text="Shout"))
    ask = await d.until(AskOpened)
    with pytest.raises(CommandRefused, match="at least one of the 3 changes"):
        await d.submit(AskAnswer(ask=ask.ask, decision="approve", hunks=hunks))
    assert (d.root / "f.txt").read_text() == BEFORE
