"""Text of known origin between tags that the text itself can't close."""

from __future__ import annotations

import hashlib
import html
import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

INSTRUCTIONS_TAG = "workspace-instructions"
"""Tag of the frame around each of the workspace's own instruction files."""


def frame(tag: str, text: str, *, task: str, path: str = "") -> str:
    """The text between `<tag path="..." nonce="...">` and the closing tag with the same nonce.

    The nonce depends on the task's random id, which no file knows, so that every rendering gives the same bytes.
    """
    seed = "\0".join((task, path, text))
    nonce = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    name = f' path="{html.escape(_CONTROL.sub("�", path))}"' if path else ""
    inner = re.sub(rf"<(?=\s*/\s*{tag})", "&lt;", text, flags=re.IGNORECASE)
    return f'<{tag}{name} nonce="{nonce}">\n{inner}\n</{tag} nonce="{nonce}">'
