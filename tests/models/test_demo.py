"""The offline demo: what it says fits the files that it works on, whatever the user decides."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kimi_jupyter.demo import SCRIPT, WORKSPACE
from kimi_jupyter.models.demo import demo_provider
from kimi_jupyter.protocol.messages import (
    AssistantMessage,
    Message,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from tests.models.asking import reply_of, request

pytestmark = pytest.mark.anyio

REJECTED = "Rejected by the user; nothing was done. Do not retry it and do not work around it."
Decide = Callable[[ToolCall], bool]


class Stage:
    """A folder and a conversation; does what the demo's calls ask for, unless `decide` says no."""

    def __init__(
        self, folder: Path, decide: Decide = lambda _: True, *, refusal: str = REJECTED
    ) -> None:
        self.refusal = refusal
        self.folder = folder
        self.decide = decide
        self.messages: list[Message] = []

    async def say(self, text: str) -> list[AssistantMessage]:
        """One turn; a fresh provider for each step, as after a restart."""
        self.messages.append(UserMessage(content=text))
        said: list[AssistantMessage] = []
        while not said or said[-1].tool_calls:
            reply = await reply_of(demo_provider(delay=0).stream(request(self.messages)))
            said.append(reply.message)
            self.messages.append(reply.message)
            for call in reply.message.tool_calls:
                output = self._run(call) if self.decide(call) else self.refusal
                self.messages.append(ToolMessage(tool_call_id=call.id, content=output))
        return said

    def _run(self, call: ToolCall) -> str:
        given = json.loads(call.arguments)
        path = self.folder / given.get("path", ".")
        if call.name == "list_files":
            return "\n".join(sorted(p.name for p in path.iterdir()))
        if call.name == "read_file":
            return path.read_text(encoding="utf-8")
        if call.name == "write_file":
            path.write_text(given["content"], encoding="utf-8")
            return f"Wrote {given['path']}"
        if call.name == "apply_diff":
            text = path.read_text(encoding="utf-8")
            for hunk in given["hunks"]:
                assert text.count(hunk["search"]) == 1
                text = text.replace(hunk["search"], hunk["replace"])
            path.write_text(text, encoding="utf-8")
            return "Applied 1 hunk"
        done = subprocess.run(
            given["command"], shell=True, cwd=self.folder, capture_output=True, text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        return f"{done.stdout}{done.stderr}\nexit code {done.returncode}"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return Path(shutil.copytree(WORKSPACE, tmp_path / "shop"))


def _calls(said: list[AssistantMessage]) -> list[str]:
    return [call.name for message in said for call in message.tool_calls]


async def test_it_introduces_itself_as_a_script_and_mends_the_shop(shop: Path) -> None:
    stage = Stage(shop)
    said = await stage.say("hello")
    assert "offline demo" in said[0].content
    assert "not a language model" in said[0].content
    assert _calls(said) == [
        "list_files",
        "read_file",
        "read_file",
        "read_file",
        "apply_diff",
        "execute_command",
    ]
    assert "60 orders checked, 0 wrong" in said[-1].content
    assert "discount_percent / 100" in (shop / "pricing.py").read_text(encoding="utf-8")
    explained = said[3].content
    assert all(sign in explained for sign in ("|---|", "```python", "$$"))


async def test_the_numbers_that_it_tells_are_those_of_the_files(shop: Path) -> None:
    script = SCRIPT.read_text(encoding="utf-8")
    notebook = json.loads((shop / "sales.ipynb").read_text(encoding="utf-8"))
    shown = [
        line.split()[1]
        for cell in notebook["cells"]
        for output in cell.get("outputs", ())
        for line in output.get("text", ())
        if "EUR" in line
    ]
    assert len(shown) == 6
    months: dict[str, float] = {}
    for line in (shop / "sales.csv").read_text(encoding="utf-8").splitlines()[1:]:
        _, date, *_, paid = line.split(",")
        months[date[:7]] = months.get(date[:7], 0) + float(paid)
    for wrong, right in zip(shown, months.values(), strict=True):
        assert f"| {wrong} € | {right:.2f} € | {right - float(wrong):.2f} € |" in script
    assert f"{sum(months.values()):.2f}" == "2288.96"


async def test_a_second_demo_has_another_ending(shop: Path) -> None:
    stage = Stage(shop)
    await stage.say("hello")
    said = await stage.say("Demo!")
    assert _calls(said)[-2:] == ["execute_command", "write_file"]
    assert "2288.96" in (shop / "revenue.md").read_text(encoding="utf-8")
    assert "revenue.md" in said[-1].content
    ids = [c.id for m in stage.messages if isinstance(m, AssistantMessage) for c in m.tool_calls]
    assert len(ids) == len(set(ids))


async def test_without_the_sample_files_it_writes_one_of_its_own(tmp_path: Path) -> None:
    said = await Stage(tmp_path).say("hello")
    assert _calls(said) == ["list_files", "write_file", "execute_command"]
    assert "not in this folder" in said[1].content
    assert "47" in said[-1].content


async def test_a_rejected_edit_is_accepted_in_words(shop: Path) -> None:
    said = await Stage(shop, lambda call: call.name != "apply_diff").say("hello")
    assert _calls(said)[-1] == "apply_diff"
    assert "**not** made" in said[-1].content


async def test_after_a_plain_rejection_it_waits_for_the_word(shop: Path) -> None:
    """A plain rejection ends the turn, so the next request holds a user's message."""
    stage = Stage(shop)
    await stage.say("hello")
    del stage.messages[-2:]
    last = stage.messages[-1]
    assert isinstance(last, AssistantMessage)
    assert last.tool_calls[0].name == "execute_command"
    stage.messages.append(ToolMessage(tool_call_id=last.tool_calls[0].id, content=REJECTED))
    (said,) = await stage.say("what now?")
    assert "written script" in said.content


async def test_a_rejected_command_and_a_failed_one_are_told_apart(shop: Path) -> None:
    said = await Stage(shop, lambda call: call.name != "execute_command").say("hello")
    assert "**not** run" in said[-1].content
    (shop / "pricing.py").write_text("def line_total(): ...  # unit_price\n", encoding="utf-8")
    said = await Stage(shop).say("hello")
    assert "did not give the result" in said[-1].content


async def test_what_may_not_be_read_and_what_plan_mode_refuses_is_said(shop: Path) -> None:
    said = await Stage(shop, lambda call: call.name != "list_files").say("hello")
    assert "did not let me read" in said[-1].content
    refusal = "Plan mode: files are not changed and commands are not run."
    said = await Stage(shop, lambda call: call.name != "apply_diff", refusal=refusal).say("hello")
    assert "**Plan** mode" in said[-1].content


async def test_other_words_get_an_honest_answer(shop: Path) -> None:
    stage = Stage(shop)
    await stage.say("hello")
    (said,) = await stage.say("What is in the demo folder? Please explain the notebook.")
    assert "I can't answer that" in said.content
    assert "MOONSHOT_API_KEY" in said.content


def test_every_step_is_reached_and_exists() -> None:
    steps = json.loads(SCRIPT.read_text(encoding="utf-8"))
    named = {branch["step"] for step in steps.values() for branch in step.get("next", ())}
    assert named | {"intro", "again", "later"} == set(steps)
    for name, step in steps.items():
        assert any("call" in play for play in step["play"]) == ("next" in step), name
        assert not step.get("next") or set(step["next"][-1]) == {"step"}, f"{name} has no way out"
