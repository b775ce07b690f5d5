"""The generated front-end files are those that the classes give, and the wire keeps what it carries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from kimi_jupyter.protocol.commands import AskAnswer, TurnStart, command_adapter
from kimi_jupyter.protocol.events import Event, TextDelta, TurnEnded, event_adapter

ROOT = Path(__file__).parents[2]


def test_the_generated_files_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "wire.py", "--check"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_an_event_survives_its_json() -> None:
    event: Event = TurnEnded(seq=4, at=5, task="t", reason="done")
    assert event_adapter.validate_json(event.model_dump_json()) == event


def test_an_event_can_not_be_changed() -> None:
    with pytest.raises(ValidationError):
        TextDelta(reply="r", text="a").text = "b"  # pyright: ignore[reportAttributeAccessIssue]


def test_a_command_may_leave_out_what_has_a_default() -> None:
    start = command_adapter.validate_json('{"type": "turn.start", "text": "hello"}')
    assert start == TurnStart(text="hello")


@pytest.mark.parametrize(
    "frame",
    [
        '{"type": "approve_everything"}',
        '{"type": "ask.answer", "ask": "x", "decision": "always"}',
        '{"type": "turn.start"}',
        '{"type": "turn.stop", "force": true}',
    ],
)
def test_a_frame_outside_the_contract_is_refused(frame: str) -> None:
    with pytest.raises(ValidationError):
        command_adapter.validate_json(frame)


def test_an_answer_carries_no_approval_by_default() -> None:
    with pytest.raises(ValidationError):
        AskAnswer(ask="x")  # pyright: ignore[reportCallIssue]
