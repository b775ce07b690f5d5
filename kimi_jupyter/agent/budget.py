"""The limits of a turn and of a task, checked before each request."""

from __future__ import annotations

from collections.abc import Sequence

from kimi_jupyter.history.fold import UsageTotal
from kimi_jupyter.protocol.events import TurnEnded
from kimi_jupyter.protocol.messages import Message
from kimi_jupyter.protocol.settings import Settings

MOST_OUTPUT = 32_768
"""Output tokens that a request may ask for; the API charges its rate limit by what is asked."""
LEAST_OUTPUT = 1_024
_BYTES_PER_TOKEN = 3
"""On the safe side for English, code and Chinese alike."""


def counted_tokens(usage: UsageTotal) -> int:
    """What counts against the task limit: uncached input plus output."""
    return usage.prompt_tokens - usage.cached_tokens + usage.completion_tokens


def over_limit(*, requests: int, usage: UsageTotal, settings: Settings) -> TurnEnded | None:
    """The end of the turn, where one more request would go beyond a limit."""
    if requests >= settings.max_turns:
        return TurnEnded(
            reason="turn_limit",
            message=f"Reached the agent turn limit: {settings.max_turns} requests for one message. "
            "Send another message to continue from here, or raise `kimi.maxTurns` in the settings.",
        )
    used = counted_tokens(usage)
    if used >= settings.max_task_tokens:
        return TurnEnded(
            reason="token_limit",
            message=f"Reached the task token limit: {used:,} of {settings.max_task_tokens:,} tokens "
            "(uncached input plus output of the whole task). Raise `kimi.maxTaskTokens` in the settings "
            'and send another message, or start afresh with "Kimi: New Task".',
        )
    most = settings.max_task_cost
    if most is not None and usage.cost is not None and usage.cost >= most:
        return TurnEnded(
            reason="budget",
            message=f"Reached the task cost limit: about {usage.cost:.4f} of {most:g} USD. "
            "Raise `kimi.maxTaskCost` in the settings and send another message, "
            'or start afresh with "Kimi: New Task".',
        )
    return None


def output_limit(context: int, messages: Sequence[Message], tools_size: int) -> int:
    """Most output tokens of a request: `MOST_OUTPUT`, or what the model's window has left."""
    if not context:
        return MOST_OUTPUT
    size = tools_size + sum(len(message.model_dump_json().encode()) for message in messages)
    return max(LEAST_OUTPUT, min(MOST_OUTPUT, context - size // _BYTES_PER_TOKEN))
