"""The approval card in a cell's output: stock ipywidgets only, which every front end bundles.

A click counts only when the shutter has opened, and only when all of what it approves could be read; both are decided
in the kernel, never in the page.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Literal

from kimi_jupyter.kernel.pages import pages_of, shown_text
from kimi_jupyter.kernel.shutter import Shutter, close_all, framed, widgets
from kimi_jupyter.kernel.visible import as_html
from kimi_jupyter.protocol.commands import AskAnswer, Decision
from kimi_jupyter.protocol.events import AskOpened

_LABELS: dict[Decision, tuple[str, str]] = {
    "approve": ("Approve", "success"),
    "approve_task": ("Approve for this task", ""),
    "approve_remember": ("Approve & remember", ""),
    "reject": ("Reject", "danger"),
}
_PRE = (
    "white-space: pre-wrap; word-break: break-all; max-height: 30em; overflow: auto; margin: 4px 0"
)
_COLOURS = {"+": "rgba(46, 160, 67, 0.25)", "-": "rgba(248, 81, 73, 0.25)"}

Action = Decision | Literal["view", "next"]


@dataclass(frozen=True, slots=True)
class _Press:
    action: Action
    at: float


class Card:
    """One ask, drawn until it is closed. Presses may come on another thread; `tend` is called on the cell's."""

    def __init__(
        self, ask: AskOpened, wake: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.ask = ask
        self._shutter = Shutter(wake, clock)
        self._presses: SimpleQueue[_Press] = SimpleQueue()
        self._decided = False
        self._pages = pages_of(shown_text(ask.effect))
        self._page = 0
        self._furthest = 0
        self._is_viewed = ask.effect.diff is None
        self._build()

    def _build(self) -> None:
        layout = widgets.Layout
        self._head = widgets.HTML(_head(self.ask))
        self._body = widgets.HTML()
        self._buttons: dict[Action, Any] = {}
        if self.ask.effect.diff is not None:
            self._add("view", "View diff")
        if len(self._pages) > 1:
            self._add("next", "Next")
        for decision in self.ask.options:
            label, style = _LABELS[decision]
            self._add(decision, label, style)
        shutter = self._shutter
        bar = widgets.HBox(tuple(self._buttons.values()), layout=layout(flex_flow="row wrap"))
        self._box = framed(self._head, self._body, bar, shutter.help, shutter.beacon)
        self._all: tuple[Any, ...] = (
            *self._buttons.values(),
            self._head,
            self._body,
            shutter.help,
            shutter.beacon,
            bar,
            self._box,
        )
        self._draw()

    def _add(self, action: Action, label: str, style: str = "") -> None:
        button: Any = widgets.Button(
            description=label,
            button_style=style,
            disabled=action not in ("view", "next"),
            layout=widgets.Layout(width="auto"),
        )
        button.on_click(partial(self._pressed, action))
        self._buttons[action] = button

    def comm_ids(self) -> set[str]:
        """The comms on which presses and the first beat come."""
        return {part.comm.comm_id for part in (*self._buttons.values(), self._shutter.beacon)}

    def bundle(self) -> Mapping[str, Any]:
        """The output that draws it; the text is what remains where nothing can."""
        data = dict(self._box._repr_mimebundle_() or {})
        data["text/plain"] = f"Kimi waits for an answer: {self.ask.effect.title}"
        return data

    def tend(self) -> AskAnswer | None:
        """Take in what was pressed; returns the answer once."""
        if self._shutter.tend():
            self._draw()
        for press in self._taken():
            decision = self._act(press)
            if decision is not None:
                return AskAnswer(ask=self.ask.ask, decision=decision)
        return None

    def close(self) -> None:
        """Take all of it out of the kernel."""
        close_all(self._all)

    def _taken(self) -> list[_Press]:
        taken: list[_Press] = []
        while True:
            try:
                taken.append(self._presses.get_nowait())
            except Empty:
                return taken

    def _act(self, press: _Press) -> Decision | None:
        if press.action == "view":
            self._is_viewed = not self._is_viewed
            self._draw()
        elif press.action == "next":
            self._page = (self._page + 1) % len(self._pages) if self._is_viewed else self._page
            self._is_viewed = True
            self._draw()
        elif self._counts(press):
            self._decided = True
            for button in self._buttons.values():
                button.disabled = True
            return press.action
        return None

    def _counts(self, press: _Press) -> bool:
        is_early = self._shutter.is_early(press.at)
        return not self._decided and not is_early and (press.action == "reject" or self._is_read)

    @property
    def _is_read(self) -> bool:
        """Whether each page was on the screen; one page is a click away, more must be gone through."""
        return self._furthest == len(self._pages) - 1

    def _draw(self) -> None:
        pages = len(self._pages)
        shown = ""
        if self._is_viewed:
            self._furthest = max(self._furthest, self._page)
            is_diff = self.ask.effect.diff is not None
            lines = "\n".join(_line(line, is_diff=is_diff) for line in self._pages[self._page])
            shown = f'<pre style="{_PRE}">{lines}</pre>'
        if pages > 1:
            where = f"page {self._page + 1} of {pages}" if self._is_viewed else f"{pages} pages"
            left = "" if self._is_read else "; it can be approved when you have seen the last one"
            shown += f"<small>{where}{left}</small>"
        self._body.value = shown
        for action, button in self._buttons.items():
            if action in ("approve", "approve_task", "approve_remember"):
                button.disabled = not (self._shutter.is_open and self._is_read)
            elif action == "reject":
                button.disabled = not self._shutter.is_open
            elif action == "view":
                button.description = "Hide diff" if self._is_viewed else "View diff"

    def _pressed(self, action: Action, button: object) -> None:
        self._presses.put(_Press(action, self._shutter.clock()))
        self._shutter.wake()


def _line(line: str, *, is_diff: bool) -> str:
    colour = _COLOURS.get(line[:1]) if is_diff else None
    return f'<span style="background: {colour}">{as_html(line)}</span>' if colour else as_html(line)


def _head(ask: AskOpened) -> str:
    effect = ask.effect
    parts = [f"<b>{as_html(effect.title)}</b>"]
    if effect.command is not None:
        line = effect.command
        limit = f"for at most {line.timeout_seconds} s"
        if line.background:
            limit = "<b>in the background, without a time limit</b>"
        parts.append(f"in <code>{as_html(line.cwd)}</code>, {limit}")
    parts += [f"<b>⚠ {as_html(why)}</b>" for why in (effect.protected, ask.why) if why]
    return "<br>".join(parts)
