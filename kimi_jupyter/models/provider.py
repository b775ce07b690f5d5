"""The model behind one method: what every provider offers, and the pieces of a streamed reply."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Protocol

from kimi_jupyter.protocol.messages import AssistantMessage, Message, Usage


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model is told of it."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON schema within Moonshot's subset (`models.schema`)."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a model."""

    model: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]
    task: str
    """The task's id, sent as `prompt_cache_key`."""
    max_tokens: int
    """Most output tokens, reasoning included."""
    thinking: bool = True
    """Whether the model shall reason first, where it leaves the choice."""


@dataclass(frozen=True, slots=True)
class Think:
    """More reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """More visible text."""

    text: str


@dataclass(frozen=True, slots=True)
class CallPart:
    """The arguments of a tool call grew; for display only, calls are run from `Finished`."""

    name: str
    size: int
    """Characters of arguments so far."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The reply is complete; always the last piece."""

    message: AssistantMessage
    finish: str
    """`stop`, `length`, `tool_calls`, `content_filter`, or another word of the API."""
    usage: Usage | None
    """`None` where the API named none."""


Piece = Think | Text | CallPart | Finished


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model of the list."""

    id: str
    name: str
    context: int
    """Tokens of context."""
    vision: bool
    input_price: float | None
    """USD per million uncached input tokens."""
    cached_price: float | None
    """USD per million cached input tokens."""
    output_price: float | None
    """USD per million output tokens."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left on the account."""

    available: float
    currency: str
    """`USD` or `CNY`."""
    read_at: int
    """Milliseconds since the epoch."""


class Provider(Protocol):
    """A source of replies; errors of all methods are `ModelError`."""

    def stream(self, request: Request) -> AsyncGenerator[Piece]:
        """Yield the pieces of one reply, `Finished` last; closing the generator ends the request at once.

        A stream that ends without proof of completeness raises `ModelError(fault="broken_stream", retry=True)`;
        a silent one, after the idle limit, `fault="stalled"`.
        """
        ...

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models that this account may use."""
        ...

    async def balance(self) -> Balance | None:
        """The account's balance, `None` where there is none to tell."""
        ...

    async def aclose(self) -> None:
        """Free the connections."""
        ...
