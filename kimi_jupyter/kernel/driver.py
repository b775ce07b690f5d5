"""Follows one turn on the cell's thread: takes items in, paints, asks, and stops when the user interrupts."""

from __future__ import annotations

import time

from kimi_jupyter.kernel.agent_thread import AgentThread
from kimi_jupyter.kernel.asking import Asker
from kimi_jupyter.kernel.interrupts import Stopped
from kimi_jupyter.kernel.keeping import Keeper
from kimi_jupyter.kernel.link import Inbox, Opened, Opening
from kimi_jupyter.kernel.painter import Painter
from kimi_jupyter.kernel.render import Screen
from kimi_jupyter.kernel.waiting import Waiting
from kimi_jupyter.protocol.commands import AskAnswer, TurnUnqueue

_STOP_WITHIN = 1.5
"""Seconds for a stopped turn to end; then the cell ends without it."""


class Answers:
    """Answers on their way to the agent; they are sent again when the link was lost before they counted."""

    def __init__(self, agent: AgentThread) -> None:
        self._agent = agent
        self._sent: dict[str, AskAnswer] = {}

    def give(self, answer: AskAnswer) -> None:
        self._sent[answer.ask] = answer
        self._agent.send(answer)

    def again(self, open_asks: set[str]) -> None:
        """The link was opened again."""
        for id, answer in self._sent.items():
            if id in open_asks:
                self._agent.send(answer)


class Driver:
    """Follows one turn on the cell's thread: takes items in, paints, asks, and stops when the user interrupts."""

    def __init__(
        self,
        agent: AgentThread,
        opening: Opening,
        *,
        waiting: Waiting,
        painter: Painter,
        asker: Asker,
        keeper: Keeper,
        answers: Answers,
        screen: Screen,
        inbox: Inbox,
    ) -> None:
        self._agent = agent
        self._opening = opening
        self._waiting = waiting
        self._painter = painter
        self._asker = asker
        self._keeper = keeper
        self._answers = answers
        self._screen = screen
        self._inbox = inbox
        self._asked: set[str] = set()
        self._stopping_since: float | None = None

    async def run(self) -> None:
        """Run the turn to its end; raises `Stopped` where the user interrupted it."""
        self._agent.begin(self._opening, self._inbox)
        try:
            while not self._is_finished():
                if await self._waiting.wait():
                    self._interrupt()
                self._step()
        except KeyboardInterrupt:  # between two waits of a cell that can't be awaited
            self._agent.stop()
            raise Stopped("the turn was stopped") from None
        finally:
            self._asker.close()
            self._keeper.close()
            self._painter.paint(self._screen.pieces())
            self._agent.finish()
        if self._stopping_since is not None:
            raise Stopped("the turn was stopped")

    def _interrupt(self) -> None:
        if self._stopping_since is not None:
            raise KeyboardInterrupt  # a second one: do not wait for the turn
        self._stopping_since = time.monotonic()
        if self._screen.queued is not None:
            self._agent.send(TurnUnqueue(seq=self._screen.queued))
        else:
            self._agent.stop()

    def _step(self) -> None:
        for item in self._inbox.take():
            self._screen.feed(item)
            if isinstance(item, Opened):
                self._answers.again({ask.ask for ask in self._screen.open_asks})
        open_asks = self._screen.open_asks
        if self._stopping_since is None:
            if not self._asked.issuperset(ask.ask for ask in open_asks):
                self._painter.paint(
                    self._screen.pieces()
                )  # what was said before the card stands above it
                self._asked.update(ask.ask for ask in open_asks)
            self._asker.tend(open_asks)
            self._keeper.tend(self._screen.running)
        if self._painter.is_due():
            self._painter.paint(self._screen.pieces())

    def _is_finished(self) -> bool:
        since = self._stopping_since
        too_long = since is not None and time.monotonic() - since > _STOP_WITHIN
        return self._screen.is_over or too_long
