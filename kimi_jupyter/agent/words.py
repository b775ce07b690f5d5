"""What the model is told of calls that were not done, and of messages that can't be used."""

from __future__ import annotations

import re

STOPPED = "Not run: the user stopped the turn. This was deliberate; do not retry it by yourself."
STOPPED_RUNNING = (
    "Stopped by the user while it was running; it may have done a part of its work. "
    "This was deliberate; do not retry it by yourself."
)
INTERRUPTED = "Not run: the agent was shut down before it could start."
INTERRUPTED_RUNNING = "The agent was shut down while this was running; the outcome is unknown. Check before you do it again."
REJECTED = "Rejected by the user; nothing was done. Do not retry it and do not work around it."
AFTER_REJECTION = "Not run: the user rejected an earlier call of this step."
CUT_OFF = (
    "This call was not executed: the reply was cut off before it was complete. "
    "Issue it again, in smaller parts where it is long."
)
NO_RESULT = "The result of this call is not available. Do not assume that it was done; check before you go on."
UNSEEN = "[Images are left out here: this model can't see them.]"
NO_OUTPUT = "(no output)"
MALFORMED_CALL = (
    "Malformed tool call: your last message held tool-call markup as plain text, so nothing was executed. "
    "Issue the call again through the tool interface, or answer in plain words."
)
SUMMING_UP = "Summing up the older part of the conversation for the model; the originals stay in the history. `/stop` ends it."
"""Told when it begins; `compacted` follows, or a notice or an end of the turn that says why not."""
SUMMED_UP = "The older conversation was summed up."

_LEAK = re.compile(
    r"<\|tool_calls_section_begin\|>|<\|tool_call_begin\|>|<\|open\|>\s*tools\b|<\|open\|>\s*call\s+tool="
)
_QUOTED = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)


def leaks_markup(text: str) -> bool:
    """Whether a reply holds tool-call markup of Kimi as text, outside code that quotes it."""
    return "<|" in text and _LEAK.search(_QUOTED.sub("", text)) is not None


def storable(text: str) -> str:
    """The text with half surrogate pairs replaced, as no log or API can hold them."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
