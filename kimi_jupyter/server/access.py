"""Who may come in besides the users of the server: kernels, by a secret that only their owner can read."""

from __future__ import annotations

import hmac
import re

from jupyter_server.auth.authorizer import Authorizer
from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.base.handlers import JupyterHandler
from tornado.web import RequestHandler

from kimi_jupyter.protocol.errors import KimiError

SECRET_HEADER = "X-Kimi-Kernel"
ID_HEADER = "X-Kimi-Kernel-Id"

_ALLOWED = frozenset(
    {
        ("read", "kimi_jupyter:status"),
        ("read", "kimi_jupyter:commands"),
        ("read", "kimi_jupyter:tasks"),
        ("write", "kimi_jupyter:tasks"),
        ("execute", "kimi_jupyter:socket"),
    }
)
"""What a kernel may do: (action, resource)."""


class Forbidden(KimiError):
    """A request that claims to come from a kernel and does not prove it."""

    code = "forbidden"
    status = 403


class KernelIdentity(IdentityProvider):
    """Takes the place of the server's identity provider for requests that carry the kernel header.

    The header decides alone: a wrong secret is refused even beside a valid token.
    """

    def __init__(self, secret: str) -> None:
        super().__init__(token="")
        self._secret = secret.encode()

    async def get_user(self, handler: RequestHandler) -> User:
        """The one user that all kernels are; raises 403 in words."""
        headers = handler.request.headers
        if "Origin" in headers or "Sec-Websocket-Origin" in headers:
            raise Forbidden("A web page can't come in as a kernel.")
        if not hmac.compare_digest(headers.get(SECRET_HEADER, "").encode(), self._secret):
            raise Forbidden("This kernel secret is not the one of this server's present run.")
        if re.fullmatch(r"[0-9A-Za-z_.-]{1,100}", headers.get(ID_HEADER, "")) is None:
            raise Forbidden(f"A kernel must name itself in the header `{ID_HEADER}`.")
        return User("kimi-kernel")

    def is_token_authenticated(self, handler: RequestHandler) -> bool:
        """The secret is a token: no cookie takes part, so there is no cross-site request to fear."""
        return True


class KernelAuthorizer(Authorizer):
    """Takes the place of the server's authorizer for kernels: a fixed, short list."""

    def is_authorized(
        self, handler: JupyterHandler, user: User, action: str, resource: str
    ) -> bool:
        """Whether the list has it."""
        return (action, resource) in _ALLOWED
