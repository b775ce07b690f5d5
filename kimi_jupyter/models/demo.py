"""Finds the step of the offline demo that answers a request."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kimi_jupyter.demo import SCRIPT
from kimi_jupyter.models.provider import Request
from kimi_jupyter.models.scripted import Play, ScriptedProvider, Step
from kimi_jupyter.protocol.messages import AssistantMessage, Message, ToolMessage, UserMessage

PIECE_SECONDS = 0.02
"""The pause between two pieces, so that it reads like a model."""

_AGAIN = re.compile(
    r"^\W*(?:please )?(?:(?:play|replay|run|start|show)(?: me)? )?(?:the |a |your )?demo\b",
    re.IGNORECASE | re.MULTILINE,
)


def demo_provider(*, delay: float = PIECE_SECONDS) -> ScriptedProvider:
    """The offline model."""
    script: Mapping[str, Any] = json.loads(SCRIPT.read_text(encoding="utf-8"))
    return ScriptedProvider(DemoScript(script), delay=delay)


@dataclass(frozen=True)
class DemoScript:
    """Steps by name: what each plays, and which follows upon which results of its tool calls.

    The id of a tool call begins with the name of its step. So the place in the demo is found in the conversation
    itself, and the demo goes on after a restart.
    """

    steps: Mapping[str, Any]

    def __call__(self, request: Request) -> Step:
        """The step that answers the request."""
        name = self._name(request.messages)
        calls = sum(len(m.tool_calls) for m in request.messages if isinstance(m, AssistantMessage))
        played: list[Play] = []
        for play in self.steps[name]["play"]:
            if "call" in play:
                play = {"call": {**_localised(play["call"]), "id": f"{name}:{calls}"}}
                calls += 1
            played.append(play)
        return played

    def _name(self, messages: Sequence[Message]) -> str:
        results: list[str] = []
        for message in reversed(messages):
            if isinstance(message, ToolMessage):
                results.append(_text(message))
            elif isinstance(message, AssistantMessage):
                return self._following(message, "\n".join(results).lower())
            elif isinstance(message, UserMessage):
                return self._opening(messages, _text(message))
        return "intro"

    def _opening(self, messages: Sequence[Message], said: str) -> str:
        if not any(isinstance(message, AssistantMessage) for message in messages):
            return "intro"
        return "again" if _AGAIN.search(said) else "later"

    def _following(self, message: AssistantMessage, results: str) -> str:
        for call in message.tool_calls:
            step = self.steps.get(call.id.rpartition(":")[0], {})
            for branch in step.get("next", ()):
                if _holds(branch, results):
                    return str(branch["step"])
        return "lost"


def _holds(branch: Mapping[str, Any], results: str) -> bool:
    """Whether the results hold all of `all`, one of `any` and none of `none`."""
    return (
        all(word.lower() in results for word in branch.get("all", ()))
        and any(word.lower() in results for word in branch.get("any", ("",)))
        and not any(word.lower() in results for word in branch.get("none", ()))
    )


def _localised(call: Mapping[str, Any]) -> Mapping[str, Any]:
    python = "python" if os.name == "nt" else "python3"
    arguments = {
        name: value.replace("{python}", python) if isinstance(value, str) else value
        for name, value in call["arguments"].items()
    }
    return {**call, "arguments": arguments}


def _text(message: UserMessage | ToolMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part.text for part in message.content if part.type == "text")
