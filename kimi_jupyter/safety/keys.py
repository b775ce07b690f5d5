"""The API key: from the environment, from the operating system's credential store, or for this session only."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar, cast

from kimi_jupyter.protocol.errors import KeyStoreError
from kimi_jupyter.safety.redact import redact

VARIABLE = "MOONSHOT_API_KEY"
SERVICE = "kimi_jupyter"
USER = "moonshot"
_LIMIT = 5.0
_WEAK = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt", "keyrings.cryptfile")
_T = TypeVar("_T")


class _Backend(Protocol):
    """What we need of keyring's backends, whose own types are incomplete."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...

    def delete_password(self, service: str, username: str) -> None: ...


@dataclass(frozen=True, slots=True)
class KeyState:
    """Whether there is a key and where it is kept; never the key."""

    is_set: bool
    source: Literal["environment", "keyring", "session"] | None
    warning: str
    """What the user should know of the place where it is kept; empty where all is well."""


class KeyStore:
    """The one place that holds the key. `MOONSHOT_API_KEY` wins over what is stored.

    The credential store is asked in a thread of its own with a time limit, since a locked one can wait for ever.
    """

    def __init__(self, environ: Mapping[str, str] | None = None, *, limit: float = _LIMIT) -> None:
        self._environ = os.environ if environ is None else environ
        self._limit = limit
        self._session: str | None = None
        self._stored: str | None = None
        self._is_read = False
        self._trouble = ""
        self._lock = asyncio.Lock()

    async def get(self) -> str | None:
        """The key, `None` where there is none."""
        if key := self._from_environment():
            return key
        async with self._lock:
            await self._read()
        return self._session or self._stored

    async def state(self) -> KeyState:
        """Whether there is a key, and from where."""
        if self._from_environment():
            return KeyState(True, "environment", "")
        async with self._lock:
            await self._read()
        return self._state()

    async def set(self, key: str) -> KeyState:
        """Keep a key in the credential store, or for this session where there is none, which the warning says."""
        key = _checked(key)
        async with self._lock:
            await self._store(key)
        if self._from_environment():
            return KeyState(
                True,
                "environment",
                f"{VARIABLE} is set where Jupyter was started and is used instead of this key.",
            )
        return self._state()

    async def clear(self) -> None:
        """Forget the key; one in the environment stays."""
        async with self._lock:
            self._session = self._stored = None
            self._is_read = True
            try:
                await _in_time(_delete, self._limit)
            except KeyStoreError as error:
                raise KeyStoreError(f"The key may still be stored: {error}.") from error

    def _from_environment(self) -> str:
        return self._environ.get(VARIABLE, "").strip()

    def _state(self) -> KeyState:
        if self._session:
            return KeyState(True, "session", _session_warning(self._trouble))
        return KeyState(bool(self._stored), "keyring" if self._stored else None, "")

    async def _read(self) -> None:
        if self._is_read or self._session:
            return
        self._is_read = True
        try:
            self._stored = await _in_time(_get, self._limit)
        except KeyStoreError as error:
            self._trouble = str(error)

    async def _store(self, key: str) -> None:
        self._is_read = True
        try:
            kept = await _in_time(lambda: _set(key), self._limit)
        except KeyStoreError as error:
            self._session, self._stored = key, None
            self._trouble = redact(str(error), (key,))
            return
        if kept == key:
            self._session, self._stored, self._trouble = None, key, ""
        else:
            self._session, self._stored = key, None
            self._trouble = "the credential store did not give back what it was given"


def _checked(key: str) -> str:
    key = key.strip()
    if not key:
        raise KeyStoreError("The key is empty. Paste the key from platform.moonshot.ai.")
    if any(char.isspace() or not char.isprintable() or not char.isascii() for char in key):
        raise KeyStoreError(
            "The key has a space or another character that no key has. Paste it again exactly."
        )
    return key


def _session_warning(trouble: str) -> str:
    return (
        f"The key is kept in memory only and is gone when the server stops: {trouble}."
        f" To keep it, set {VARIABLE} before Jupyter starts, or install a credential store"
        " (on Linux GNOME Keyring or KWallet) and save the key again."
    )


def _backend() -> _Backend:
    """The strongest credential store; `KeyStoreError` where there is none that keeps secrets well."""
    import keyring
    from keyring.backends.chainer import ChainerBackend

    chosen = keyring.get_keyring()
    members = list(chosen.backends) if isinstance(chosen, ChainerBackend) else [chosen]
    for backend in members:
        kind = type(backend)
        if not kind.__module__.startswith(_WEAK) and "plaintext" not in kind.__name__.lower():
            return cast(_Backend, backend)
    module = type(members[0]).__module__ if members else ""
    if module.startswith("keyrings."):
        raise KeyStoreError(f"the only credential store here is {module}, which is not safe")
    raise KeyStoreError("no credential store was found here")


def _get() -> str | None:
    return _backend().get_password(SERVICE, USER)


def _set(key: str) -> str | None:
    backend = _backend()
    backend.set_password(SERVICE, USER, key)
    return backend.get_password(SERVICE, USER)


def _delete() -> None:
    try:
        backend = _backend()
    except KeyStoreError:
        return
    if backend.get_password(SERVICE, USER) is not None:
        backend.delete_password(SERVICE, USER)


async def _in_time(call: Callable[[], _T], limit: float) -> _T:
    """What a call of the credential store gives; its errors and its silence are `KeyStoreError`."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def settle(answer: Callable[[], None]) -> None:
        if not future.done():
            answer()

    def work() -> None:
        try:
            value = call()
        except KeyStoreError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - backends raise what their libraries raise
            failure = KeyStoreError(
                f"the credential store failed ({type(error).__name__}: {error})"
            )
        else:
            _tell(loop, lambda: settle(lambda: future.set_result(value)))
            return
        _tell(loop, lambda: settle(lambda: future.set_exception(failure)))

    threading.Thread(target=work, name="kimi-keyring", daemon=True).start()
    try:
        return await asyncio.wait_for(future, limit)
    except asyncio.TimeoutError:
        raise KeyStoreError(
            f"the credential store did not answer within {limit:g} s (it may be locked)"
        ) from None


def _tell(loop: asyncio.AbstractEventLoop, answer: Callable[[], None]) -> None:
    """Hand an answer to the loop, which may have ended while the store was silent."""
    try:
        loop.call_soon_threadsafe(answer)
    except RuntimeError:
        return
