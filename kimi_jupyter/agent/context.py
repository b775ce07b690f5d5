"""What the model sees of a task: the messages that the log comes to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kimi_jupyter.agent import loopguard, words
from kimi_jupyter.agent.frames import INSTRUCTIONS_TAG, frame
from kimi_jupyter.agent.handoff import handoff, waiting
from kimi_jupyter.agent.own_asks import LOOP
from kimi_jupyter.agent.project import project
from kimi_jupyter.protocol.base import Mode
from kimi_jupyter.protocol.events import (
    AskClosed,
    AskOpened,
    Compacted,
    Event,
    ModeChanged,
    ReplyDone,
    ReplyPartial,
    Rewound,
    TaskCreated,
    ToolDone,
    TurnEnd,
    TurnEnded,
    TurnQueued,
    TurnStarted,
    TurnUnqueued,
)
from kimi_jupyter.protocol.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from kimi_jupyter.protocol.parts import Attachment


def messages(events: Iterable[Event]) -> tuple[Message, ...]:
    """The conversation for the wire, always valid; the same events give the same bytes.

    For two requests of one task the messages of the earlier are the first messages of the later, except after a rewind
    and after a summary.
    """
    return project(_summed_up(kept(events)))


def kept(events: Iterable[Event]) -> list[Event]:
    """The events that still count after all rewinds."""
    out: list[Event] = []
    past: dict[int, list[Event]] = {}
    for event in events:
        if isinstance(event, Rewound):
            past[event.seq] = out
            if event.undone and event.to in past:
                out = list(past[event.to])
            else:
                out = [old for old in out if old.seq < event.to or isinstance(old, TaskCreated)]
        else:
            out.append(event)
    return out


def _summed_up(events: Sequence[Event]) -> Iterable[Message]:
    """The last summary stands for what came before it; where it was rewound, the originals count again."""
    created = next((event for event in events if isinstance(event, TaskCreated)), None)
    task = created.task if created else ""
    summary = last_summary(events)
    if summary is None:
        yield from _told(events, task)
        return
    if created is not None:
        yield SystemMessage(content=created.system)
    yield from handoff(events, summary, task)
    later = [e for e in events if e.seq > summary.upto and not isinstance(e, TaskCreated)]
    yield from _told([*waiting(events, summary.upto), *later], task)


def last_summary(events: Sequence[Event]) -> Compacted | None:
    """The summary that counts."""
    return next((event for event in reversed(events) if isinstance(event, Compacted)), None)


def last_turn(events: Sequence[Event]) -> tuple[Mode | None, TurnEnd | None]:
    """The mode in which the last message was sent, `None` without one, and how its turn ended."""
    mode: Mode = "ask"
    before: Mode | None = None
    ended: TurnEnd | None = None
    for event in kept(events):
        if isinstance(event, TaskCreated | ModeChanged):
            mode = event.mode
        elif isinstance(event, TurnStarted):
            before = mode
        elif isinstance(event, TurnEnded):
            ended = event.reason
    return before, ended


def _told(events: Sequence[Event], task: str) -> Iterable[Message]:
    partial = _Partial()
    queued: dict[int, TurnQueued] = {}
    circles: set[str] = set()
    for event in events:
        if isinstance(event, TaskCreated):
            yield SystemMessage(content=event.system)
        elif isinstance(event, TurnStarted):
            yield from partial.taken()
            yield UserMessage(content=user_text(event, task))
        elif isinstance(event, TurnQueued | TurnUnqueued):
            yield from _joined(event, queued, task)
        elif isinstance(event, ReplyPartial):
            partial.add(event)
        elif isinstance(event, ReplyDone):
            partial.taken()
            yield from _reply(event.message)
        elif isinstance(event, ToolDone):
            yield ToolMessage(tool_call_id=event.call, content=event.output)
        elif isinstance(event, AskOpened | AskClosed):
            yield from _advice(event, circles)
        elif isinstance(event, TurnEnded):
            yield from partial.taken()


def _advice(event: AskOpened | AskClosed, circles: set[str]) -> Iterable[Message]:
    """What the user said in their own words when they were asked about a circle; `circles` holds those asks."""
    if isinstance(event, AskOpened):
        if LOOP.owns(event):
            circles.add(event.ask)
    elif event.ask in circles and (said := loopguard.advice(event)) is not None:
        yield UserMessage(content=said)


def _joined(
    event: TurnQueued | TurnUnqueued, queued: dict[int, TurnQueued], task: str
) -> Iterable[Message]:
    """A message that waited is told where it joined the turn; `queued` holds those that still wait."""
    if isinstance(event, TurnQueued):
        queued[event.seq] = event
        return
    waited = queued.pop(event.queued, None)
    if waited is not None and event.joined:
        yield UserMessage(content=user_text(waited, task))


def _reply(message: AssistantMessage) -> Iterable[Message]:
    yield message
    if not message.tool_calls and leaks(message):
        yield UserMessage(content=words.MALFORMED_CALL)


def leaks(message: AssistantMessage) -> bool:
    """Whether a reply has tool-call markup where a call should be; the model is told so right after it."""
    return words.leaks_markup(message.content) or (
        not message.content.strip() and words.leaks_markup(message.reasoning_content or "")
    )


class _Partial:
    """What is known of a reply that a crash cut off."""

    def __init__(self) -> None:
        self._reply = ""
        self._think = ""
        self._text = ""

    def add(self, event: ReplyPartial) -> None:
        if event.reply != self._reply:
            self._reply, self._think, self._text = event.reply, "", ""
        self._think += event.think
        self._text += event.text

    def taken(self) -> list[Message]:
        message = AssistantMessage(content=self._text, reasoning_content=self._think or None)
        self._reply, self._think, self._text = "", "", ""
        return [message] if message.content.strip() else []


def user_text(event: TurnStarted | TurnQueued, task: str) -> str:
    """What the user typed, then attachments and the workspace's instructions in their frames, then the note."""
    parts = [event.text, *(framed(attachment, task) for attachment in event.attachments)]
    if isinstance(event, TurnStarted):
        parts += [framed(file, task, INSTRUCTIONS_TAG) for file in event.instructions]
        if event.note:
            parts.append(f"<note>\n{event.note}\n</note>")
    return "\n\n".join(parts)


def framed(file: Attachment, task: str, tag: str = "attachment") -> str:
    """A file between tags that its content can't close."""
    return frame(tag, file.text, task=task, path=file.path)
