"""Maps what the API and the connection answer to `ModelError`: the API's own words, and what to do."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

from pydantic_core import from_json

from kimi_jupyter.protocol.errors import ModelError, ModelFault
from kimi_jupyter.safety.redact import redact

KEYS_PAGE = "platform.moonshot.ai"
_LONGEST_WORDS = 500


class _Kind(NamedTuple):
    fault: ModelFault
    advice: str
    retry: bool = False


_BAD_KEY = _Kind(
    "bad_key",
    f"Check the API key at {KEYS_PAGE}: a key of api.moonshot.ai does not work at api.moonshot.cn, nor the other way round.",
)
_FORBIDDEN = _Kind("forbidden", f"Check at {KEYS_PAGE} what your account may use.")
_BAD_REQUEST = _Kind("bad_request", "If it happens again, start a new task and report it.")
_TOO_LONG = _Kind("too_long", "Start a new task, or send less: fewer or smaller files.")
_FILTER = _Kind("content_filter", "Put the message in other words, or start a new task.")
_RATE = _Kind("rate_limit", "Wait a little and send the message again.", retry=True)
_DAILY = _Kind(
    "daily_limit",
    "The account's limit for today is used up: go on tomorrow, or top up for a higher one.",
)
_OVERLOADED = _Kind("overloaded", "Try again in some minutes.", retry=True)
_QUOTA = _Kind("quota", f"Top up the account at {KEYS_PAGE}, then send the message again.")
_SERVER = _Kind("server", "The fault is on the API's side: try again in some minutes.", retry=True)
_UNKNOWN_MODEL = _Kind("unknown_model", "Choose another model.")

_BY_TYPE: dict[str, _Kind] = {
    "invalid_authentication_error": _BAD_KEY,
    "incorrect_api_key_error": _BAD_KEY,
    "permission_denied_error": _FORBIDDEN,
    "access_terminated_error": _FORBIDDEN,
    "content_filter": _FILTER,
    "invalid_request_error": _BAD_REQUEST,
    "resource_not_found_error": _UNKNOWN_MODEL,
    "rate_limit_reached_error": _RATE,
    "engine_overloaded_error": _OVERLOADED,
    "exceeded_current_quota_error": _QUOTA,
    "server_error": _SERVER,
    "unexpected_output": _SERVER,
    "server_unavailable": _SERVER,
}
_BY_STATUS: dict[int, _Kind] = {
    401: _BAD_KEY,
    402: _QUOTA,
    403: _FORBIDDEN,
    408: _SERVER,
    409: _SERVER,
    413: _TOO_LONG,
    429: _RATE,
}


def from_body(
    status: int, body: str | bytes | Mapping[str, Any], headers: Mapping[str, str], *, url: str = ""
) -> ModelError:
    """The error that an answer of the API stands for; decided by `error.type`, else by the status."""
    error = _error_of(body)
    headers = {name.lower(): value for name, value in headers.items()}
    if 300 <= status < 400 or (not error and status < 500 and status not in _BY_STATUS):
        return _not_an_api(status, headers, url)
    words = str(error.get("message") or "")
    kind = _kind(status, str(error.get("type") or ""), words)
    return ModelError(
        f"{_quoted(status, words, url)} {kind.advice}{_request_id(headers)}",
        fault=kind.fault,
        retry=kind.retry,
        retry_after=_retry_after(headers, words) if kind.retry else 0.0,
    )


def shown(url: str) -> str:
    """A URL as people may see it: without user name, password and query."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "(not a URL)"
    return parts._replace(netloc=host, query="", fragment="").geturl()


def no_key() -> ModelError:
    """Nothing was sent, because there is no key."""
    return ModelError(
        "No Moonshot API key is set. Enter one in the Kimi sidebar or set MOONSHOT_API_KEY; "
        f"you get a key at {KEYS_PAGE}.",
        fault="no_key",
    )


def impossible_key() -> ModelError:
    """The key can't even be sent."""
    return ModelError(
        f"The API key has characters that no key has. {_BAD_KEY.advice}", fault="bad_key"
    )


def broken_stream(headers: Mapping[str, str] | None = None) -> ModelError:
    """The reply ended without proof that it is complete."""
    return ModelError(
        "The connection to the API broke in the middle of the reply. Send the message again."
        + _request_id({name.lower(): value for name, value in (headers or {}).items()}),
        fault="broken_stream",
        retry=True,
    )


def stalled(seconds: float) -> ModelError:
    """Nothing came for too long."""
    return ModelError(
        f"The API has sent nothing for {seconds:g} seconds. Send the message again.",
        fault="stalled",
        retry=True,
    )


def _not_an_api(status: int, headers: Mapping[str, str], url: str) -> ModelError:
    target = headers.get("location", "").partition("?")[0]
    what = (
        f"leads on to {redact(target)!r}" if target else f"answered {status} without an API's error"
    )
    return ModelError(
        f"The base URL {shown(url)!r} {what}: it does not seem to be the Moonshot API. "
        f"Check the setting `kimi.baseUrl` and MOONSHOT_BASE_URL.{_request_id(headers)}",
        fault="unreachable",
    )


def _error_of(body: str | bytes | Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        try:
            body = cast("Mapping[str, Any]", from_json(body))
        except ValueError:
            return {}
    error: object = body.get("error") if isinstance(body, Mapping) else None  # pyright: ignore[reportUnnecessaryIsInstance]  a body may be any JSON
    if isinstance(error, Mapping):
        return cast("Mapping[str, Any]", error)
    return {"message": error} if isinstance(error, str) else {}


def _kind(status: int, type: str, words: str) -> _Kind:
    if type == "invalid_request_error" and re.search(r"token limit|token length", words):
        return _TOO_LONG
    if type == "rate_limit_reached_error" and "TPD" in words:
        return _DAILY
    if type == "resource_not_found_error" and "model" not in words:
        return _BAD_REQUEST
    kind = _BY_TYPE.get(type) or _BY_STATUS.get(status)
    if kind is None:
        kind = _SERVER if status >= 500 or status == 200 else _BAD_REQUEST
    return kind


def _quoted(status: int, words: str, url: str) -> str:
    if not words:
        return (
            f"The API at {shown(url)} answered {status}." if url else f"The API answered {status}."
        )
    short = redact(words[:_LONGEST_WORDS]).strip()
    return f'The API says: "{short}".'


def _request_id(headers: Mapping[str, str]) -> str:
    id = headers.get("msh-request-id", "")
    return f" (Msh-Request-Id: {id[:64]})" if id else ""


def _retry_after(headers: Mapping[str, str], words: str) -> float:
    """The longest of the waits that the API names, in seconds."""
    named = [
        headers.get(name, "") for name in ("retry-after", "x-retry-after", "msh-cooldown-seconds")
    ]
    named += re.findall(r"try again after (\d+) seconds", words)
    return max((_seconds(text.strip()) for text in named), default=0.0)


def _seconds(named: str) -> float:
    """A number of seconds, or a date; 0 for anything else."""
    if re.fullmatch(r"\d+(\.\d+)?", named):
        return float(named)
    try:
        return max(0.0, parsedate_to_datetime(named).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0.0
