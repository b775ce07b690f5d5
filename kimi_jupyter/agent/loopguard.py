"""Notices that the agent goes round in circles: the same calls, the same results, again and again. A fold over the log."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from kimi_jupyter.agent.own_asks import LOOP, own_ask
from kimi_jupyter.protocol.commands import AskAnswer
from kimi_jupyter.protocol.events import (
    AskClosed,
    AskOpened,
    Event,
    ReplyDone,
    ToolDone,
    TurnEnded,
    TurnStarted,
    TurnUnqueued,
)
from kimi_jupyter.protocol.messages import ToolCall

GO_ON = "Go on"
STOP = "Stop"
STOPPED = TurnEnded(
    reason="stopped",
    message="You stopped the turn, because the agent was going round in circles. Say what to do instead.",
)
_LONGEST_PERIOD = 4
_MOST_STEPS = 100
"""Steps back from the end that are looked at."""
_STALE = 8
"""Calls without anything new after which the model is reminded."""
_PATIENCE = 2
"""The user is asked at so many times the length at which the model was reminded."""
_ESSENCE = 600
"""Characters of the earlier result that a reminder carries."""
_EVIDENCE = 120
"""Characters of a call's arguments in the question."""
_OPENING = "\n\n<reminder>\nNot a part of the result: "
_CLOSING = "\n</reminder>"


@dataclass(frozen=True, slots=True)
class Loop:
    """What repeats itself."""

    calls: tuple[tuple[ToolCall, int], ...]
    """The calls that make it up, each with how often it came to the same result."""
    length: int
    """Calls since it began."""
    is_due: bool
    """It went on after the reminder: time to ask the user."""


@dataclass(frozen=True, slots=True)
class _Deed:
    """One call with what came of it."""

    call: ToolCall
    key: str
    is_write: bool
    is_reminded: bool


def reminded(events: Sequence[Event], done: ToolDone) -> ToolDone:
    """The result as it goes into the log: with a reminder, where it closes a circle for the first time."""
    deeds = _deeds([*_since_told(events), done])
    loop = _loop(deeds)
    if loop is None or any(deed.is_reminded for deed in deeds[-loop.length :]):
        return done
    essence = done.output.strip()
    if len(essence) > _ESSENCE:
        essence = f"{essence[:_ESSENCE]}…"
    often = "; ".join(f"{call.name} {count} times" for call, count in loop.calls)
    text = (
        f"the last {loop.length} calls brought nothing new ({often}, each time with the same arguments and the same result). "
        "Asking again gives the same answer. Go on with what you know, take another way, or tell the user what you miss. "
        f"What this call has told you all along:\n{essence}"
    )
    return done.model_copy(update={"output": f"{done.output}{_OPENING}{text}{_CLOSING}"})


def loop(events: Sequence[Event]) -> Loop | None:
    """The circle that the user is to be asked about, if it has gone on after the reminder."""
    found = _loop(_deeds(_since_told(events)))
    return found if found is not None and found.is_due else None


def question(loop: Loop) -> AskOpened:
    """The ask that stops a circle, with the evidence."""
    rows = "\n".join(f"- {count} × {_named(call)}" for call, count in loop.calls)
    return own_ask(
        LOOP,
        title="Kimi is going round in circles",
        text=f"The last {loop.length} calls brought nothing new; each had the same result every time:\n{rows}\n"
        "Go on nevertheless? You can also say what to do instead.",
        options=(GO_ON, STOP),
    )


def stops(answer: AskAnswer) -> bool:
    """Whether the user does not want the turn to go on; other words than the options are told to the model."""
    return answer.decision != "approve" or (answer.comment or "").strip().casefold() == "stop"


def advice(event: AskClosed) -> str | None:
    """What the user said in their own words to an ask of this guard, for the model."""
    said = (event.comment or "").strip()
    is_word = said.casefold() in ("", GO_ON.casefold(), STOP.casefold())
    return None if event.decision != "approve" or is_word else said


