"""What the simulated API refuses, in the order in which it looks, with the real API's words."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.moonshot import mfjs
from tests.moonshot.script import Body, Failure

CONTEXT = {
    "kimi-k3": 1_048_576,
    "kimi-k2.7-code": 262_144,
    "kimi-k2.7-code-highspeed": 262_144,
    "kimi-k2.6": 262_144,
}
OUTPUT = {**dict.fromkeys(CONTEXT, 32_768), "kimi-k3": 131_072}
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9\-_]{0,127}")


@dataclass
class Switches:
    """What is not known for sure of the real API."""

    strict_reasoning: bool = True
    empty_reasoning_counts: bool = True
    mfjs: bool = True
    usage_null: bool = False
    """`usage: null` on ordinary chunks where usage was asked for."""
    fingerprint: bool = False
    functions_ids: bool = False
    """K2.6 ids in the form `functions.name:0`."""
    cache_floor: int = 0
    bare_models: bool = False
    """The list of models holds nothing but ids."""
    incorrect_key: bool = False
    """The other 401 for a wrong key."""


class Refused(Exception):
    """The request is answered with an error."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def check(body: Body, switches: Switches, count_tokens: Callable[[Body], int]) -> None:
    """Raise `Refused` where the real API would answer 400 or 404."""
    if not isinstance(body.get("messages"), list) or not body["messages"]:
        _refuse("messages must not be empty")
    _check_model(body)
    thinks = thinking(body)
    _check_sampling(body, thinks)
    _check_tools(body.get("tools") or [], switches)
    _check_tool_choice(body, thinks)
    _check_messages(body, thinks, switches)
    _check_stop(body)
    _check_length(body, count_tokens(body))


def thinking(body: Body) -> bool:
    """Whether this model reasons in this request."""
    return body["model"] != "kimi-k2.6" or body.get("thinking", {}).get("type") != "disabled"


def max_tokens(body: Body) -> int:
    """The output budget, reasoning included."""
    asked = body.get("max_completion_tokens") or body.get("max_tokens")
    return int(asked or OUTPUT[body["model"]])


def _bare(message: str, type: str = "invalid_request_error", status: int = 400) -> None:
    raise Refused(Failure(status, type, message))


def _refuse(details: str) -> None:
    _bare(f"Invalid request: {details}")


def _check_model(body: Body) -> None:
    if body.get("model") not in CONTEXT:
        message = f"Not found the model {body.get('model', '')} or Permission denied"
        _bare(message, "resource_not_found_error", 404)


def _check_sampling(body: Body, thinks: bool) -> None:
    fixed: dict[str, float] = {
        "temperature": 1 if thinks else 0.6,
        "top_p": 0.95,
        "n": 1,
        "presence_penalty": 0,
        "frequency_penalty": 0,
    }
    for name, value in fixed.items():
        if name in body and body[name] != value:
            _bare(f"invalid {name}: only {value:g} is allowed for this model")
    if body.get("logprobs"):
        _bare("invalid logprobs: only false is allowed for this model")
    if "top_logprobs" in body:
        _refuse("logprobs must be set to true if top_logprobs is used")
    if "logit_bias" in body:
        _refuse("logit_bias is not supported yet")
    kind = body.get("thinking", {}).get("type", "enabled")
    if body["model"].startswith("kimi-k2.7") and kind != "enabled":
        _bare("invalid thinking: only type=enabled is allowed for this model")
    if not isinstance(body.get("reasoning_effort", ""), str):
        _refuse(
            "the `reasoning_effort` field in the request (expected type string) is illegal, "
            "and number is not acceptable"
        )


def _check_tools(tools: list[Any], switches: Switches) -> None:
    names: set[str] = set()
    for tool in tools:
        kind = tool.get("type", "")
        if kind not in ("function", "builtin_function", "plugin"):
            _refuse(f"unknown tool type: {kind}, currently only function and plugin are supported")
        name = tool["function"]["name"]
        if kind == "function" and not _NAME.fullmatch(name):
            _refuse(
                "function name is invalid, must start with a letter and can contain letters, "
                "numbers, underscores, and dashes"
            )
        if name in names:
            _refuse(f"function name {name} is duplicated")
        names.add(name)
        if kind == "function" and "parameters" in tool["function"]:
            _check_parameters(tool["function"]["parameters"], switches)


def _check_parameters(schema: Any, switches: Switches) -> None:
    if schema.get("type") != "object":
        _refuse('tools.function.parameters.type is required and must be "object"')
    if not switches.mfjs:
        return
    try:
        mfjs.check(schema)
    except mfjs.NotFlavored as error:
        _refuse(
            "tools.function.parameters is not a valid moonshot flavored json schema, "
            f"details: <{error}>"
        )


