"""The key store with real backends: which are used, which are refused, and what the user is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail
from keyring.errors import KeyringLocked, PasswordDeleteError

from kimi_jupyter.protocol.errors import KeyStoreError
from kimi_jupyter.safety.keys import KeyState, KeyStore

pytestmark = pytest.mark.anyio
KEY = "sk-test-0123456789"


class Memory(KeyringBackend):
    """A credential store in memory."""

    priority = 5  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}
        self.reads = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.reads += 1
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.held.pop((service, username), None) is None:
            raise PasswordDeleteError("not found")


class PlaintextKeyring(Memory):
    """A store that no key may go to."""


class Locked(Memory):
    """A store that refuses."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("Failed to unlock the collection!")

    set_password = get_password  # type: ignore[assignment]


class Silent(Memory):
    """A store that waits for a person who is not there."""

    def __init__(self) -> None:
        super().__init__()
        self.release = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.release.wait(30)
        return None


class Forgetful(Memory):
    """A store that takes a key and does not give it back."""

    def set_password(self, service: str, username: str, password: str) -> None:
        return


@pytest.fixture(autouse=True)
def _own_backend() -> Iterator[None]:
    keyring.set_keyring(fail.Keyring())
    yield
    keyring.set_keyring(fail.Keyring())


def use(backend: KeyringBackend) -> KeyringBackend:
    keyring.set_keyring(backend)
    return backend


async def test_the_key_goes_to_the_credential_store_and_is_found_by_the_next_one() -> None:
    backend = Memory()
    use(backend)
    assert await KeyStore({}).state() == KeyState(False, None, "")
    assert await KeyStore({}).set(f" {KEY}\n") == KeyState(True, "keyring", "")
    assert backend.held == {("kimi_jupyter", "moonshot"): KEY}
    assert await KeyStore({}).get() == KEY


async def test_the_credential_store_is_read_once() -> None:
    backend = Memory()
    use(backend)
    store = KeyStore({})
    for _ in range(3):
        assert await store.get() is None
        await store.state()
    assert backend.reads == 1


async def test_the_environment_wins_and_says_so() -> None:
    backend = Memory()
    use(backend)
    store = KeyStore({"MOONSHOT_API_KEY": "sk-env"})
    assert await store.state() == KeyState(True, "environment", "")
    state = await store.set(KEY)
    assert (state.source, "is used instead" in state.warning) == ("environment", True)
    assert await store.get() == "sk-env"
    await store.clear()
    assert await store.get() == "sk-env"
    assert backend.held == {}


async def test_a_removed_key_is_gone_from_the_store() -> None:
    backend = Memory()
    use(backend)
    store = KeyStore({})
    await store.set(KEY)
    await store.clear()
    await store.clear()
    assert (await store.get(), backend.held) == (None, {})


def test_e2_danger_a_store_in_plain_text_takes_a_key_without_a_word() -> None:
    backend = PlaintextKeyring()
    use(backend)
    keyring.set_password("kimi_jupyter", "moonshot", KEY)
    assert KEY in backend.held.values()


@pytest.mark.parametrize("kind", [fail.Keyring, PlaintextKeyring, Locked, Forgetful])
async def test_e2_without_a_safe_store_the_key_is_kept_for_the_session_and_that_is_said(
    kind: type[KeyringBackend],
) -> None:
    backend = use(kind())
    store = KeyStore({})
    state = await store.set(KEY)
    assert (state.is_set, state.source) == (True, "session")
    assert state.warning.startswith(
        "The key is kept in memory only and is gone when the server stops"
    )
    assert "set MOONSHOT_API_KEY" in state.warning
    assert KEY not in state.warning
    assert await store.get() == KEY
    assert getattr(backend, "held", {}) == {}
    assert await KeyStore({}).get() is None
    if kind is not Locked:
        await store.clear()
        assert await store.get() is None


async def test_e2_a_store_that_does_not_answer_is_given_up_after_the_limit() -> None:
    backend = Silent()
    use(backend)
    store = KeyStore({}, limit=0.05)
    assert await store.get() is None
    state = await store.set(KEY)
    assert (state.source, "did not answer within 0.05 s" in state.warning) == ("session", True)
    backend.release.set()


async def test_a_key_that_could_not_be_removed_is_said() -> None:
    use(Locked())
    with pytest.raises(KeyStoreError, match="may still be stored"):
        await KeyStore({}).clear()


@pytest.mark.parametrize("key", ["", "  ", "sk-a b", "sk-a\nb", "sk-é", "sk-\u200bx"])
async def test_a_text_that_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(KeyStoreError):
        await KeyStore({}).set(key)


@pytest.mark.parametrize(
    "backend", ["keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"]
)
async def test_e2_the_backends_of_a_bare_machine_are_refused(backend: str) -> None:
    program = (
        "import asyncio, dataclasses, json\n"
        "from kimi_jupyter.safety.keys import KeyStore\n"
        f"print(json.dumps(dataclasses.asdict(asyncio.run(KeyStore({{}}).set({KEY!r})))))\n"
    )
    environ = {**os.environ, "PYTHON_KEYRING_BACKEND": backend}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=30
    )
    state = json.loads(done.stdout)
    assert (state["is_set"], state["source"]) == (True, "session")
    assert "no credential store was found here" in state["warning"]
