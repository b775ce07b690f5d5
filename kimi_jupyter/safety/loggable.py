"""An error's trace as a log may hold it: without secrets, and safe in a terminal that shows the log."""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence

from kimi_jupyter.safety.redact import redact

_ACTS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Controls but line ends and tabs; a file's name or a server's answer may bring them into an error."""


def trace(error: BaseException, secrets: Sequence[str] = ()) -> str:
    """The traceback; what a terminal would act on is written as `\\x1b`."""
    text = redact("".join(traceback.format_exception(error)), secrets)
    return _ACTS.sub(lambda found: ascii(found.group())[1:-1], text)
