"""What our log says of an error does nothing to the terminal that shows it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from kimi_jupyter.safety.loggable import trace

KEY = "sk-" + "a-key-that-nobody-may-read"
TRICKS = "\x1b]52;c;ZXZpbA==\x07 \x1b[2J \x1bP+q\x1b\\ \x9b31m \x1b]8;;https://evil.example \x08\r \ud800"


@pytest.fixture
def error() -> Exception:
    try:
        raise OSError(f"no file {TRICKS} {KEY}")
    except OSError as raised:
        return raised


def written(folder: Path, text: str) -> bytes:
    """The bytes that a log file gets."""
    file = folder / "server.log"
    handler = logging.FileHandler(file, encoding="utf-8", errors="replace")
    handler.emit(logging.LogRecord("kimi", logging.ERROR, "", 0, "%s", (text,), None))
    handler.close()
    return file.read_bytes()


def test_f5_danger_an_error_brings_escapes_into_a_log(tmp_path: Path, error: Exception) -> None:
    assert b"\x1b]52;c;" in written(tmp_path, str(error))


def test_f5_a_trace_in_the_log_holds_no_escape_and_no_key(tmp_path: Path, error: Exception) -> None:
    log = written(tmp_path, trace(error, [KEY]))
    assert not [byte for byte in log if byte < 0x20 and byte not in b"\n\t"]
    assert b"\xc2\x9b" not in log
    assert KEY.encode() not in log
    assert rb"\x1b]52;c;ZXZpbA==\x07" in log
    assert b'raise OSError(f"no file' in log
