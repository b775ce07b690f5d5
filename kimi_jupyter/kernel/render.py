"""What a cell shows of its turn: a fold of the task's events, and the pieces of output that it comes to.

It is the small twin of the sidebar's transcript; the fold is the one of `history.fold`, so that both show the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kimi_jupyter.agent.slash import is_slash
from kimi_jupyter.agent.words import SUMMED_UP, SUMMING_UP
from kimi_jupyter.history.fold import (
    AskItem,
    Fold,
    MessageItem,
    NoticeItem,
    ReplyItem,
    ToolItem,
    Turn,
)
from kimi_jupyter.kernel import words
from kimi_jupyter.kernel.blocks import Blocks
from kimi_jupyter.kernel.hunks import chosen_of
from kimi_jupyter.kernel.link import Failed, Item, Opened
from kimi_jupyter.kernel.pages import asked_text
from kimi_jupyter.kernel.visible import plain
from kimi_jupyter.kernel.words import Piece
from kimi_jupyter.protocol.commands import Refusal
from kimi_jupyter.protocol.events import (
    AskClosed,
    AskOpened,
    CommandEnded,
    Compacted,
    Event,
    Notice,
    ReplyDone,
    Retrying,
    TodoChanged,
    ToolDone,
    ToolStarted,
    TurnEnded,
    TurnQueued,
    TurnStarted,
    TurnUnqueued,
)
from kimi_jupyter.safety import pictures
from kimi_jupyter.safety.pictures import Picture

_COMMAND = "execute_command"
"""The tool whose calls may go on in the background."""
_WAITS = (
    "A turn of this task is running already: the message waits and joins it at its next step. "
    "Interrupt takes it back."
)
_TAKEN_BACK = "The message was taken back before the agent read it; run the cell again to send it."


@dataclass
class _Extras:
    """What the cell shows beside the fold."""

    asks: dict[str, list[AskOpened]] = field(default_factory=lambda: {})
    """By call: a changed file asks again."""
    closed: dict[str, AskClosed] = field(default_factory=lambda: {})
    think_ms: dict[str, int] = field(default_factory=lambda: {})
    chosen: dict[str, tuple[int, int]] = field(default_factory=lambda: {})
    """By call: how many of how many changes were approved, where it was a part."""
    running: set[str] = field(default_factory=lambda: set())
    """Calls of commands that have no result yet."""
    ended: dict[str, str] = field(default_factory=lambda: {})
    """By call: how a background command ended."""
    images: dict[str, list[tuple[str, Picture]]] = field(default_factory=lambda: {})
    """By call: what it showed to the model, as far as it can be drawn."""
    retry: Retrying | None = None
    todo: TodoChanged | None = None


@dataclass(frozen=True, slots=True)
class RunningCall:
    """A command that the cell's turn waits for."""

    call: str
    title: str
    place: str
    """The key of its line."""


