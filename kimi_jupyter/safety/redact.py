"""Taking secrets out of texts before the model, a log or a screen gets them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

MARK = "«redacted»"
_LEAST = 6
_KEY = re.compile(r"(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_-]{20,}")
_RUN = re.compile(r"(?=[A-Za-z]*[0-9])[A-Za-z0-9]{16,}")
_HEADER = re.compile(
    r"(authorization[\"']?\s*[:=]\s*[\"']?)((?:bearer|basic|token|digest)\s+(?![$<{%])[^\s\"',;]{6,}|(?=[a-z]*[0-9])[a-z0-9._~+/=-]{16,})",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(bearer\s+)(?=[^\s]*[0-9])[A-Za-z0-9._~+/=-]{16,}", re.IGNORECASE)
_USERINFO = re.compile(
    r"(\b[A-Za-z][A-Za-z0-9+.-]*://)(?:[^\s/@:\"'<>]*:[^\s/@\"'<>]+|[^\s/@:\"'<>]{20,})@"
)


def redact(text: str, secrets: Sequence[str] = ()) -> str:
    """The text without API keys, authorization headers, credentials in URLs, and the given secrets."""
    text = without(text, secrets)
    if "sk-" in text:
        text = _KEY.sub(_key, text)
    text = _HEADER.sub(_header, text)
    text = _BEARER.sub(rf"\1{MARK}", text)
    return _USERINFO.sub(rf"\1{MARK}@", text) if "://" in text else text


def without(text: str, secrets: Sequence[str]) -> str:
    """The text without the given secrets; all else stays, whatever it looks like."""
    for secret in secrets:
        if len(secret) >= _LEAST:
            for form in _forms(secret):
                text = text.replace(form, MARK)
    return text


def destroys(before: Iterable[str], after: Iterable[str], secrets: Sequence[str]) -> bool:
    """Whether a change puts the mark where a secret stands: a reader was shown the mark, and writes it back."""
    kept = list(before)
    was = sum(text.count(MARK) for text in kept)
    if sum(text.count(MARK) for text in after) <= was:
        return False
    return any(redact(text, secrets) != text for text in kept)


def _forms(secret: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((secret, quote(secret, safe=""), json.dumps(secret)[1:-1])))


def _header(found: re.Match[str]) -> str:
    scheme = f"{found[2].split()[0]} " if " " in found[2] else ""
    return found[1] + scheme + MARK


def _key(found: re.Match[str]) -> str:
    """Class names such as `sk-toggleable__content` stay: a key has a long run with digits."""
    return MARK if _RUN.search(found[0]) else found[0]
