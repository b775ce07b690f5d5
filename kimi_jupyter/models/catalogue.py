"""The one place for base URLs, model ids, prices and what is known of retired ids."""

from __future__ import annotations

from collections.abc import Sequence

from kimi_jupyter.models.provider import ModelInfo
from kimi_jupyter.protocol.messages import Usage
from kimi_jupyter.protocol.settings import Settings

DEFAULT_BASE_URL = "https://api.moonshot.ai/v1"
CHINA_BASE_URL = "https://api.moonshot.cn/v1"
DEFAULT_MODEL = "kimi-k2.6"
OFFLINE = "offline-demo"
"""The scripted model that needs no key."""
PRICED_AT = "2026-09"
"""Month in which the bundled prices were read."""


def _model(
    name: str, context: int, input_price: float, cached_price: float, output_price: float
) -> ModelInfo:
    return ModelInfo(
        id=name.lower().replace(" ", "-"),
        name=name,
        context=context,
        vision=True,
        input_price=input_price,
        cached_price=cached_price,
        output_price=output_price,
    )


BUNDLED: tuple[ModelInfo, ...] = (
    _model("Kimi K2.6", 262_144, 0.95, 0.16, 4.00),
    _model("Kimi K2.7 Code", 262_144, 0.95, 0.19, 4.00),
    _model("Kimi K2.7 Code Highspeed", 262_144, 1.90, 0.38, 8.00),
    _model("Kimi K3", 1_048_576, 3.00, 0.30, 15.00),
)
"""The models as of `PRICED_AT`: shown while the API's own list is unknown, and the source of prices."""

CAN_REST = ("kimi-k2.6",)
"""Models whose thinking can be switched off; the others always think."""


def thinks(model: str, wanted: bool) -> bool:
    """Whether a model reasons before it answers, where the user wants it to or not; of an unknown one nothing is known."""
    return find(model) is not None and (wanted or model not in CAN_REST)


def thinking_switch(model: str, wanted: bool) -> dict[str, str] | None:
    """The API's `thinking` field; `None` for models that take none.

    K2.6 forgets the reasoning of earlier turns unless it is told to keep all of it. We keep it: what was sent stays a
    prefix of what is sent next, so that it is served from the cache. K2.7 keeps it always and takes nothing but
    `enabled`; K3 always thinks, as hard as it can where no `reasoning_effort` is named.
    """
    if model in CAN_REST:
        return {"type": "enabled", "keep": "all"} if wanted else {"type": "disabled"}
    return {"type": "enabled"} if model.startswith("kimi-k2.7-code") else None


OFFLINE_MODEL = ModelInfo(
    id=OFFLINE,
    name="Offline demo (scripted, no key)",
    context=0,
    vision=False,
    input_price=None,
    cached_price=None,
    output_price=None,
)

RETIRED: dict[str, str] = {
    "kimi-thinking-preview": "2025-11-11",
    "kimi-latest": "2026-01-28",
    "kimi-k2-0711-preview": "2026-05-25",
    "kimi-k2-0905-preview": "2026-05-25",
    "kimi-k2-turbo-preview": "2026-05-25",
    "kimi-k2-thinking": "2026-05-25",
    "kimi-k2-thinking-turbo": "2026-05-25",
    "kimi-k2.5": "2026-08-31",
    "moonshot-v1-8k": "2026-08-31",
    "moonshot-v1-32k": "2026-08-31",
    "moonshot-v1-128k": "2026-08-31",
    "moonshot-v1-auto": "2026-08-31",
    "moonshot-v1-8k-vision-preview": "2026-08-31",
    "moonshot-v1-32k-vision-preview": "2026-08-31",
    "moonshot-v1-128k-vision-preview": "2026-08-31",
}
"""Ids that Moonshot no longer serves, each with the day on which it ended."""


def find(model: str, models: Sequence[ModelInfo] = BUNDLED) -> ModelInfo | None:
    """The entry of the list with this id."""
    return next((info for info in models if info.id == model), None)


def unknown_model_text(model: str, available: Sequence[str]) -> str:
    """Say that an id can't be used, and which ones can."""
    if model in RETIRED or model.startswith("moonshot-v1-"):
        opening = f"{model} has been retired by Moonshot."
    else:
        opening = f'Unknown model "{model}".'
    return f"{opening} Available models: {', '.join(available)}."


def cost(usage: Usage, model: ModelInfo | None, settings: Settings) -> float | None:
    """Estimate in USD of one request; `None` where no price is known.

    A price in the settings stands for the bundled one. There is no setting for cached input: it keeps
    its bundled price, but never costs more than other input.
    """
    input_price = _first(settings.input_per_million, model.input_price if model else None)
    output_price = _first(settings.output_per_million, model.output_price if model else None)
    if input_price is None or output_price is None:
        return None
    cached_price = min(
        _first(model.cached_price if model else None, input_price) or 0.0, input_price
    )
    cached = min(usage.cached_tokens, usage.prompt_tokens)
    return (
        (usage.prompt_tokens - cached) * input_price
        + cached * cached_price
        + usage.completion_tokens * output_price
    ) / 1_000_000


def _first(*prices: float | None) -> float | None:
    return next((price for price in prices if price is not None), None)