class Screen:
    """The fold of one cell: it shows the turn that carries `client`, or with `None` whatever comes."""

    def __init__(self, client: str | None, text: str = "") -> None:
        self.fold = Fold()
        self.is_started = client is None
        self.is_over = False
        self.refusals: list[Refusal] = []
        self.failure: str | None = None
        self.queued: int | None = None
        """The `turn.queued` of this cell's message, while it waits for a turn that runs already."""
        self._text = text.strip()
        self._client = client
        self._is_slash = is_slash(text)
        self._told: list[str] = []
        self._extras = _Extras()
        self._blocks: dict[int, Blocks] = {}

    def feed(self, item: Item) -> None:
        """Take in what came over the link."""
        if isinstance(item, Opened):
            self.fold.link_opened()
        elif isinstance(item, Failed):
            self.failure, self.is_over = item.text, True
        elif isinstance(item, Refusal):
            if item.command != "turn.stop":  # it ended by itself
                self.refusals.append(item)
            self.is_over = self.is_over or item.command == "turn.start"
        else:
            self._feed_event(item)

    def tell(self, text: str) -> None:
        """Add a sentence of the cell's own, once."""
        if text not in self._told:
            self._told.append(text)

    @property
    def open_asks(self) -> list[AskOpened]:
        """The asks that wait for an answer, oldest first."""
        if not self.fold.has_open_asks:
            return []
        is_open = self.fold.view().open_asks
        return [ask for asks in self._extras.asks.values() for ask in asks if ask.ask in is_open]

    @property
    def running(self) -> list[RunningCall]:
        """The commands that the turn waits for now."""
        if not self._extras.running:
            return []
        return [
            RunningCall(item.call, item.title, self._place(f"{turn.seq}:{index}", item.call))
            for turn in self.fold.view().turns
            for index, item in enumerate(turn.items)
            if isinstance(item, ToolItem)
            and item.status == "running"
            and item.call in self._extras.running
        ]

    def _place(self, key: str, call: str) -> str:
        """Where a call's line stands: where its last card was, if it had one."""
        asks = self._extras.asks.get(call, [])
        return seat(asks[-1]) if asks else key

    def _feed_event(self, event: Event) -> None:
        if isinstance(event, TurnStarted):
            self.is_started = self.is_started or event.client == self._client
        if not self.is_started and self._client is not None:
            # A slash command is answered by a notice, without a turn.
            if self._is_slash and isinstance(event, Notice):
                self.fold.feed(event)
                self.is_over = event.text != SUMMING_UP
            elif self._is_slash and isinstance(event, Compacted):
                self.fold.feed(Notice(level="info", text=SUMMED_UP))
                self.is_over = True
            else:
                self._wait(event)
            return
        self.fold.feed(event)
        self._extras_of(event)
        self._running_of(event)
        if isinstance(event, TurnEnded) and self._client is not None:
            self.is_over = True

    def _wait(self, event: Event) -> None:
        """The message may wait for a turn that another client has started; once joined, the rest of it is the cell's."""
        if isinstance(event, TurnQueued) and self.queued is None:
            if event.text.strip() == self._text:
                self.queued = event.seq
                self.tell(_WAITS)
        elif isinstance(event, TurnUnqueued) and event.queued == self.queued:
            self.queued = None
            self._told.remove(_WAITS)
            if event.joined:
                self.is_started = True
                self.fold.feed(TurnStarted(seq=event.seq, text=self._text))
            else:
                self.tell(_TAKEN_BACK)
                self.is_over = True

    def _extras_of(self, event: Event) -> None:
        extras = self._extras
        extras.retry = event if isinstance(event, Retrying) else None
        if isinstance(event, AskOpened):
            extras.asks.setdefault(event.call, []).append(event)
        elif isinstance(event, AskClosed):
            extras.closed[event.ask] = event
        elif isinstance(event, ReplyDone):
            extras.think_ms[event.reply] = event.think_ms
        elif isinstance(event, TodoChanged):
            extras.todo = event
        elif isinstance(event, CommandEnded):
            extras.ended[event.call] = event.summary
        elif isinstance(event, ToolDone):
            self._extras_of_result(event)

    def _extras_of_result(self, event: ToolDone) -> None:
        extras = self._extras
        found = ((url, pictures.of_url(url)) for url in event.images)
        extras.images[event.call] = [(url, picture) for url, picture in found if picture]
        if event.call in extras.asks:
            chosen = chosen_of(extras.asks[event.call][-1].effect.diff, event.diff)
            if chosen is not None:
                extras.chosen[event.call] = chosen

    def _running_of(self, event: Event) -> None:
        running = self._extras.running
        if isinstance(event, ToolStarted) and event.name == _COMMAND:
            running.add(event.call)
        elif isinstance(event, ToolDone):
            running.discard(event.call)
        elif isinstance(event, TurnEnded):
            running.clear()

    def pieces(self) -> list[Piece]:
        """All pieces of output in their order; a key stays the same while its piece changes.

        Keys go by the place in the turn: the reply that takes the place of a broken one overwrites its outputs.
        """
        view = self.fold.view()
        pieces = [words.notice(f"before:{n}", item) for n, item in enumerate(view.notices)]
        for turn in view.turns:
            pieces += self._turn(turn)
        pieces += self._ended_elsewhere(view.turns)
        if view.rewound is not None:
            pieces.append(words.rewound(view.rewound))
        if self._extras.retry is not None:
            pieces.append(words.retry(self._extras.retry))
        if self._extras.todo is not None:
            pieces.append(words.todo(self._extras.todo, is_open=self.fold.is_running))
        pieces += [words.told(n, text) for n, text in enumerate(self._told)]
        pieces += [words.refusal(n, refusal) for n, refusal in enumerate(self.refusals)]
        if self.failure:
            pieces.append(words.failure(self.failure))
        if view.turns and view.turns[-1].ended is not None and view.usage.requests:
            pieces.append(words.cost(view.usage, view.model))
        return pieces

    def _ended_elsewhere(self, turns: tuple[Turn, ...]) -> list[Piece]:
        ours = {item.call for turn in turns for item in turn.items if isinstance(item, ToolItem)}
        ended = self._extras.ended.items()
        return [words.ended_elsewhere(call, summary) for call, summary in ended if call not in ours]

    def _turn(self, turn: Turn) -> list[Piece]:
        pieces: list[Piece] = []
        for index, item in enumerate(turn.items):
            key = f"{turn.seq}:{index}"
            if isinstance(item, ReplyItem):
                pieces += self._reply(key, index, item)
            elif isinstance(item, ToolItem):
                pieces += self._tool(key, item)
            elif isinstance(item, AskItem):
                pieces += self._ask(item)
            elif isinstance(item, MessageItem):
                pieces.append(words.joined(key, item))
            elif isinstance(item, NoticeItem):
                pieces.append(words.notice(key, item))
            else:
                pieces.append(words.compacted(key))
        if turn.ended is not None:
            pieces += words.end(f"{turn.seq}:end", turn.ended)
        return pieces

    def _reply(self, key: str, index: int, reply: ReplyItem) -> list[Piece]:
        pieces: list[Piece] = []
        if reply.think.strip():
            is_thinking = not reply.done and not reply.text
            ms = self._extras.think_ms.get(reply.reply, 0)
            pieces.append(
                words.thinking(f"{key}:think", reply.think, is_thinking=is_thinking, ms=ms)
            )
        blocks = self._blocks.setdefault(index, Blocks()).update(reply.text)
        for n, block in enumerate(blocks):
            is_open = n == len(blocks) - 1 and not reply.done
            pieces.append(
                Piece(f"{key}:text:{n}", block, plain(block), kind="reply", is_open=is_open)
            )
        return pieces

    def _ask(self, item: AskItem) -> list[Piece]:
        """The agent's own question; none while its card is in its place."""
        closed = self._extras.closed.get(item.ask.ask)
        asked = next((a for a in self._extras.asks.get("", []) if a.ask == item.ask.ask), None)
        text = item.title if asked is None else asked_text(asked)
        key = f"ask:{item.ask.ask}"
        return [words.question(key, text, closed)] if closed is not None else []

    def _tool(self, key: str, tool: ToolItem) -> list[Piece]:
        """A line for each card that was superseded, then the line of the call; none while a card is in its place."""
        asks = self._extras.asks.get(tool.call, [])
        pieces = [words.superseded(seat(ask), ask) for ask in asks[:-1]]
        closed = self._extras.closed.get(asks[-1].ask) if asks else None
        place = self._place(key, tool.call)
        if asks and asks[-1].kind == "question" and closed is not None:
            pieces.append(words.question(place, asked_text(asks[-1]), closed))
        elif closed is not None or tool.status not in ("waiting", "asking"):
            pieces.append(words.tool(place, tool, closed, self._extras.chosen.get(tool.call)))
        for n, (url, picture) in enumerate(self._extras.images.get(tool.call, [])):
            pieces.append(words.image(f"{key}:image:{n}", url, picture))
        if tool.background is not None:
            pieces += words.background(key, tool.title, tool.background)
        return pieces


def seat(ask: AskOpened) -> str:
    """The key of the piece where an ask's card is drawn, and later the line that tells what was decided."""
    return f"ask:{ask.ask}"
