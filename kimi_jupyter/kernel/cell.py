"""Runs one `%%kimi` cell: puts the driver together for the front end that is there, and awaits or steps it."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import ipykernel
from IPython.core.error import UsageError

from kimi_jupyter.kernel.agent_thread import AgentThread
from kimi_jupyter.kernel.asking import Asker, CardAsker, ConsoleAsker, Denier
from kimi_jupyter.kernel.driver import Answers, Driver
from kimi_jupyter.kernel.interrupts import on_interrupt
from kimi_jupyter.kernel.keeping import ButtonKeeper, Keeper, NoKeeper
from kimi_jupyter.kernel.lane import CommLane, NoLane
from kimi_jupyter.kernel.link import Inbox, Opening
from kimi_jupyter.kernel.painter import ConsolePainter, Display, NotebookPainter, Painter
from kimi_jupyter.kernel.render import Screen
from kimi_jupyter.kernel.surface import surface_of
from kimi_jupyter.kernel.waiting import LoopWaiting, StepWaiting, Waiting

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


async def run_awaited(ip: InteractiveShell, agent: AgentThread, opening: Opening) -> None:
    """Run a cell that is awaited on the kernel's loop."""
    waiting = LoopWaiting(asyncio.get_running_loop())
    with ExitStack() as stack:
        lane, why = _lane(ip, stack)
        if _serves_clicks():
            why = ""
        stack.enter_context(on_interrupt(waiting.interrupt))
        await _driver(ip, agent, opening, waiting, lane, why).run()


def run_stepped(ip: InteractiveShell, agent: AgentThread, opening: Opening) -> None:
    """Run a cell that can't be awaited."""
    with ExitStack() as stack:
        lane, why = _lane(ip, stack)
        cell = _driver(ip, agent, opening, StepWaiting(lane), lane, why).run()
        try:
            cell.send(None)
        except StopIteration:
            return
        cell.close()
        raise RuntimeError("a stepped cell has suspended")


def _lane(ip: InteractiveShell, stack: ExitStack) -> tuple[CommLane | None, str]:
    kernel = getattr(ip, "kernel", None)
    if kernel is None:
        return None, "no kernel"
    try:
        return stack.enter_context(CommLane(kernel)), ""
    except NoLane as error:
        return None, f"clicks can't reach this kernel while a cell runs ({error})"


def _serves_clicks() -> bool:
    """Whether ipykernel itself lets clicks through while a cell is awaited."""
    return ipykernel.version_info >= (7, 4)  # pyright: ignore[reportPrivateImportUsage] -- public, though not in `__all__`


def _driver(
    ip: InteractiveShell,
    agent: AgentThread,
    opening: Opening,
    waiting: Waiting,
    lane: CommLane | None,
    why_no_clicks: str,
) -> Driver:
    screen = Screen(opening.client, opening.text)
    answers = Answers(agent)
    painter: Painter
    asker: Asker
    keeper: Keeper = NoKeeper()
    kernel = getattr(ip, "kernel", None)
    surface = surface_of(kernel)
    if surface == "console" or kernel is None:
        painter = ConsolePainter(_write)
        is_there = surface == "console"
        asker = (
            ConsoleAsker(answers.give, write=_write, read=input)
            if is_there
            else Denier(answers.give)
        )
    else:
        painter = page = NotebookPainter(_display(ip))
        asker = (
            Denier(answers.give)
            if surface == "headless"
            else CardAsker(
                answers.give,
                painter=page,
                wake=waiting.wake,
                lane=lane,
                why_no_clicks=why_no_clicks,
                where=lambda: agent.works_in,
                tell=screen.tell,
            )
        )
        if surface == "notebook" and not why_no_clicks and _has_widgets():
            keeper = ButtonKeeper(agent.send, painter=page, wake=waiting.wake, lane=lane)
    return Driver(
        agent,
        opening,
        waiting=waiting,
        painter=painter,
        asker=asker,
        keeper=keeper,
        answers=answers,
        screen=screen,
        inbox=Inbox(waiting.wake),
    )


def _has_widgets() -> bool:
    return importlib.util.find_spec("ipywidgets") is not None


def _display(ip: Any) -> Display:
    def display(data: Mapping[str, Any], *, display_id: str, update: bool) -> None:
        ip.display_pub.publish(dict(data), transient={"display_id": display_id}, update=update)

    return display


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def show(ip: Any, markdown: str) -> None:
    """Show the answer of a line magic."""
    if surface_of(getattr(ip, "kernel", None)) == "console":
        _write(markdown + "\n")
    else:
        ip.display_pub.publish({"text/markdown": markdown, "text/plain": markdown})


def usage_error(text: str) -> UsageError:
    """What IPython shows as one line, without a traceback."""
    return UsageError(text)
