"""Which provider serves which model, and what the account's API says of models and balance."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence

from kimi_jupyter.models.catalogue import BUNDLED, DEFAULT_BASE_URL, OFFLINE, OFFLINE_MODEL
from kimi_jupyter.models.demo import demo_provider
from kimi_jupyter.models.kimi import KimiProvider
from kimi_jupyter.models.provider import Balance, ModelInfo, Provider
from kimi_jupyter.protocol.errors import ModelError
from kimi_jupyter.protocol.settings import Settings
from kimi_jupyter.safety.keys import KeyStore

LIST_SECONDS = 600.0
"""How long the API's list of models is good."""
RETRY_SECONDS = 30.0
"""How long after a failure the list is not asked for again."""
WAIT_SECONDS = 1.5
"""How long `listed` waits for the API."""
BALANCE_SECONDS = 30.0

_Account = tuple[str, str | None]
"""Base URL and key: with another one, all that is known is void."""


class Providers:
    """Makes the providers when they are first needed and keeps what they told."""

    def __init__(
        self,
        keys: KeyStore,
        settings: Callable[[], Settings],
        environ: Mapping[str, str],
        *,
        on_models: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = keys
        self._settings = settings
        self._environ = environ
        self._on_models = on_models
        self._clock = clock
        self._made: dict[str, KimiProvider] = {}
        self._demo: Provider | None = None
        self._key: str | None = None
        self._models: tuple[ModelInfo, ...] = BUNDLED
        self._account: _Account | None = None
        self._good_until = 0.0
        self._refreshing: asyncio.Task[None] | None = None
        self._balance: tuple[_Account, float, Balance | None] | None = None

    def base_url(self) -> str:
        """Of the process's environment, else of the settings, else Moonshot's international one."""
        url = (
            self._environ.get("MOONSHOT_BASE_URL", "").strip() or self._settings().base_url.strip()
        )
        return (url or DEFAULT_BASE_URL).rstrip("/")

    def of(self, model: str) -> Provider:
        """The provider that serves a model; makes no request."""
        if model == OFFLINE:
            self._demo = self._demo or demo_provider()
            return self._demo
        return self._kimi()

    def known(self) -> Sequence[ModelInfo]:
        """The models as they are known now, the offline one last; makes no request."""
        return (*self._models, OFFLINE_MODEL)

    def secrets(self) -> Sequence[str]:
        """What must not reach a screen or a log."""
        return (self._key,) if self._key else ()

    async def default_model(self) -> str:
        """What new tasks start with: the setting's, or the offline one where that is wished and there is no key."""
        if self._environ.get("KIMI_JUPYTER_OFFLINE") == "1" and await self._current_key() is None:
            return OFFLINE
        return self._settings().model

    async def listed(self, *, wait: float = WAIT_SECONDS) -> tuple[ModelInfo, ...]:
        """The models that can be chosen: the API's list where it answers soon, else the last one, else the bundled one.

        An answer that comes later is told by `on_models`.
        """
        account = await self._current_account()
        if account[1] is not None and self._clock() >= self._good_until:
            refreshing = self._refresh_soon(account)
            await asyncio.wait([refreshing], timeout=wait)
        return (*self._models, OFFLINE_MODEL)

    async def refresh(self) -> None:
        """Ask the API for its models now; raises `ModelError`."""
        account = await self._current_account()
        self._models = await self._kimi().models()
        self._account, self._good_until = account, self._clock() + LIST_SECONDS

    async def balance(self) -> Balance | None:
        """What is left on the account, at most half a minute old; `None` without a key. Raises `ModelError`."""
        account = await self._current_account()
        if account[1] is None:
            return None
        if self._balance is not None:
            known_for, until, balance = self._balance
            if known_for == account and self._clock() < until:
                return balance
        balance = await self._kimi().balance()
        self._balance = (account, self._clock() + BALANCE_SECONDS, balance)
        return balance

    async def aclose(self) -> None:
        """Free the connections."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.wait([self._refreshing])
        for provider in self._made.values():
            await provider.aclose()
        self._made.clear()

    def _kimi(self) -> KimiProvider:
        url = self.base_url()
        if url not in self._made:
            self._made[url] = KimiProvider(base_url=url, key=self._current_key)
        return self._made[url]

    async def _current_key(self) -> str | None:
        self._key = await self._keys.get()
        return self._key

    async def _current_account(self) -> _Account:
        """Also drops what another account's API said."""
        account = (self.base_url(), await self._current_key())
        if account != self._account:
            self._account, self._models, self._good_until = account, BUNDLED, 0.0
        return account

    def _refresh_soon(self, account: _Account) -> asyncio.Task[None]:
        if self._refreshing is None or self._refreshing.done():
            self._good_until = self._clock() + RETRY_SECONDS
            self._refreshing = asyncio.create_task(self._refresh_quietly(account))
        return self._refreshing

    async def _refresh_quietly(self, account: _Account) -> None:
        with contextlib.suppress(ModelError):
            models = await self._kimi().models()
            if account != self._account:
                return
            has_changed = models != self._models
            self._models, self._good_until = models, self._clock() + LIST_SECONDS
            if has_changed:
                self._on_models()