def _check_tool_choice(body: Body, thinks: bool) -> None:
    choice = body.get("tool_choice", "auto")
    if thinks and isinstance(choice, dict):
        _bare("tool_choice 'specified' is incompatible with thinking enabled")
    if thinks and choice == "required" and body["model"] != "kimi-k3":
        _bare("tool_choice 'required' is incompatible with thinking enabled")


def _check_messages(body: Body, thinks: bool, switches: Switches) -> None:
    messages = body["messages"]
    last_user = max((i for i, m in enumerate(messages) if m.get("role") == "user"), default=-1)
    seen: set[str] = set()
    for index, message in enumerate(messages):
        _check_content(index, message)
        if message["role"] == "tool" and message.get("tool_call_id") not in seen:
            _refuse(f"tool_call_id {message.get('tool_call_id', '')} is not found")
        if message["role"] == "assistant":
            _check_calls(index, messages, seen)
            must_reason = thinks and index > last_user and message.get("tool_calls")
            if must_reason and switches.strict_reasoning and not _reasoned(message, switches):
                _bare(
                    "thinking is enabled but reasoning_content is missing in assistant tool call "
                    f"message at index {index}"
                )


def _reasoned(message: Body, switches: Switches) -> bool:
    reasoning = message.get("reasoning_content")
    return bool(reasoning) or (reasoning == "" and switches.empty_reasoning_counts)


def _check_content(index: int, message: Body) -> None:
    role = message.get("role")
    if role not in ("system", "user", "assistant", "tool"):
        _refuse(f"the message at position {index} with role '{role}' has an unknown role")
    content = message.get("content")
    may_be_empty = role in ("system", "tool") or message.get("tool_calls") or message.get("partial")
    if not content and not may_be_empty:
        _refuse(f"the message at position {index} with role '{role}' must not be empty")
    for part in content if isinstance(content, list) else ():
        kind = part.get("type")
        if kind not in ("text", "image_url", "video_url"):
            _refuse(
                f"the message at position {index} with role '{role}' "
                f"contains an invalid part type: {kind}"
            )
        if kind == "text" and not part.get("text"):
            _refuse("text content is empty")
        if kind == "image_url":
            _check_image(part["image_url"])


def _check_image(image: Any) -> None:
    url = image if isinstance(image, str) else image["url"]
    if not url.startswith(("data:", "ms://")):
        _refuse(f"unsupported image url: {url}")
    found = re.fullmatch(r"data:image/(png|jpeg|webp|gif|bmp|hei[cf]);base64,(.*)", url)
    if url.startswith("data:") and (found is None or not _is_of_kind(found[1], found[2])):
        _refuse("unsupported image format: text/plain; charset=utf-8")


def _is_of_kind(kind: str, content: str) -> bool:
    """Whether the bytes begin as their kind says, of the kinds that are looked at."""
    try:
        data = base64.b64decode(content, validate=True)
    except ValueError:
        return False
    magic = {"png": b"\x89PNG", "jpeg": b"\xff\xd8\xff", "webp": b"RIFF", "gif": b"GIF8"}
    return bool(data) and data.startswith(magic.get(kind, b""))


def _check_calls(index: int, messages: list[Any], seen: set[str]) -> None:
    ids = [call["id"] for call in messages[index].get("tool_calls") or []]
    for id in ids:
        if id in seen:
            _refuse(f"tool call id {id} is duplicated")
        seen.add(id)
    answered: set[str] = set()
    for message in messages[index + 1 :]:
        if message.get("role") != "tool":
            break
        answered.add(message.get("tool_call_id"))
    missing = [id for id in ids if id not in answered]
    if missing:
        _refuse(
            "an assistant message with 'tool_calls' must be followed by tool messages responding to "
            "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
            f"{', '.join(missing)}"
        )


def _check_stop(body: Body) -> None:
    stop = body.get("stop") or []
    stops = [stop] if isinstance(stop, str) else stop
    if len(stops) > 5:
        _refuse("stop: maximum length 5")
    if any(len(text.encode()) > 32 for text in stops):
        _refuse("stop: must not be longer than 32")


def _check_length(body: Body, prompt: int) -> None:
    limit = CONTEXT[body["model"]]
    asked = body.get("max_completion_tokens") or body.get("max_tokens") or 0
    if prompt + asked > limit:
        _refuse(f"Your request exceeded model token limit: {limit} (requested: {prompt + asked})")
