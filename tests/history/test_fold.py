"""The recorded logs come to what is written beside them, and every event type has its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

from kimi_jupyter.history.fold import Fold, fold, title_from
from kimi_jupyter.protocol.events import (
    Event,
    ReplyPartial,
    TaskCreated,
    TextDelta,
    TurnEnded,
    TurnStarted,
    UsageReported,
)
from tests.history.refold import expected, fold_file, recorded

UNSEEN = {"call.delta", "checkpoint", "retrying"}
"""Event types that change nothing in the view."""


@pytest.mark.parametrize("log", recorded(), ids=lambda log: log.name)
def test_a_recorded_log_folds_to_the_view_beside_it(log: Path) -> None:
    assert fold_file(log) == json.loads(expected(log).read_text(encoding="utf-8"))


def test_every_event_type_is_folded_or_named_as_unseen() -> None:
    feed = vars(Fold)["feed"].dispatcher
    types = {
        event.model_fields["type"].default
        for event in get_args(get_args(Event)[0])
        if feed.dispatch(event) is feed.dispatch(object)
    }
    assert types == UNSEEN


def test_a_partial_after_its_deltas_does_not_double_them() -> None:
    view = fold(
        [
            TaskCreated(seq=1),
            TurnStarted(seq=2, text="hi"),
            TextDelta(seq=2, reply="r", text="one "),
            TextDelta(seq=2, reply="r", text="two "),
            ReplyPartial(seq=3, reply="r", text="one two "),
            TextDelta(seq=3, reply="r", text="three"),
        ]
    )
    assert view.turns[0].items[0].model_dump()["text"] == "one two three"


def test_the_cost_is_unknown_until_a_price_is_known() -> None:
    usage = UsageReported(prompt_tokens=1, cached_tokens=0, completion_tokens=1)
    assert fold([usage]).usage.cost is None
    assert fold([usage, usage.model_copy(update={"cost": 0.5}), usage]).usage.cost == 0.5


def test_a_turn_that_never_ended_ends_when_the_next_one_starts() -> None:
    view = fold(
        [TurnStarted(seq=1, text="a"), TurnStarted(seq=2, text="b"), TurnEnded(reason="done")]
    )
    assert [turn.ended.reason for turn in view.turns if turn.ended] == ["interrupted", "done"]


def test_a_title_is_the_first_line_that_says_something() -> None:
    assert title_from("\n  \n Fix   the\tplot \nplease") == "Fix the plot"
    assert title_from("x" * 61) == "x" * 59 + "…"
    assert title_from("x" * 60) == "x" * 60
    assert title_from(" \n") == ""
