"""Turns messages and tools into the JSON that Moonshot's API takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kimi_jupyter.models.provider import ToolSpec
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

Json = dict[str, Any]


def messages_body(messages: Sequence[Message], *, echoes: bool = False) -> list[Json]:
    """The conversation; equal messages give equal bytes, so that the API's prefix cache holds.

    A model that thinks refuses calls without reasoning: `echoes` says of replies that came without any that it was empty.
    """
    return [_message(message, echoes) for message in messages]


def tools_body(tools: Sequence[ToolSpec]) -> list[Json]:
    """The tools in their given order."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
            },
        }
        for tool in tools
    ]


def _message(message: Message, echoes: bool) -> Json:
    if isinstance(message, AssistantMessage):
        return _assistant(message, echoes)
    if isinstance(message, SystemMessage):
        return {"role": "system", "content": message.content}
    if isinstance(message, UserMessage):
        return {"role": "user", "content": _content(message.content)}
    tool: ToolMessage = message
    content = _content(tool.content)
    return {"role": "tool", "tool_call_id": tool.tool_call_id, "content": content}


def _assistant(message: AssistantMessage, echoes: bool) -> Json:
    """The reply as it came: reasoning even where it is empty, content only where there is some."""
    body: Json = {"role": "assistant"}
    if message.content.strip() or not message.tool_calls:
        body["content"] = message.content
    if message.reasoning_content is not None or echoes:
        body["reasoning_content"] = message.reasoning_content or ""
    if message.tool_calls:
        body["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    return body


def _content(content: str | tuple[Part, ...]) -> str | list[Json]:
    """A plain string wherever there is no image: the API takes nothing else everywhere."""
    if isinstance(content, str):
        return content
    if any(isinstance(part, ImagePart) for part in content):
        return [_part(part) for part in content]
    return "\n".join(part.text for part in content if isinstance(part, TextPart))


def _part(part: Part) -> Json:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    return {"type": "image_url", "image_url": {"url": part.url}}
