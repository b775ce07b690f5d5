"""Streams one reply of the model into the log."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import aclosing

from kimi_jupyter.agent.asks import Emit
from kimi_jupyter.agent.words import storable
from kimi_jupyter.models.provider import CallPart, Finished, Piece, Provider, Request, Text, Think
from kimi_jupyter.models.retry import stream_with_retries
from kimi_jupyter.protocol.errors import ModelError
from kimi_jupyter.protocol.events import CallDelta, ReplyDone, Retrying, TextDelta, ThinkDelta
from kimi_jupyter.protocol.messages import AssistantMessage

_CALL_DELTA_EVERY = 0.25
"""Seconds between two `call.delta`: arguments are shown as a size only."""


class Reply:
    """One reply, tries included; a retry begins it anew under another id."""

    def __init__(self, emit: Emit, model: str) -> None:
        self._emit = emit
        self._model = model
        self._begin()

    def _begin(self) -> None:
        self._id = secrets.token_hex(8)
        self._think: list[str] = []
        self._text: list[str] = []
        self._started = time.monotonic()
        self._think_ms = 0
        self._call_shown = 0.0

    async def stream(self, provider: Provider, request: Request) -> Finished:
        """Emit the pieces as they come and give back the last one; `done` must follow where the reply counts.

        What had streamed is kept as a `reply.done` when the turn is stopped (`stopped`) or no further try helps (`error`).
        """
        pieces = stream_with_retries(provider, request, on_retry=self._retrying)
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    if isinstance(piece, Finished):
                        return piece
                    self._show(piece)
        except asyncio.CancelledError:
            self._keep("stopped")
            raise
        except ModelError:
            self._keep("error")
            raise
        raise ModelError(
            "The model's reply ended before it was complete. Send the message again.",
            fault="broken_stream",
        )

    def done(self, finished: Finished) -> ReplyDone:
        """State the whole message as the model's reply."""
        event = ReplyDone(
            reply=self._id,
            message=finished.message,
            finish=finished.finish,
            model=self._model,
            think_ms=self._think_ms or (self._elapsed_ms() if self._think else 0),
        )
        self._emit(event)
        return event

    def _show(self, piece: Piece) -> None:
        if isinstance(piece, Think):
            text = storable(piece.text)
            self._think.append(text)
            self._emit(ThinkDelta(reply=self._id, text=text))
        elif isinstance(piece, Text):
            if self._think and not self._text:
                self._think_ms = self._elapsed_ms()
            text = storable(piece.text)
            self._text.append(text)
            self._emit(TextDelta(reply=self._id, text=text))
        elif isinstance(piece, CallPart):
            now = time.monotonic()
            if now - self._call_shown >= _CALL_DELTA_EVERY:
                self._call_shown = now
                self._emit(CallDelta(reply=self._id, name=piece.name, size=piece.size))

    def _keep(self, finish: str) -> None:
        if self._think or self._text:
            message = AssistantMessage(
                content="".join(self._text), reasoning_content="".join(self._think) or None
            )
            self.done(Finished(message=message, finish=finish, usage=None))

    def _retrying(self, error: ModelError, attempt: int, attempts: int, wait_ms: int) -> None:
        self._begin()
        self._emit(Retrying(why=str(error), attempt=attempt, attempts=attempts, wait_ms=wait_ms))

    def _elapsed_ms(self) -> int:
        return round((time.monotonic() - self._started) * 1000)
