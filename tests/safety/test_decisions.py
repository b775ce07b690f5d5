"""C9: what every tool may do to every kind of target in every mode, as a table that a person has read."""

from __future__ import annotations

import pytest

from tests.safety.decisions import FILE, MODES, table

pytestmark = pytest.mark.anyio


async def test_c9_every_decision_is_the_one_that_was_reviewed() -> None:
    """After a wanted change: `python -m tests.safety.decisions`, and read the difference."""
    assert (await table()).splitlines() == FILE.read_text(encoding="utf-8").splitlines()


def test_c9_the_reviewed_table_lets_nothing_dangerous_pass() -> None:
    rows = FILE.read_text(encoding="utf-8").splitlines()[1:]
    weak = 0
    for row in rows:
        tool, target, verdicts = row[:16].strip(), row[17:35].strip(), row[46:].split()
        found = dict(zip(MODES_OF_HEAD, verdicts, strict=True))
        weak += found["bypass"] == "allow"
        is_change = tool in ("write_file", "apply_diff", "execute_command")
        if target == "outside":
            assert set(verdicts) == {"refuse"}
        if target == "our own":
            assert "allow" not in verdicts
            assert not is_change or set(verdicts) == {"refuse"}
        if target == "secret" or (is_change and "protected" in target):
            assert "allow" not in verdicts
        if is_change:
            assert found["plan"] == "refuse"
    assert weak > 20  # the danger: without the mode's own line in the table all of these would run


MODES_OF_HEAD = FILE.read_text(encoding="utf-8").splitlines()[0].split()[3:]


def test_c9_the_table_has_every_mode() -> None:
    assert sorted(MODES_OF_HEAD) == sorted(MODES)
