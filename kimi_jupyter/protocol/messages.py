"""What the model is sent and what it answers, independent of any API."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from kimi_jupyter.protocol.base import Data


class ToolCall(Data):
    """One call that the model asks for."""

    id: str
    """Opaque, echoed verbatim."""
    name: str
    """Name of the tool."""
    arguments: str
    """JSON text as it came, perhaps malformed."""


class TextPart(Data):
    """A run of text in a message with several parts."""

    type: Literal["text"] = "text"
    text: str
    """The text."""


class ImagePart(Data):
    """An image in a message with several parts."""

    type: Literal["image"] = "image"
    url: str
    """A `data:` URL; the API takes no other."""


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]


class SystemMessage(Data):
    """The rules that stand before the conversation."""

    role: Literal["system"] = "system"
    content: str
    """The prompt."""


class UserMessage(Data):
    """What the user said, attachments included."""

    role: Literal["user"] = "user"
    content: str | tuple[Part, ...]
    """Text, or parts where there are images."""


class AssistantMessage(Data):
    """A whole reply of the model."""

    role: Literal["assistant"] = "assistant"
    content: str = ""
    """The visible text, perhaps empty beside tool calls."""
    reasoning_content: str | None = None
    """The reasoning as it came; `None` when the API sent no such field, which differs from an empty text."""
    tool_calls: tuple[ToolCall, ...] = ()
    """In the order in which the model asked for them."""


class ToolMessage(Data):
    """The result of one tool call."""

    role: Literal["tool"] = "tool"
    tool_call_id: str
    """The call that it answers."""
    content: str | tuple[Part, ...]
    """What the model is told."""


Message = Annotated[
    SystemMessage | UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")
]


class Usage(Data):
    """Tokens of one request, as the API counts them."""

    prompt_tokens: int = 0
    """All input, cached input included."""
    cached_tokens: int = 0
    """The part of the input that was served from the prefix cache."""
    completion_tokens: int = 0
    """Output, reasoning included."""
