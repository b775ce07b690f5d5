"""What a card shows, in pages that hide nothing: long lines are broken, long texts have a next page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kimi_jupyter.kernel.visible import visible
from kimi_jupyter.protocol.effects import Effect
from kimi_jupyter.protocol.events import AskOpened

PAGE_LINES = 120
"""Lines on a page."""
WIDTH = 160
"""Characters of a line; what is longer goes on in the next one."""
_GOES_ON = "↪ "


def pages_of(text: str) -> tuple[tuple[str, ...], ...]:
    """The text as lines in pages, all that is invisible in it made visible; at least one page."""
    lines = list(_wrapped(visible(text).split("\n")))
    starts = range(0, max(1, len(lines)), PAGE_LINES)
    return tuple(tuple(lines[at : at + PAGE_LINES]) for at in starts)


def shown_text(effect: Effect) -> str:
    """All that an approval of this effect approves, as text."""
    if effect.command is not None:
        return effect.command.command
    if effect.diff is not None:
        cut = "\n… the rest of this difference is not shown" if effect.diff.is_cut else ""
        return effect.diff.unified + cut
    return "\n".join(effect.paths)


def asked_text(ask: AskOpened) -> str:
    """What is asked, in the asker's words."""
    question = ask.effect.question
    return question.text if question is not None else ask.effect.title


def _wrapped(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield line[:WIDTH]
        for at in range(WIDTH, len(line), WIDTH - len(_GOES_ON)):
            yield _GOES_ON + line[at : at + WIDTH - len(_GOES_ON)]
