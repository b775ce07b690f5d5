"""Maps the errors of the openai SDK and of the connection below it to `ModelError`."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping

from kimi_jupyter.models.errors import broken_stream, from_body, shown, stalled
from kimi_jupyter.protocol.errors import ModelError

_TIMEOUTS = ("ReadTimeout", "WriteTimeout", "PoolTimeout")
"""Names of the classes of both httpx and httpx2, of which the SDK brings one or the other."""
_BROKEN = ("ReadError", "WriteError", "RemoteProtocolError", "EndOfStream", "ClosedResourceError")


def from_openai(
    error: Exception, *, url: str, idle: float = 0.0, headers: Mapping[str, str] | None = None
) -> ModelError:
    """The error that an exception of the SDK or of its connection stands for.

    `headers` are those of the answer, where one had begun.
    """
    import openai

    if isinstance(error, openai.APIStatusError):
        response = error.response
        return from_body(response.status_code, response.text, response.headers, url=url)
    causes = list(_causes(error))
    names = {type(cause).__name__ for cause in causes}
    if names.intersection(_TIMEOUTS):
        return stalled(idle)
    if any(isinstance(cause, ssl.SSLError) for cause in causes) or "CERTIFICATE" in str(causes[-1]):
        return _unreachable(
            url, f"has no trusted certificate or no TLS ({_words(causes)})", retry=False
        )
    if any(isinstance(cause, socket.gaierror) for cause in causes) or _is_name_error(causes):
        return _unreachable(url, "names a server that can't be found (DNS)")
    if names.intersection(_BROKEN):
        return broken_stream(headers)
    if names.intersection(("UnsupportedProtocol", "InvalidURL", "LocalProtocolError")):
        return _unreachable(url, "is not a URL that can be called", retry=False)
    if "ConnectTimeout" in names:
        return _unreachable(url, "does not answer")
    return _unreachable(url, f"can't be reached ({_words(causes)})")


def _unreachable(url: str, why: str, *, retry: bool = True) -> ModelError:
    return ModelError(
        f"The base URL {shown(url)!r} {why}. Check your network, the setting `kimi.baseUrl` "
        "and MOONSHOT_BASE_URL.",
        fault="unreachable",
        retry=retry,
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The exception and what led to it, outermost first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _is_name_error(causes: list[BaseException]) -> bool:
    text = " ".join(str(cause) for cause in causes)
    return any(words in text for words in ("Name or service not known", "getaddrinfo", "nodename"))


def _words(causes: list[BaseException]) -> str:
    """The innermost words that say anything."""
    return next((str(cause)[:200] for cause in reversed(causes) if str(cause)), "no details")
