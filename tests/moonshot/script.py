"""What the simulated API answers: replies, failures and faults, as a test writes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Fault = Literal["stall", "cut", "cut_before_done", "no_done", "no_finish", "error_event"]
"""stall: silence until the client leaves; cut: the socket closes; both after `fault_after` chunks.

cut_before_done: all chunks and the finish chunk, then the socket closes. no_done: the same, but a clean end.
no_finish: all content, then a clean end without finish chunk and `[DONE]`. error_event: an error object in mid-stream.
"""
Wire = Literal["bytes", "crlf", "comments", "arguments_first", "late_arguments"]
"""Odd but legal forms: a write per byte, CRLF line ends, keep-alive comments, arguments before the name of a call,
an argument chunk of the first call after the second has begun."""

K2_LEAK = (
    "<|tool_calls_section_begin|><|tool_call_begin|>functions.read_file:0<|tool_call_argument_begin|>"
    '{"path": "a.py"}<|tool_call_end|><|tool_calls_section_end|>'
)
K3_LEAK = (
    '<|open|>tools<|sep|><|open|>call tool="read_file" index="1"<|sep|><|open|>argument key="path" '
    'type="string"<|sep|>a.py<|close|>argument<|sep|><|close|>call<|sep|>'
)


@dataclass(frozen=True)
class Call:
    """A tool call; `arguments` may be malformed on purpose."""

    name: str
    arguments: str = "{}"
    id: str | None = None


@dataclass(frozen=True)
class Reply:
    """A good answer, or one with a fault; `reasoning=None` sends no reasoning field at all."""

    content: str = ""
    reasoning: str | None = None
    tool_calls: tuple[Call, ...] = ()
    finish: str | None = None
    usage: Mapping[str, Any] | None = None
    chunk_size: int = 4
    chunks_per_second: float = 0.0
    fault: Fault | None = None
    fault_after: int = 3
    wire: frozenset[Wire] = frozenset()


@dataclass(frozen=True)
class Failure:
    """An HTTP answer other than 200."""

    status: int
    type: str = ""
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    html: str = ""


Body = dict[str, Any]
Answer = Reply | Failure
Step = Answer | Mapping[str, Any] | str | Callable[[Body], "Answer | Mapping[str, Any] | str"]
"""A string stands for a reply with that content; a mapping has the fields of `Reply` or `Failure`."""

_ACCOUNT = "Your account org-0123456789abcdef0123456789abcdef<ak-abcdefghij1111klmno1>"
_COOLDOWN = {"Retry-After": "1", "X-Retry-After": "1", "Msh-Cooldown-Seconds": "1"}


def call(name: str, id: str | None = None, **arguments: object) -> Call:
    """A well-formed tool call."""
    return Call(name=name, arguments=json.dumps(arguments), id=id)


def rate_limited(what: str = "max RPM: 3", *, retry_after: int = 1) -> Failure:
    """429 of the kind that passes by itself."""
    message = f"{_ACCOUNT} request reached organization {what}, please try again after {retry_after} seconds"
    headers = {name: str(retry_after) for name in _COOLDOWN}
    return Failure(429, "rate_limit_reached_error", message, headers)


def daily_limit() -> Failure:
    """429: the tokens of the day are used up."""
    message = (
        f"{_ACCOUNT} request reached organization TPD rate limit, current: 1512000, limit: 1500000"
    )
    return Failure(429, "rate_limit_reached_error", message)


def overloaded() -> Failure:
    """429: the service has no room now; it names no wait."""
    return Failure(
        429, "engine_overloaded_error", "The engine is currently overloaded, please try again later"
    )


def no_money() -> Failure:
    """429: the account is empty."""
    message = (
        f"{_ACCOUNT} is suspended due to insufficient balance, please recharge your account "
        "or check your plan and billing details"
    )
    return Failure(429, "exceeded_current_quota_error", message)


def server_error() -> Failure:
    """500 with the API's own body."""
    return Failure(500, "unexpected_output", "invalid state transition")


def gateway_timeout() -> Failure:
    """504 with an HTML page."""
    page = "<html><head><title>504 Gateway Time-out</title></head><body>nginx</body></html>"
    return Failure(504, html=page)


def high_risk() -> Failure:
    """400 of the content filter."""
    return Failure(
        400, "content_filter", "The request was rejected because it was considered high risk"
    )


FAILURES: Mapping[str, Callable[[], Failure]] = {
    "rate_limited": rate_limited,
    "daily_limit": daily_limit,
    "overloaded": overloaded,
    "no_money": no_money,
    "server_error": server_error,
    "gateway_timeout": gateway_timeout,
    "high_risk": high_risk,
}
"""By name, for scripts in JSON: `{"failure": "overloaded"}`."""


def answer_of(step: Step, body: Body) -> Answer:
    """What a step of any form answers to this request."""
    if callable(step):
        step = step(body)
    if isinstance(step, (Reply, Failure)):
        return step
    if isinstance(step, str):
        return Reply(content=step)
    if "failure" in step:
        return FAILURES[step["failure"]]()
    if "status" in step:
        return Failure(**step)
    fields = {**step}
    fields["tool_calls"] = _calls(step.get("tool_calls", ()))
    fields["wire"] = frozenset(step.get("wire", ()))
    return Reply(**fields)


def paced(reply: Reply, chunks_per_second: float, chunk_size: int) -> Reply:
    """The same reply at another speed."""
    return replace(reply, chunks_per_second=chunks_per_second, chunk_size=chunk_size)


def _calls(calls: Sequence[Call | Mapping[str, Any]]) -> tuple[Call, ...]:
    made: list[Call] = []
    for item in calls:
        if isinstance(item, Call):
            made.append(item)
            continue
        arguments = item.get("arguments", {})
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        made.append(Call(item["name"], text, item.get("id")))
    return tuple(made)
