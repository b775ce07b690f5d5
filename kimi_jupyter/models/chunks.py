"""Reads the chunks of Moonshot's stream into pieces of a reply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from pydantic_core import from_json

from kimi_jupyter.models.errors import broken_stream, from_body
from kimi_jupyter.models.provider import CallPart, Finished, Piece, Text, Think
from kimi_jupyter.models.reply import Assembler
from kimi_jupyter.protocol.messages import Usage

_DONE = b"[DONE]"
Chunk = Mapping[str, Any]


class ChunkReader:
    """Follows one reply; `has_finish` after its finish chunk, `is_done` after `[DONE]`."""

    def __init__(
        self, taken: Iterable[str] = (), *, headers: Mapping[str, str] | None = None
    ) -> None:
        self._reply = Assembler(taken)
        self._headers = headers or {}
        self._finish: str | None = None
        self._usage: Usage | None = None
        self.is_done = False

    @property
    def has_finish(self) -> bool:
        """The API has said why the reply ended."""
        return self._finish is not None

    def read(self, payloads: Sequence[bytes]) -> list[Piece]:
        """The pieces in these payloads; neighbours of the same kind are put together."""
        pieces: list[Piece] = []
        for payload in payloads:
            if payload == _DONE:
                self.is_done = True
                break
            for piece in self._read_chunk(payload):
                _append(pieces, piece)
        return pieces

    def finished(self) -> Finished:
        """The whole reply; raises where nothing proves that it is complete."""
        if not self.has_finish and not self.is_done:
            raise broken_stream(self._headers)
        return Finished(
            message=self._reply.message(), finish=self._finish or "unknown", usage=self._usage
        )

    def _read_chunk(self, payload: bytes) -> list[Piece]:
        try:
            chunk = cast("Chunk", from_json(payload))
            if chunk.get("error"):
                raise from_body(200, chunk, self._headers)
            if usage := chunk.get("usage"):
                self._usage = usage_of(usage)
            choices = chunk.get("choices")
            return self._read_choice(choices[0]) if choices else []
        except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
            if self.has_finish:
                return []  # the reply is complete; only its usage may be missing
            raise broken_stream(self._headers) from error

    def _read_choice(self, choice: Chunk) -> list[Piece]:
        pieces: list[Piece] = []
        delta: Chunk = choice.get("delta") or {}
        reasoning = delta.get("reasoning_content")
        if reasoning is not None:
            self._reply.think(_string(reasoning))
            if reasoning:
                pieces.append(Think(reasoning))
        if content := delta.get("content"):
            self._reply.text(_string(content))
            pieces.append(Text(content))
        for part in delta.get("tool_calls") or ():
            pieces.append(self._read_call(part))
        if finish := choice.get("finish_reason"):
            self._finish = _string(finish)
        if usage := choice.get("usage"):
            self._usage = usage_of(usage)
        return pieces

    def _read_call(self, part: Chunk) -> CallPart:
        function: Chunk = part.get("function") or {}
        return self._reply.call(
            part.get("index"),
            id=_string(part.get("id") or ""),
            name=_string(function.get("name") or ""),
            arguments=_string(function.get("arguments") or ""),
        )


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def usage_of(usage: Chunk) -> Usage:
    """The API's usage object; cached tokens stand in one of two places, or nowhere when there are none."""
    details: Chunk = usage.get("prompt_tokens_details") or {}
    return Usage(
        prompt_tokens=usage.get("prompt_tokens") or 0,
        cached_tokens=usage.get("cached_tokens") or details.get("cached_tokens") or 0,
        completion_tokens=usage.get("completion_tokens") or 0,
    )


def _append(pieces: list[Piece], piece: Piece) -> None:
    last = pieces[-1] if pieces else None
    if isinstance(piece, Text) and isinstance(last, Text):
        pieces[-1] = Text(last.text + piece.text)
    elif isinstance(piece, Think) and isinstance(last, Think):
        pieces[-1] = Think(last.text + piece.text)
    elif isinstance(piece, CallPart) and isinstance(last, CallPart) and piece.name == last.name:
        if piece.size >= last.size:
            pieces[-1] = piece
        else:
            pieces.append(piece)
    else:
        pieces.append(piece)
