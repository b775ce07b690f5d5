"""A server that asks for neither a token nor a password."""

from __future__ import annotations

from typing import Any

import pytest
from traitlets.config import Config

from tests.server.conftest import Api, Call, OpenLink
from tests.server.test_access import XSRF


@pytest.fixture
def jp_argv() -> list[str]:
    return ["--IdentityProvider.token="]


async def page_task(call: Call) -> str:
    """Start a task as a page does: Jupyter wants its XSRF token even without a login."""
    headers = {"Cookie": f"_xsrf={XSRF}", "X-XSRFToken": XSRF}
    code, task = await call("POST", "tasks", body={}, headers=headers)
    assert code == 201
    return task["id"]


async def test_turn_is_refused_and_the_setting_is_named(
    call: Call, open_link: OpenLink, moonshot: Api
) -> None:
    async with moonshot("Hello.") as api:
        _, status = await call("GET", "status")
        link = await open_link(await page_task(call))
        link.send("turn.start", text="Hi")
        refused = await link.until("command.refused")

        assert "--KimiJupyter.allow_without_auth=True" in refused["why"]
        assert status["problem"] == refused["why"]
        assert api.bodies == []


class TestAllowed:
    @pytest.fixture
    def jp_argv(self) -> list[str]:
        return ["--IdentityProvider.token=", "--KimiJupyter.allow_without_auth=True"]

    async def test_setting_lets_turns_run(
        self, call: Call, open_link: OpenLink, moonshot: Api
    ) -> None:
        async with moonshot("Hello."):
            link = await open_link(await page_task(call))
            link.send("turn.start", text="Hi")

            assert (await link.until("turn.ended"))["reason"] == "done"


class TestPassword:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: Config) -> Config:
        # argon2 of "password"; only that there is one matters here
        jp_server_config.PasswordIdentityProvider.hashed_password = (
            "argon2:$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$x"
        )
        return jp_server_config

    async def test_password_is_enough_and_kernels_come_in_by_their_secret(
        self, call: Call, jp_serverapp: Any
    ) -> None:
        from tests.server.test_kernel_access import as_kernel

        closed, _ = await call("GET", "status")
        _, status = await call("GET", "status", headers=as_kernel(jp_serverapp))

        assert closed == 403
        assert status["problem"] == ""
