"""The user's own secrets, such as the API key, kept out of what a task states and of what it does.

Cards, results and the log show them as a mark; all else in a proposal is shown exactly, whatever it looks like, since what
is approved must be what is seen. A call that itself holds a secret is not executed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from kimi_jupyter.protocol.effects import FileDiff
from kimi_jupyter.protocol.errors import KimiError
from kimi_jupyter.protocol.events import AskOpened, Event, Notice, Retrying, TurnEnded
from kimi_jupyter.safety.redact import MARK, destroys, redact, without

REFUSED = (
    "The call holds the user's API key, so nothing was executed: the key is kept by Kimi Jupyter alone and goes into no "
    "file and no command. A program that needs it can read it from an environment variable that the user sets."
)
DESTROYS = (
    f"Nothing was written: the text has {MARK} where the file holds a secret, which was taken out before you saw it. "
    "Change the other lines only (apply_diff), or ask the user to make this change."
)
SHOWN_AS_MARK = f"A secret of yours in it is shown as {MARK}; in the file it stays as it is."

T = TypeVar("T", bound=BaseModel)


def stated(event: Event, secrets: Sequence[str]) -> Event:
    """The event as it may be stored and shown."""
    event = _without_quotes(event, secrets)
    if not secrets:
        return event
    clean = _model(event, secrets)
    if isinstance(clean, AskOpened) and clean.effect != cast(AskOpened, event).effect:
        why = f"{clean.why} {SHOWN_AS_MARK}".strip()
        return clean.model_copy(update={"why": why})
    return clean


def _without_quotes(event: Event, secrets: Sequence[str]) -> Event:
    """An API's error may quote the key that it refused, also one that is not the user's any more."""
    if isinstance(event, TurnEnded) and event.message:
        return event.model_copy(update={"message": redact(event.message, secrets)})
    if isinstance(event, Retrying):
        return event.model_copy(update={"why": redact(event.why, secrets)})
    if isinstance(event, Notice):
        return event.model_copy(update={"text": redact(event.text, secrets)})
    return event


def check_arguments(texts: Sequence[str], secrets: Sequence[str]) -> None:
    """Raise `KimiError` where a call's arguments hold a secret, as they came or as they were read."""
    if any(without(text, secrets) != text for text in texts):
        raise KimiError(REFUSED)


def check_change(diff: FileDiff | None, secrets: Sequence[str]) -> None:
    """Raise `KimiError` where a write would put the mark in the place of a secret."""
    if diff is None:
        return
    if diff.before is not None and diff.after is not None:
        before, after = [diff.before], [diff.after]
    else:
        lines = diff.unified.splitlines()
        before = [line[1:] for line in lines if line.startswith(("-", " "))]
        after = [line[1:] for line in lines if line.startswith(("+", " "))]
    if destroys(before, after, secrets):
        raise KimiError(DESTROYS)


def _model(model: T, secrets: Sequence[str]) -> T:
    """The same object where it holds none; a diff that holds one loses its whole texts, which can't be edited then."""
    changed: dict[str, Any] = {}
    for name in type(model).model_fields:
        value: object = getattr(model, name)
        clean = _value(value, secrets)
        if clean is not value:
            changed[name] = clean
    if not changed:
        return model
    if isinstance(model, FileDiff):
        changed |= {"before": None, "after": None}
    return model.model_copy(update=changed)


def _value(value: object, secrets: Sequence[str]) -> object:
    if isinstance(value, str):
        clean = without(value, secrets)
        return value if clean == value else clean
    if isinstance(value, BaseModel):
        return _model(value, secrets)
    if isinstance(value, tuple):
        items = cast("tuple[object, ...]", value)
        cleaned = tuple(_value(item, secrets) for item in items)
        return cleaned if cleaned != items else items
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value)
        return {key: _value(item, secrets) for key, item in pairs.items()}
    return value
