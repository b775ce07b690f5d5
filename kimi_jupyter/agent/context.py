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
    ImagePart,
    Message,
    Part,
    SystemMessage,
    TextPart,
    ToolMessage,
    UserMessage,
)
from kimi_jupyter.protocol.parts import Attachment


def messages(events: Iterable[Event], *, sees_images: bool = False) -> tuple[Message, ...]:
    """The conversation for the wire, always valid; the same events give the same bytes to models with the same eyes.

    For two requests of one task the messages of the earlier are the first messages of the later, except after a rewind
    and a summary, and where a model that sees images takes the place of one that does not.
    """
    return project(_summed_up(kept(events), sees_images=sees_images))


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


def _summed_up(events: Sequence[Event], *, sees_images: bool) -> Iterable[Message]:
    """The last summary stands for what came before it; where it was rewound, the originals count again."""
    created = next((event for event in events if isinstance(event, TaskCreated)), None)
    task = created.task if created else ""
    summary = last_summary(events)
    if summary is None:
        yield from _told(events, task, sees_images=sees_images)
        return
    if created is not None:
        yield SystemMessage(content=created.system)
    yield from handoff(events, summary, task)
    later = [e for e in events if e.seq > summary.upto and not isinstance(e, TaskCreated)]
    told = [*waiting(events, summary.upto), *later]
    yield from _told(told, task, sees_images=sees_images)


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


def _told(events: Sequence[Event], task: str, *, sees_images: bool) -> Iterable[Message]:
    partial = _Partial()
    queued: dict[int, TurnQueued] = {}
    circles: set[str] = set()
    for event in events:
        if isinstance(event, TurnStarted | TurnEnded):
            yield from partial.taken()
        if isinstance(event, TaskCreated):
            yield SystemMessage(content=event.system)
        elif isinstance(event, ReplyPartial):
            partial.add(event)
        elif isinstance(event, ReplyDone):
            partial.taken()
            yield from _reply(event.message)
        elif isinstance(event, ToolDone):
            yield ToolMessage(
                tool_call_id=event.call,
                content=_shown(event.output, event.images, sees_images=sees_images),
            )
        elif isinstance(event, AskOpened | AskClosed):
            yield from _advice(event, circles)
        elif (said := _said(event, queued)) is not None:
            yield _user(said, task, sees_images=sees_images)


def _advice(event: AskOpened | AskClosed, circles: set[str]) -> Iterable[Message]:
    """What the user said in their own words when they were asked about a circle; `circles` holds those asks."""
    if isinstance(event, AskOpened):
        if LOOP.owns(event):
            circles.add(event.ask)
    elif event.ask in circles and (said := loopguard.advice(event)) is not None:
        yield UserMessage(content=said)


def _said(event: Event, queued: dict[int, TurnQueued]) -> TurnStarted | TurnQueued | None:
    """The user's message that is told here: the one that begins a turn, or one that waited; `queued` holds those that still do."""
    if isinstance(event, TurnStarted):
        return event
    if isinstance(event, TurnQueued):
        queued[event.seq] = event
    if isinstance(event, TurnUnqueued):
        waited = queued.pop(event.queued, None)
        return waited if event.joined else None
    return None


def _user(event: TurnStarted | TurnQueued, task: str, *, sees_images: bool) -> UserMessage:
    images = [attachment.image for attachment in event.attachments if attachment.image is not None]
    return UserMessage(content=_shown(user_text(event, task), images, sees_images=sees_images))


def _shown(text: str, images: Sequence[str], *, sees_images: bool) -> str | tuple[Part, ...]:
    """A text with its images; for a model that can't see them, with a word in their place."""
    if not images:
        return text
    if not sees_images:
        return f"{text}\n\n{words.UNSEEN}"
    shown = (ImagePart(url=url) for url in images)
    return (TextPart(text=text if text.strip() else words.NO_OUTPUT), *shown)


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
    parts = [event.text]
    images = 0
    for attachment in event.attachments:
        images += attachment.image is not None
        parts.append(framed(attachment, task, image=images))
    if isinstance(event, TurnStarted):
        parts += [framed(file, task, INSTRUCTIONS_TAG) for file in event.instructions]
        if event.note:
            parts.append(f"<note>\n{event.note}\n</note>")
    return "\n\n".join(parts)


def framed(file: Attachment, task: str, tag: str = "attachment", *, image: int = 0) -> str:
    """A file between tags that its content can't close; of an image its number in the message."""
    text = file.text
    if file.image is not None:
        text = f"image {image} of this message ({file.size:,} bytes)"
    return frame(tag, text, task=task, path=file.path)
