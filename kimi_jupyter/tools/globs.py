"""A glob of the model: `*.py`, `src/**/*.ts`, `*.{js,jsx}`."""

from __future__ import annotations

import re

from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.safety.ignore import glob

_BRACES = re.compile(r"\{([^{}]*)\}")
_PLAIN = re.compile(r"[\w.*?-]+", re.ASCII)
_MOST = 64


class Glob:
    """Without `/` it is compared with names, with `/` with paths below the searched folder."""

    def __init__(self, text: str) -> None:
        forms = _expand(text.removeprefix("./").removeprefix("/"))
        try:
            self._patterns = [(re.compile(glob(form), re.DOTALL), "/" in form) for form in forms]
        except re.error as error:
            raise KimiError(
                f"{text!r} is no valid glob. Use a form such as `*.py` or `src/**/*.ts`."
            ) from error
        self.plain_names = tuple(forms) if all(map(_PLAIN.fullmatch, forms)) else ()
        """The forms that any matcher reads alike; empty where there are others."""

    def matches(self, path: str) -> bool:
        """Whether the glob takes a path, which is relative to the searched folder."""
        name = path.rsplit("/", 1)[-1]
        return any(
            pattern.fullmatch(path if has_folder else name)
            for pattern, has_folder in self._patterns
        )


def _expand(text: str) -> list[str]:
    forms = [text]
    while len(forms) < _MOST:
        spread: list[str] = []
        for form in forms:
            found = _BRACES.search(form)
            if found is None:
                spread.append(form)
                continue
            spread += [
                form[: found.start()] + part + form[found.end() :] for part in found[1].split(",")
            ]
        if spread == forms:
            break
        forms = spread
    return forms[:_MOST]
