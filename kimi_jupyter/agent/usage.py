"""What one request used, as the log states it."""

from __future__ import annotations

from kimi_jupyter.models.catalogue import cost
from kimi_jupyter.models.provider import Finished, ModelInfo
from kimi_jupyter.protocol.events import UsageReported
from kimi_jupyter.protocol.settings import Settings


def reported(
    finished: Finished, info: ModelInfo | None, settings: Settings
) -> UsageReported | None:
    """The event; `None` where the API named no usage."""
    usage = finished.usage
    if usage is None:
        return None
    return UsageReported(
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=usage.cached_tokens,
        completion_tokens=usage.completion_tokens,
        cost=cost(usage, info, settings),
        context_tokens=info.context if info else 0,
    )
