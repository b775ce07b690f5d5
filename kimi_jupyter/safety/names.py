"""What may stand in a path: refusals at string level, before any file system call."""

from __future__ import annotations

import re
import unicodedata

from kimi_jupyter.protocol.errors import PathRefused

MOST_BYTES = 4096
MOST_NAME_BYTES = 255

_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$", "clock$"]
    + [f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"]
)
_SHORT_NAME = re.compile(r"[^.]{1,6}~[0-9]{1,6}(\.[^.]{0,3})?")
_SEPARATORS = "\u2028\u2029"


def shortened(given: str, most: int = 200) -> str:
    """A path as it is named in a message: quoted, and cut where it is very long."""
    return repr(given if len(given) <= most else given[:most] + "…")


def outside(given: str) -> PathRefused:
    """The refusal of all that is not in the workspace; the same whether or not it exists."""
    return PathRefused(
        f"{shortened(given)} is not in the workspace. File tools reach only what lies below the"
        " workspace's root; give a path relative to the working folder."
    )


def check(given: str, *, windows: bool) -> None:
    """Raise `PathRefused` for a text that is no plain path."""
    fault = _fault(given, windows=windows)
    if fault:
        raise PathRefused(f"{shortened(given)} can't be used as a path: {fault}.")


def check_component(name: str, given: str, *, windows: bool) -> None:
    """Raise `PathRefused` for a name that some file system reads as another one."""
    fault = _component_fault(name, windows=windows)
    if fault:
        raise PathRefused(f"{shortened(given)} can't be used as a path: {fault}.")


def _fault(given: str, *, windows: bool) -> str:
    for char in given:
        category = unicodedata.category(char)
        if category == "Cc" or char in _SEPARATORS:
            return "it has a control character"
        if category == "Cs":
            return "it is no valid Unicode text"
    if given.startswith(("//", "\\\\")):
        return "network paths are not allowed"
    if "\\" in given and not windows:
        return "write `/` between folders, not a backslash"
    if given.startswith("~"):
        return "`~` is not expanded; for a file of that name write `./~…`"
    if len(given.encode()) > MOST_BYTES:
        return f"it is longer than {MOST_BYTES} bytes"
    return ""


def _component_fault(name: str, *, windows: bool) -> str:
    if ":" in unicodedata.normalize("NFKC", name):
        return "`:` in a name is not allowed"
    if len(name.encode()) > MOST_NAME_BYTES:
        return f"a name in it is longer than {MOST_NAME_BYTES} bytes"
    plain = unicodedata.normalize("NFKC", name).casefold()
    if _SHORT_NAME.fullmatch(plain):
        return "short names such as `NAME~1` are not allowed"
    if plain.split(".")[0].rstrip(" ") in _DEVICES:
        return "it names a device"
    if windows and name != name.rstrip(". "):
        return "a name in it ends with a dot or a space"
    return ""
