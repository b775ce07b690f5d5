"""Whether an effect happens, is asked about, or is refused: one table of mode and kind."""

from __future__ import annotations

from typing import Literal

from kimi_jupyter.protocol.base import Mode
from kimi_jupyter.protocol.effects import EffectKind
from kimi_jupyter.protocol.settings import Settings
from kimi_jupyter.safety.protected import Protection

Verdict = Literal["allow", "ask", "refuse"]
_Rule = Literal["allow", "refuse", "read setting", "write setting", "allow-list"]

_TABLE: dict[tuple[str, str], _Rule] = {
    ("plan", "read"): "read setting",
    ("plan", "write"): "refuse",
    ("plan", "command"): "refuse",
    ("bypass", "read"): "allow",
    ("bypass", "write"): "allow",
    ("bypass", "command"): "allow",
    ("accept_edits", "read"): "read setting",
    ("accept_edits", "write"): "allow",
    ("accept_edits", "command"): "allow-list",
    ("ask", "read"): "read setting",
    ("ask", "write"): "write setting",
    ("ask", "command"): "allow-list",
}
_TABLE.update({(mode, "stop"): "allow" for mode in ("ask", "accept_edits", "bypass")})
_TABLE["plan", "stop"] = "refuse"
_TABLE.update({(mode, "note"): "allow" for mode in ("ask", "accept_edits", "plan", "bypass")})
_PLAN = (
    "Plan mode: files are not changed and commands are not run. Describe what you would change; the user can"
    " switch to Ask permission or Accept edits."
)


def decide(
    kind: EffectKind,
    mode: Mode,
    settings: Settings,
    *,
    protected: Protection | None,
    allowlisted: bool,
) -> tuple[Verdict, str]:
    """The verdict on an effect and the reason for it; what the table does not know is asked about.

    For a read only a protection that covers reading counts.
    """
    rule = _TABLE.get((mode, kind))
    if rule == "refuse":
        return "refuse", _PLAN
    if protected is not None and (kind != "read" or protected.read):
        if protected.refuse and kind != "read":
            return "refuse", protected.why
        return "ask", protected.why
    if rule is None:
        return "ask", ""
    return ("allow", _reason(rule, mode)) if _allows(rule, settings, allowlisted) else ("ask", "")


def _allows(rule: _Rule, settings: Settings, allowlisted: bool) -> bool:
    return {
        "allow": True,
        "refuse": False,
        "read setting": settings.auto_approve_read,
        "write setting": settings.auto_approve_write,
        "allow-list": allowlisted,
    }[rule]


def _reason(rule: _Rule, mode: Mode) -> str:
    if rule == "allow":
        return f"mode {mode}"
    name = {"read setting": "read", "write setting": "write"}.get(rule, "commands")
    return f"kimi.autoApprove.{name}"
