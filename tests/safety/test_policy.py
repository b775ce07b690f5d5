"""The decision table, whole."""

from __future__ import annotations

from itertools import product
from typing import Any, cast

import pytest

from kimi_jupyter.protocol.settings import Settings
from kimi_jupyter.safety.policy import decide
from kimi_jupyter.safety.protected import Protection

CARD = Protection("`conftest.py` is protected: it can run code by itself.")
SECRET = Protection("`.env` is protected: it may hold secrets.", read=True)
OURS = Protection("ours", read=True, refuse=True)

# mode, kind -> verdict for: nothing set, the kind's own auto-approve setting switched, a protected name,
# a secret one, one of our own
TABLE = """
ask          read    allow ask   allow  ask    ask
ask          write   ask   allow ask    ask    refuse
ask          command ask   allow ask    ask    refuse
ask          stop    allow allow ask    ask    refuse
accept_edits read    allow ask   allow  ask    ask
accept_edits write   allow allow ask    ask    refuse
accept_edits command ask   allow ask    ask    refuse
accept_edits stop    allow allow ask    ask    refuse
plan         read    allow ask   allow  ask    ask
plan         write   refuse refuse refuse refuse refuse
plan         command refuse refuse refuse refuse refuse
plan         stop    refuse refuse refuse refuse refuse
bypass       read    allow allow allow  ask    ask
bypass       write   allow allow ask    ask    refuse
bypass       command allow allow ask    ask    refuse
bypass       stop    allow allow ask    ask    refuse
"""


def settings(*, read: bool = True, write: bool = False) -> Settings:
    return Settings.model_validate({"kimi.autoApprove.read": read, "kimi.autoApprove.write": write})


@pytest.mark.parametrize("row", [line.split() for line in TABLE.strip().splitlines()], ids=" ".join)
def test_c9_every_row_of_the_table_holds(row: list[str]) -> None:
    mode, kind = cast(Any, row[0]), cast(Any, row[1])
    plain, switched = settings(), settings(read=False, write=True)
    found = [
        decide(kind, mode, plain, protected=None, allowlisted=False),
        decide(kind, mode, switched, protected=None, allowlisted=True),
        *(
            decide(kind, mode, plain, protected=protection, allowlisted=False)
            for protection in (CARD, SECRET, OURS)
        ),
    ]
    assert [verdict for verdict, _ in found] == row[2:]


def test_no_setting_and_no_list_lets_a_protected_name_pass() -> None:
    modes, kinds = ("ask", "accept_edits", "plan", "bypass", "odd"), ("write", "command", "odd")
    for mode, kind, read, write, listed in product(modes, kinds, *[(True, False)] * 3):
        verdict, why = decide(
            cast(Any, kind),
            cast(Any, mode),
            settings(read=read, write=write),
            protected=CARD,
            allowlisted=listed,
        )
        assert verdict != "allow"
        assert verdict == "refuse" or why == CARD.why


@pytest.mark.parametrize(
    ("mode", "kind"), [("odd", "read"), ("ask", "odd"), ("bypass", "odd"), ("", "")]
)
def test_what_the_table_does_not_know_is_asked_about(mode: str, kind: str) -> None:
    verdict, _ = decide(
        cast(Any, kind),
        cast(Any, mode),
        settings(write=True),
        protected=None,
        allowlisted=True,
    )
    assert verdict == "ask"


def test_each_setting_switches_its_own_kind_only() -> None:
    write_on = settings(read=False, write=True)
    found = {
        kind: decide(cast(Any, kind), "ask", write_on, protected=None, allowlisted=False)[0]
        for kind in ("read", "write", "command")
    }
    assert found == {"read": "ask", "write": "allow", "command": "ask"}


def test_plan_says_what_to_do_instead() -> None:
    _, why = decide("write", "plan", settings(), protected=None, allowlisted=False)
    assert "Describe what you would change" in why
