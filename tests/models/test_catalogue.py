"""Models, prices, and the words for ids that can't be used."""

from __future__ import annotations

import pytest

from kimi_jupyter.models.catalogue import (
    BUNDLED,
    DEFAULT_MODEL,
    OFFLINE_MODEL,
    cost,
    find,
    unknown_model_text,
)
from kimi_jupyter.protocol.messages import Usage
from kimi_jupyter.protocol.settings import Settings

USAGE = Usage(prompt_tokens=1_000_000, cached_tokens=400_000, completion_tokens=100_000)


def test_the_texts_for_unknown_and_retired_ids() -> None:
    available = ["kimi-k2.6", "kimi-k3"]
    assert (
        unknown_model_text("gpt-5", available)
        == 'Unknown model "gpt-5". Available models: kimi-k2.6, kimi-k3.'
    )
    for id in (
        "kimi-k2.5",
        "kimi-k2-thinking-turbo",
        "moonshot-v1-8k",
        "moonshot-v1-new",
        "kimi-latest",
    ):
        assert (
            unknown_model_text(id, available)
            == f"{id} has been retired by Moonshot. Available models: kimi-k2.6, kimi-k3."
        )


def test_the_default_model_is_in_the_bundled_list() -> None:
    model = find(DEFAULT_MODEL)
    assert model is not None
    assert (model.name, model.context, model.vision) == ("Kimi K2.6", 262_144, True)
    assert [info.id for info in BUNDLED] == [
        "kimi-k2.6",
        "kimi-k2.7-code",
        "kimi-k2.7-code-highspeed",
        "kimi-k3",
    ]


def test_cost_counts_cached_input_at_its_own_price() -> None:
    assert cost(USAGE, find("kimi-k2.6"), Settings()) == pytest.approx(
        0.6 * 0.95 + 0.4 * 0.16 + 0.1 * 4.0
    )
    assert cost(USAGE, find("kimi-k3"), Settings()) == pytest.approx(0.6 * 3 + 0.4 * 0.3 + 0.1 * 15)


def test_prices_of_the_settings_stand_for_the_bundled_ones() -> None:
    settings = Settings(input_per_million=2.0, output_per_million=10.0)
    assert cost(USAGE, find("kimi-k2.6"), settings) == pytest.approx(
        0.6 * 2 + 0.4 * 0.16 + 0.1 * 10
    )
    assert cost(USAGE, None, settings) == pytest.approx(1.0 * 2 + 0.1 * 10)


def test_cached_input_never_costs_more_than_other_input() -> None:
    free = Settings(input_per_million=0.0, output_per_million=0.0)
    assert cost(USAGE, find("kimi-k2.6"), free) == 0


def test_without_a_price_there_is_no_cost() -> None:
    assert cost(USAGE, None, Settings()) is None
    assert cost(USAGE, OFFLINE_MODEL, Settings()) is None
    assert cost(USAGE, None, Settings(input_per_million=1.0)) is None
