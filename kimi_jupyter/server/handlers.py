"""What all routes share: who may come in, how a body is read and how an error is told."""

from __future__ import annotations

import json
import re
from http.client import responses
from typing import TYPE_CHECKING, Any, cast

from jupyter_server.auth.authorizer import Authorizer
from jupyter_server.auth.identity import IdentityProvider
from jupyter_server.base.handlers import APIHandler, JupyterHandler

from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.server.access import ID_HEADER, SECRET_HEADER
from kimi_jupyter.server.host import Host

if TYPE_CHECKING:
    from kimi_jupyter.server.engine import Engine

_LARGEST_BODY = 1_000_000
_WORDS = {
    400: ("bad_request", "The request can't be understood."),
    403: ("forbidden", "This is not allowed here. Sign in to Jupyter and try again."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take this method."),
    413: ("too_large", "The request is too large."),
}


class BadRequest(KimiError):
    """A request that can't be understood; nothing was changed."""

    code = "bad_request"


class TooLarge(KimiError):
    """A request with more in it than the route takes."""

    code = "too_large"
    status = 413


class KimiHandler(JupyterHandler):
    """A Jupyter handler that knows kernels and tells every error as `{"error": {"code", "message"}}`."""

    @property
    def host(self) -> Host:
        return self.settings["kimi_host"]

    async def engine(self) -> Engine:
        """The runtime and the wire types; the first call imports them."""
        return await self.host.engine()

    @property
    def is_kernel(self) -> bool:
        return SECRET_HEADER in self.request.headers

    @property
    def by(self) -> str:
        """Who asks, as events and tasks name it."""
        return f"kernel:{self.request.headers.get(ID_HEADER, '')}" if self.is_kernel else "browser"

    @property
    def identity_provider(self) -> IdentityProvider:
        return self.host.kernel_identity if self.is_kernel else super().identity_provider

    @property
    def authorizer(self) -> Authorizer:
        return self.host.kernel_authorizer if self.is_kernel else super().authorizer

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        status, code, message = _told(status_code, error)
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        told = json.dumps({"error": {"code": code, "message": message}})
        self.finish(told)  # pyright: ignore[reportUnknownMemberType] -- tornado's dict is untyped

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        if not isinstance(value, KimiError):
            super().log_exception(typ, value, tb)


class RestHandler(KimiHandler, APIHandler):
    """A REST route: JSON in, JSON out."""

    def answer(self, body: dict[str, Any], *, status: int = 200) -> None:
        """Send a JSON object."""
        self.set_status(status)
        self.finish(json.dumps(body))

    def nothing(self) -> None:
        """Say that it is done."""
        self.set_status(204)
        self.finish()

    def fields(
        self,
        *,
        needed: tuple[str, ...] = (),
        optional: tuple[str, ...] = (),
        numbers: tuple[str, ...] = (),
    ) -> dict[str, str]:
        """The text fields of the JSON object in the body, numbers as digits; an optional one may be absent or null."""
        body = _json_object(self.request.body)
        for name in body:
            if name not in (*needed, *optional, *numbers):
                raise BadRequest(
                    f"The body has a field {name[:100]!r} that this address does not know."
                )
        for name in needed:
            if name not in body:
                raise BadRequest(f"The body needs the field {name!r}.")
        return {
            name: _digits(name, value) if name in numbers else _text(name, value)
            for name, value in body.items()
            if value is not None or name in needed
        }

    def number(self, name: str, *, default: int, least: int = 1, most: int) -> int:
        """A whole number of the query string."""
        given = self.get_query_argument(name, None)
        if given is None:
            return default
        return whole_number(name, given, least=least, most=most)


def whole_number(name: str, given: str, *, least: int, most: int) -> int:
    """Read digits; raises `BadRequest` in words."""
    if re.fullmatch(r"[0-9]{1,16}", given) is None or not least <= int(given) <= most:
        raise BadRequest(f"`{name}` must be a whole number from {least} to {most}.")
    return int(given)


def _json_object(body: bytes) -> dict[str, object]:
    if len(body) > _LARGEST_BODY:
        raise TooLarge(f"The body has {len(body)} bytes; at most {_LARGEST_BODY} are taken.")
    try:
        value: object = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is not JSON in UTF-8.") from error
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.")
    return cast("dict[str, object]", value)


def _digits(name: str, value: object) -> str:
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadRequest(f"The field {name!r} must be a whole number.")
    return str(value)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadRequest(f"The field {name!r} must be text.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise BadRequest(f"The field {name!r} has half a character in it.") from error
    return value


def _told(status: int, error: BaseException | None) -> tuple[int, str, str]:
    if isinstance(error, KimiError):
        # The contract has 4xx for all that is told in words: a store, a disk or an API that failed is not our fault.
        status = error.status if error.status < 500 else 424
        return status, error.code, str(error)
    code, message = _WORDS.get(status, ("error", f"{responses.get(status, 'It failed')}."))
    if status >= 500:
        return (
            status,
            "internal",
            "Something went wrong inside Kimi; the server's log has the details.",
        )
    return status, code, message
