"""The simulator refuses what the real API refuses, in its words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.moonshot import mfjs
from tests.moonshot.cache import prompt_tokens
from tests.moonshot.checks import Refused, Switches, check

USER = {"role": "user", "content": "hi"}
CALL = {"id": "f:0", "type": "function", "function": {"name": "f", "arguments": "{}"}}
ASKED = {"role": "assistant", "reasoning_content": "", "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "f:0", "content": "ok"}
WHOLE = [USER, ASKED, RESULT]


def _body(**more: Any) -> dict[str, Any]:
    return {"model": "kimi-k2.6", "messages": [USER], **more}


def _tool(parameters: Any, name: str = "f") -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def _refusal(body: dict[str, Any], switches: Switches | None = None) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        check(body, switches or Switches(), prompt_tokens)
    return caught.value.failure.status, caught.value.failure.message


OBJECT = {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    "body",
    [
        _body(),
        _body(temperature=1, top_p=0.95, n=1, presence_penalty=0, seed=7, unheard_of=True),
        _body(thinking={"type": "disabled"}, temperature=0.6, tool_choice="required"),
        _body(model="kimi-k3", tool_choice="required", reasoning_effort="nonsense"),
        _body(messages=WHOLE, tools=[_tool(OBJECT)]),
        _body(messages=[USER, {**ASKED, "content": ""}, RESULT]),
        _body(
            messages=[
                {"role": "system", "content": "x"},
                USER,
                {"role": "assistant", "content": "y"},
                USER,
            ]
        ),
        _body(
            messages=[
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "image_url",
                            "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="},
                        }
                    ],
                }
            ]
        ),
    ],
)
def test_good_requests_pass(body: dict[str, Any]) -> None:
    check(body, Switches(), prompt_tokens)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (_body(messages=[]), "Invalid request: messages must not be empty"),
        (_body(temperature=0.3, top_p=1), "invalid temperature: only 1 is allowed for this model"),
        (
            _body(thinking={"type": "disabled"}, temperature=1),
            "invalid temperature: only 0.6 is allowed for this model",
        ),
        (_body(top_p=1), "invalid top_p: only 0.95 is allowed for this model"),
        (_body(n=2), "invalid n: only 1 is allowed for this model"),
        (_body(frequency_penalty=1), "invalid frequency_penalty: only 0 is allowed for this model"),
        (_body(logprobs=True), "invalid logprobs: only false is allowed for this model"),
        (
            _body(top_logprobs=2),
            "Invalid request: logprobs must be set to true if top_logprobs is used",
        ),
        (_body(logit_bias={}), "Invalid request: logit_bias is not supported yet"),
        (
            _body(model="kimi-k2.7-code", thinking={"type": "disabled"}),
            "invalid thinking: only type=enabled is allowed for this model",
        ),
        (
            _body(tool_choice="required"),
            "tool_choice 'required' is incompatible with thinking enabled",
        ),
        (
            _body(tool_choice={"type": "function"}),
            "tool_choice 'specified' is incompatible with thinking enabled",
        ),
        (
            _body(tools=[{"name": "f"}]),
            "Invalid request: unknown tool type: , currently only function and plugin are supported",
        ),
        (
            _body(tools=[_tool(OBJECT, "1f")]),
            "Invalid request: function name is invalid, must start with a letter and can contain letters, numbers, underscores, and dashes",
        ),
        (
            _body(tools=[_tool(OBJECT), _tool(OBJECT)]),
            "Invalid request: function name f is duplicated",
        ),
        (
            _body(tools=[_tool({})]),
            'Invalid request: tools.function.parameters.type is required and must be "object"',
        ),
        (
            _body(tools=[_tool({"type": "object", "properties": {"x": {}}})]),
            "Invalid request: tools.function.parameters is not a valid moonshot flavored json schema, details: <At path 'properties.x': type is not defined>",
        ),
        (
            _body(messages=[USER, ASKED]),
            "Invalid request: an assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: f:0",
        ),
        (
            _body(messages=[USER, ASKED, USER, RESULT]),
            "Invalid request: an assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: f:0",
        ),
        (_body(messages=[USER, RESULT]), "Invalid request: tool_call_id f:0 is not found"),
        (_body(messages=[*WHOLE, *WHOLE]), "Invalid request: tool call id f:0 is duplicated"),
        (
            _body(messages=[USER, {"role": "assistant", "content": ""}]),
            "Invalid request: the message at position 1 with role 'assistant' must not be empty",
        ),
        (
            _body(messages=[USER, {"role": "assistant", "tool_calls": [CALL]}, RESULT]),
            "thinking is enabled but reasoning_content is missing in assistant tool call message at index 1",
        ),
        (
            _body(messages=[{"role": "user", "content": [{"type": "tool_use"}]}]),
            "Invalid request: the message at position 0 with role 'user' contains an invalid part type: tool_use",
        ),
        (
            _body(
                messages=[
                    {
                        "role": "user",
                        "content": [
                            {"type": "image_url", "image_url": "data:image/png;base64,PHN2Zz4="}
                        ],
                    }
                ]
            ),
            "Invalid request: unsupported image format: text/plain; charset=utf-8",
        ),
        (
            _body(
                messages=[
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": "https://x.org/a.png"}],
                    }
                ]
            ),
            "Invalid request: unsupported image url: https://x.org/a.png",
        ),
        (
            _body(messages=[{"role": "user", "content": "x" * 1_200_000}]),
            "Invalid request: Your request exceeded model token limit: 262144 (requested: 300078)",
        ),
    ],
)
def test_bad_requests_get_the_words_of_the_api(body: dict[str, Any], message: str) -> None:
    assert _refusal(body) == (400, message)


@pytest.mark.parametrize("model", ["kimi-k2.5", "moonshot-v1-8k", "gpt-5"])
def test_other_models_are_not_found(model: str) -> None:
    assert _refusal(_body(model=model)) == (
        404,
        f"Not found the model {model} or Permission denied",
    )


def test_reasoning_of_earlier_turns_need_not_be_there() -> None:
    asked = {"role": "assistant", "tool_calls": [CALL]}
    check(_body(messages=[USER, asked, RESULT, USER]), Switches(), prompt_tokens)


def test_what_is_not_known_for_sure_is_a_switch() -> None:
    bare = _body(messages=[USER, {"role": "assistant", "tool_calls": [CALL]}, RESULT])
    check(bare, Switches(strict_reasoning=False), prompt_tokens)
    assert _refusal(_body(messages=WHOLE), Switches(empty_reasoning_counts=False))[0] == 400
    check(
        _body(tools=[_tool({"type": "object", "properties": {"x": {}}})]),
        Switches(mfjs=False),
        prompt_tokens,
    )


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (
            {"type": "string", "anyOf": [{"type": "string"}]},
            "when using anyOf, type should be defined in anyOf items instead of the parent schema",
        ),
        ({"anyOf": []}, "anyOf must have 1-500 items"),
        ({"type": "array", "items": []}, "items must be an object"),
        ({"type": "string", "enum": []}, "enum array cannot be empty"),
        ({"$ref": "#/definitions/a"}, "references must start with #/$defs/"),
        ({"$ref": "#/$defs/a"}, "$defs not found for reference: #/$defs/a"),
        (
            {"type": "object", "required": ["y"]},
            "required property 'y' is not defined in properties",
        ),
        (
            {"type": "object", "properties": {"y": True}},
            "property schema for 'y' must be an object",
        ),
        ({"type": "object", "$defs": {}}, "keyword $defs must be at root level"),
    ],
)
def test_schemas_outside_the_subset(schema: dict[str, Any], why: str) -> None:
    with pytest.raises(mfjs.NotFlavored) as caught:
        mfjs.check({"type": "object", "properties": {"x": schema}})
    assert str(caught.value).partition(": ")[2] == why
