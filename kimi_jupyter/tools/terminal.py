"""What a terminal would show of a program's output: escapes taken out, overwritten text overwritten."""

from __future__ import annotations

import re

_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)(?P<csi>[0-?]*)[ -/]*(?P<final>[@-~])"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]|\x1b"
)
_CONTROL = re.compile(r"[\x00\x03-\x07\x0b\x0c\x0e-\x1f\x7f-\x9f]+")
_MOVES = re.compile(r"([\r\b\x01\x02])")
_ERASE_REST, _ERASE_ALL = "\x01", "\x02"
_LONGEST = 65_536
"""Characters without a line end that are held back at most."""
_PLAIN = re.compile(r"[\t\n\x20-\x7e\xa0-\uffff]*")


class Screen:
    """Turns a stream into finished lines; only whole lines come out, so that what overwrites them can come in."""

    def __init__(self) -> None:
        self._raw = ""

    def feed(self, text: str) -> str:
        """More output; gives the lines that are finished by it, each with its line end."""
        self._raw += text
        end = self._raw.rfind("\n") + 1
        if not end and len(self._raw) > _LONGEST:
            self._raw = shown(self._raw)
            if len(self._raw) > _LONGEST:
                end = len(self._raw)
        done, self._raw = self._raw[:end], self._raw[end:]
        return shown(done)

    @property
    def pending(self) -> str:
        """The unfinished line, as it looks now."""
        return shown(self._raw)

    def finish(self) -> str:
        """What is left at the end."""
        rest, self._raw = self._raw, ""
        return shown(rest)


def shown(text: str) -> str:
    """The text as a terminal shows it, lines kept."""
    if _PLAIN.fullmatch(text):
        return text
    text = text.replace(_ERASE_REST, "").replace(_ERASE_ALL, "")
    text = _CONTROL.sub("", _ESCAPE.sub(_erase, text))
    return "\n".join(map(_line, text.split("\n")))


def _erase(found: re.Match[str]) -> str:
    if found["final"] != "K":
        return ""
    return {"": _ERASE_REST, "0": _ERASE_REST, "2": _ERASE_ALL}.get(found["csi"], "")


def _line(line: str) -> str:
    line = line.rstrip("\r")
    if not _MOVES.search(line):
        return line
    out, at = "", 0
    for part in _MOVES.split(line):
        if part == "\r":
            at = 0
        elif part == "\b":
            at = max(0, at - 1)
        elif part == _ERASE_REST:
            out = out[:at]
        elif part == _ERASE_ALL:
            out = ""
        elif part:
            out = out[:at].ljust(at) + part + out[at + len(part) :]
            at += len(part)
    return out.rstrip()
