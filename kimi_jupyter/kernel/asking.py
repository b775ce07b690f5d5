"""How an ask is put to whoever is there: a card, a typed answer, or a refusal in words."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from kimi_jupyter.kernel.link import Where
from kimi_jupyter.kernel.pages import asked_text, pages_of, shown_text
from kimi_jupyter.kernel.painter import NotebookPainter
from kimi_jupyter.kernel.render import seat
from kimi_jupyter.protocol.commands import AskAnswer, Decision
from kimi_jupyter.protocol.events import AskOpened

if TYPE_CHECKING:
    from kimi_jupyter.kernel.lane import CommLane

_NOBODY = (
    "Denied: this notebook runs unattended, so nobody can approve. Nothing was done. "
    "Say what you would do instead of trying again."
)
_NOBODY_ANSWERS = (
    "No answer: this notebook runs unattended, so nobody can answer. "
    "Go on with what you think is best and say what you assumed, or say what you need to know."
)
_NO_WIDGETS = "ipywidgets is not installed in this kernel"
_DENIED = (
    "Denied: {why}, so nobody can approve here. Nothing was done. "
    "Tell the user to install ipywidgets and a current ipykernel, and to restart the kernel."
)
_UNANSWERED = (
    "No answer: {why}, so nobody can answer here. Go on with what you think is best and say what you assumed. "
    "Tell the user to install ipywidgets and a current ipykernel, and to restart the kernel."
)
_ELSEWHERE = (
    "The card can't be drawn here: {why}. Answer in the Kimi sidebar, or interrupt the cell."
)
_LETTERS: dict[str, Decision] = {"y": "approve", "a": "approve_remember", "n": "reject"}


class Asker(Protocol):
    """Puts asks to the user of one cell; all methods are called on the cell's thread."""

    def tend(self, open_asks: list[AskOpened]) -> None:
        """Draw what is newly asked, take in answers, and remove what was decided elsewhere."""
        ...

    def close(self) -> None: ...


class Drawn(Protocol):
    """A card in the cell's output."""

    ask: AskOpened

    def comm_ids(self) -> set[str]: ...
    def bundle(self) -> Mapping[str, Any]: ...
    def tend(self) -> AskAnswer | None: ...
    def close(self) -> None: ...


class CardAsker:
    """Draws a card for each ask in the cell's output."""

    def __init__(
        self,
        answer: Callable[[AskAnswer], None],
        *,
        painter: NotebookPainter,
        wake: Callable[[], None],
        lane: CommLane | None,
        why_no_clicks: str,
        where: Callable[[], Where],
        tell: Callable[[str], None],
    ) -> None:
        self._answer = answer
        self._painter = painter
        self._wake = wake
        self._lane = lane
        self._why_no_clicks = why_no_clicks
        self._where = where
        self._tell = tell
        self._cards: dict[str, Drawn] = {}
        self._met: set[str] = set()

    def tend(self, open_asks: list[AskOpened]) -> None:
        for ask in open_asks:
            if ask.ask not in self._met:
                self._met.add(ask.ask)
                self._open(ask)
        is_open = {ask.ask for ask in open_asks}
        for id, card in list(self._cards.items()):
            if id not in is_open:
                self._remove(id)
                continue
            answer = card.tend()
            if answer is not None:
                self._answer(answer)

    def close(self) -> None:
        for id in list(self._cards):
            self._remove(id)

    def _open(self, ask: AskOpened) -> None:
        try:
            from kimi_jupyter.kernel.card import Card
            from kimi_jupyter.kernel.question_card import QuestionCard
        except ImportError:
            self._refuse(ask, _NO_WIDGETS)
            return
        if self._why_no_clicks:
            self._refuse(ask, self._why_no_clicks)
            return
        make = QuestionCard if ask.kind == "question" else Card
        card: Drawn = make(ask, self._wake)
        self._cards[ask.ask] = card
        if self._lane is not None:
            self._lane.own_comms |= card.comm_ids()
        self._painter.seat(seat(ask), card.bundle())

    def _refuse(self, ask: AskOpened, why: str) -> None:
        """With a server the sidebar can answer; else nobody can."""
        if self._where() == "server":
            self._tell(_ELSEWHERE.format(why=why))
        else:
            text = _UNANSWERED if ask.kind == "question" else _DENIED
            self._answer(AskAnswer(ask=ask.ask, decision="reject", comment=text.format(why=why)))

    def _remove(self, id: str) -> None:
        card = self._cards.pop(id)
        if self._lane is not None:
            self._lane.own_comms -= card.comm_ids()
        card.close()
        self._painter.free(seat(card.ask))


class ConsoleAsker:
    """Asks by `input()`, which blocks; only for terminals."""

    def __init__(
        self,
        answer: Callable[[AskAnswer], None],
        *,
        write: Callable[[str], None],
        read: Callable[[str], str],
    ) -> None:
        self._answer = answer
        self._write = write
        self._read = read
        self._met: set[str] = set()

    def tend(self, open_asks: list[AskOpened]) -> None:
        for ask in open_asks:
            if ask.ask not in self._met:
                self._met.add(ask.ask)
                if ask.kind == "question":
                    self._answer(self._question(ask))
                else:
                    self._answer(AskAnswer(ask=ask.ask, decision=self._ask(ask)))

    def close(self) -> None:
        """Nothing is drawn."""

    def _ask(self, ask: AskOpened) -> Decision:
        lines = [f"\n{ask.effect.title}", *(why for why in (ask.effect.protected, ask.why) if why)]
        if ask.effect.command is not None:
            lines.append(f"in {ask.effect.command.cwd}:")
        self._show("\n".join(lines) + "\n" + shown_text(ask.effect))
        always = "[a]lways, " if "approve_remember" in ask.options else ""
        typed = self._typed(f"Approve? [y]es, {always}[N]o: ")
        decision = _LETTERS.get(typed.lower()[:1], "reject")
        return decision if decision in ask.options else "reject"

    def _question(self, ask: AskOpened) -> AskAnswer:
        """A number chooses an option, other text is the answer, an empty line is none."""
        options = ask.effect.question.options if ask.effect.question is not None else ()
        rows = [f"  {n}. {option}" for n, option in enumerate(options, 1)]
        self._show("\n".join(("", asked_text(ask), *([ask.why] if ask.why else ()), *rows)))
        number = "a number or " if options else ""
        typed = self._typed(f"Answer ({number}text; empty for no answer): ")
        if not typed:
            return AskAnswer(ask=ask.ask, decision="reject")
        is_number = typed.isascii() and typed.isdigit() and 0 < int(typed[:9]) <= len(options)
        comment = options[int(typed[:9]) - 1] if is_number else typed
        return AskAnswer(ask=ask.ask, decision="approve", comment=comment)

    def _show(self, text: str) -> None:
        self._write("\n".join(line for page in pages_of(text) for line in page) + "\n")

    def _typed(self, prompt: str) -> str:
        with contextlib.suppress(EOFError):
            return self._read(prompt).strip()
        return ""


class Denier:
    """Nobody is there: every ask is denied at once, in words for the model and for the reader."""

    def __init__(self, answer: Callable[[AskAnswer], None]) -> None:
        self._answer = answer
        self._met: set[str] = set()

    def tend(self, open_asks: list[AskOpened]) -> None:
        for ask in open_asks:
            if ask.ask not in self._met:
                self._met.add(ask.ask)
                text = _NOBODY_ANSWERS if ask.kind == "question" else _NOBODY
                self._answer(AskAnswer(ask=ask.ask, decision="reject", comment=text))

    def close(self) -> None:
        """Nothing is drawn."""