def _named(call: ToolCall) -> str:
    arguments = " ".join(call.arguments.split())
    if len(arguments) > _EVIDENCE:
        arguments = f"{arguments[:_EVIDENCE]}…"
    return f"{call.name} {arguments}"


def _since_told(events: Sequence[Event]) -> list[Event]:
    """The events since the user last said something, or let a circle go on."""
    out: list[Event] = []
    answered: set[str] = set()
    steps = 0
    for event in reversed(events):
        if isinstance(event, TurnStarted) or (isinstance(event, TurnUnqueued) and event.joined):
            break
        if isinstance(event, AskClosed) and event.decision == "approve":
            answered.add(event.ask)
        if isinstance(event, AskOpened) and event.ask in answered and LOOP.owns(event):
            break
        out.append(event)
        steps += isinstance(event, ReplyDone)
        if steps >= _MOST_STEPS:
            break
    out.reverse()
    return out


@dataclass(slots=True)
class _Step:
    calls: Sequence[ToolCall] = ()
    done: list[ToolDone] = field(default_factory=lambda: [])


def _deeds(events: Sequence[Event]) -> list[_Deed]:
    """Calls with their results in the order of the calls; those without a result are left out."""
    steps: list[_Step] = []
    for event in events:
        if isinstance(event, ReplyDone) and event.message.tool_calls:
            steps.append(_Step(event.message.tool_calls))
        elif isinstance(event, ToolDone) and steps:
            steps[-1].done.append(event)
    return [deed for step in steps for deed in _of_step(step)]


def _of_step(step: _Step) -> list[_Deed]:
    results = list(step.done)
    deeds: list[_Deed] = []
    for call in step.calls:
        done = next((done for done in results if done.call == call.id), None)
        if done is not None:
            results.remove(done)
            output, mark, _ = done.output.partition(_OPENING)
            deeds.append(
                _Deed(
                    call,
                    _key(call, output),
                    is_write=done.ok and done.diff is not None,
                    is_reminded=bool(mark),
                )
            )
    return deeds


def _key(call: ToolCall, output: str) -> str:
    try:
        arguments = json.dumps(json.loads(call.arguments or "{}"), sort_keys=True)
    except (ValueError, RecursionError):
        arguments = call.arguments
    parts = "\0".join((call.name, arguments, output))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()


def _loop(deeds: Sequence[_Deed]) -> Loop | None:
    """The shortest circle in which the calls end, else a run of calls without anything new."""
    for period in range(1, _LONGEST_PERIOD + 1):
        length = _repeating(deeds, period)
        limit = max(3, 2 * period)
        if length >= limit:
            return _found(deeds[-length:], is_due=length >= _PATIENCE * limit)
    stale = _stale(deeds)
    if stale >= _STALE:
        return _found(deeds[-stale:], is_due=stale >= _PATIENCE * _STALE)
    return None


def _repeating(deeds: Sequence[_Deed], period: int) -> int:
    """How many calls at the end repeat with this period."""
    if len(deeds) < 2 * period:
        return 0
    index = len(deeds) - 1
    while index >= period and deeds[index].key == deeds[index - period].key:
        index -= 1
    return len(deeds) - 1 - index + period


def _stale(deeds: Sequence[_Deed]) -> int:
    """How many calls at the end neither wrote a file nor came to a result that was not there before."""
    seen: set[str] = set()
    stale = 0
    for deed in deeds:
        stale = 0 if deed.is_write or deed.key not in seen else stale + 1
        seen.add(deed.key)
    return stale


def _found(deeds: Sequence[_Deed], *, is_due: bool) -> Loop:
    counts = Counter(deed.key for deed in deeds)
    calls = {deed.key: deed.call for deed in deeds}
    found = tuple((calls[key], count) for key, count in counts.most_common(_LONGEST_PERIOD))
    return Loop(found, len(deeds), is_due)
