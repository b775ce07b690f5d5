"""What the model sees of a task: the messages that the log comes to."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable, Sequence

from kimi_jupyter.agent import words
from kimi_jupyter.agent.project import project
from kimi_jupyter.protocol.events import (
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
    ImagePart,
    Message,
    Part,
    SystemMessage,
    TextPart,
    ToolMessage,
    UserMessage,
)
from kimi_jupyter.protocol.parts import Attachment

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CLOSING = re.compile(r"<(?=\s*/\s*attachment)", re.IGNORECASE)


def messages(events: Iterable[Event], *, sees_images: bool = False) -> tuple[Message, ...]:
    """The conversation for the wire, always valid; the same events give the same bytes to models with the same eyes.

    For two requests of one task the messages of the earlier are the first messages of the later, except after a rewind
    and where a model that sees images takes the place of one that does not.
    """
    return project(_told(kept(events), sees_images=sees_images))


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


def _told(events: Sequence[Event], *, sees_images: bool) -> Iterable[Message]:
    partial = _Partial()
    task = ""
    queued: dict[int, TurnQueued] = {}
    for event in events:
        if isinstance(event, TaskCreated):
            task = event.task
            yield SystemMessage(content=event.system)
        elif isinstance(event, TurnStarted):
            yield from partial.taken()
            yield _user(event, task, sees_images=sees_images)
        elif isinstance(event, TurnQueued | TurnUnqueued):
            waited = _joined(event, queued)
            if waited is not None:
                yield _user(waited, task, sees_images=sees_images)
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
        elif isinstance(event, TurnEnded):
            yield from partial.taken()


def _joined(event: TurnQueued | TurnUnqueued, queued: dict[int, TurnQueued]) -> TurnQueued | None:
    """The message that joins the turn here; `queued` holds those that still wait."""
    if isinstance(event, TurnQueued):
        queued[event.seq] = event
        return None
    waited = queued.pop(event.queued, None)
    return waited if event.joined else None


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
    """What the user typed, then the attachments in their frames, then the note."""
    parts = [event.text]
    images = 0
    for attachment in event.attachments:
        images += attachment.image is not None
        parts.append(framed(attachment, task, image=images))
    if isinstance(event, TurnStarted) and event.note:
        parts.append(f"<note>\n{event.note}\n</note>")
    return "\n\n".join(parts)


def framed(attachment: Attachment, task: str, *, image: int = 0) -> str:
    """An attachment between tags that its content can't close; of an image its number in the message.

    The nonce depends on the task's random id, which no file knows, so that every rendering gives the same bytes.
    """
    seed = "\0".join((task, attachment.path, attachment.text))
    nonce = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    path = html.escape(_CONTROL.sub("�", attachment.path))
    text = _CLOSING.sub("&lt;", attachment.text)
    if attachment.image is not None:
        text = f"image {image} of this message ({attachment.size:,} bytes)"
    return f'<attachment path="{path}" nonce="{nonce}">\n{text}\n</attachment nonce="{nonce}">'
