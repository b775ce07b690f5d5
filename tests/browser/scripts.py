"""Steps for the simulated API, as the browser tests tell their stories."""

from __future__ import annotations

from typing import Any

Step = dict[str, Any]


def say(text: str, *, reasoning: str = "Let me see.", per_second: float = 0, size: int = 8) -> Step:
    """A reply; with `per_second` its chunks come at that pace."""
    return {
        "content": text,
        "reasoning": reasoning,
        "chunk_size": size,
        "chunks_per_second": per_second,
    }


def call(tool: str, *, text: str = "", **arguments: object) -> Step:
    """A reply that calls one tool."""
    return {
        "content": text,
        "reasoning": "A tool will do.",
        "tool_calls": [{"name": tool, "arguments": arguments}],
    }


def tool_results(body: Step) -> list[str]:
    """What the model was told by tools in this request."""
    return [str(message["content"]) for message in body["messages"] if message["role"] == "tool"]
