"""What the model sees of a task: the messages that the log comes to."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable, Sequence

from kimi_jupyter.agent import loopguard, words
from kimi_jupyter.agent.own_asks import LOOP
from kimi_jupyter.agent.project import project
from kimi_jupyter.protocol.events import (
    AskClosed,
    AskOpened,
    Event,
    ReplyDone,
    ReplyPartial,
    Rewound,
    TaskCreated,
    ToolDone,
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

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CLOSING = re.compile(r"<(?=\s*/\s*attachment)", re.IGNORECASE)


def messages(events: Iterable[Event]) -> tuple[Message, ...]:
    """The conversation for the wire, always valid; the same events give the same bytes.

    For two requests of one task the messages of the earlier are the first messages of the later, except after a rewind.
    """
    return project(_told(kept(events)))


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


def _told(events: Sequence[Event]) -> Iterable[Message]:
    partial = _Partial()
    task = ""
    queued: dict[int, TurnQueued] = {}
    circles: set[str] = set()
    for event in events:
        if isinstance(event, TaskCreated):
            task = event.task
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
    """What the user typed, then the attachments in their frames, then the note."""
    parts = [event.text, *(framed(attachment, task) for attachment in event.attachments)]
    if isinstance(event, TurnStarted) and event.note:
        parts.append(f"<note>\n{event.note}\n</note>")
    return "\n\n".join(parts)


def framed(attachment: Attachment, task: str) -> str:
    """An attachment between tags that its content can't close.

    The nonce depends on the task's random id, which no file knows, so that every rendering gives the same bytes.
    """
    seed = "\0".join((task, attachment.path, attachment.text))
    nonce = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    path = html.escape(_CONTROL.sub("�", attachment.path))
    text = _CLOSING.sub("&lt;", attachment.text)
    return f'<attachment path="{path}" nonce="{nonce}">\n{text}\n</attachment nonce="{nonce}">'
