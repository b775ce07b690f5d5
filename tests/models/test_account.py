"""The list of models and the balance."""

from __future__ import annotations

import pytest

from kimi_jupyter.models.catalogue import BUNDLED, find
from kimi_jupyter.models.provider import ModelInfo
from kimi_jupyter.protocol.errors import ModelError
from tests.models.asking import provider
from tests.moonshot import Moonshot, Switches

pytestmark = pytest.mark.anyio


async def test_the_list_is_the_accounts_with_bundled_prices() -> None:
    async with Moonshot(models=["kimi-k2.6", "kimi-k9"]) as api, provider(api.url) as kimi:
        assert await kimi.models() == (
            find("kimi-k2.6"),
            ModelInfo("kimi-k9", "kimi-k9", 0, True, None, None, None),
        )


async def test_gaps_of_the_list_are_filled_from_the_bundled_one() -> None:
    async with Moonshot(switches=Switches(bare_models=True)) as api, provider(api.url) as kimi:
        assert set(await kimi.models()) == set(BUNDLED)


async def test_an_empty_list_stands_for_the_bundled_one() -> None:
    async with Moonshot(models=[]) as api, provider(api.url) as kimi:
        assert await kimi.models() == BUNDLED


async def test_the_balance_has_its_currency_and_its_time() -> None:
    async with Moonshot(balance=12.5) as api, provider(api.url) as kimi:
        balance = await kimi.balance()
        assert balance is not None
        assert (balance.available, balance.currency) == (12.5, "USD")
        assert balance.read_at > 1_700_000_000_000


async def test_a_service_without_balance_tells_none() -> None:
    async with Moonshot(balance=None) as api, provider(api.url) as kimi:
        assert await kimi.balance() is None


async def test_a_wrong_key_is_said_by_both() -> None:
    async with Moonshot() as api, provider(api.url, key="sk-wrong") as kimi:
        for ask in (kimi.models, kimi.balance):
            with pytest.raises(ModelError, match="Invalid Authentication") as caught:
                await ask()
            assert caught.value.fault == "bad_key"


async def test_without_a_key_nothing_is_sent() -> None:
    async with Moonshot() as api, provider(api.url, key=None) as kimi:
        for ask in (kimi.models, kimi.balance):
            with pytest.raises(ModelError, match="No Moonshot API key is set"):
                await ask()
        assert api.requests == []
