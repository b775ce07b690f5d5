"""Which changes of a shown diff were made: the log tells it by what was shown and what was written."""

from __future__ import annotations

from kimi_jupyter.protocol.effects import FileDiff


def chosen_of(shown: FileDiff | None, written: FileDiff | None) -> tuple[int, int] | None:
    """How many of how many changes were made; `None` for all of them, and where the text was edited."""
    if shown is None or written is None or shown.is_cut or written.is_cut:
        return None
    offered, made = _changes(shown.unified), _changes(written.unified)
    rest = iter(offered)
    is_part = len(made) < len(offered) and all(change in rest for change in made)
    return (len(made), len(offered)) if is_part else None


def _changes(unified: str) -> list[tuple[str, ...]]:
    """The lines of each change, without the `@@` line, which names other places once a change is left out."""
    changes: list[list[str]] = []
    for line in unified.split("\n"):
        if line.startswith("@@"):
            changes.append([])
        elif changes:
            changes[-1].append(line)
    return [tuple(line for line in change if line) for change in changes]
