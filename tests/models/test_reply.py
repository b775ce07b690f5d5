"""A message put together from its parts."""

from __future__ import annotations

from kimi_jupyter.models.provider import CallPart
from kimi_jupyter.models.reply import Assembler, call_ids
from kimi_jupyter.protocol.messages import AssistantMessage, ToolCall, UserMessage


def test_empty_reasoning_differs_from_none() -> None:
    silent = Assembler()
    silent.text("hi")
    assert silent.message() == AssistantMessage(content="hi", reasoning_content=None)
    silent.think("")
    assert silent.message() == AssistantMessage(content="hi", reasoning_content="")


def test_parts_of_two_calls_are_told_apart_by_index() -> None:
    reply = Assembler()
    reply.call(0, id="a:0", name="a")
    reply.call(1, id="b:1", name="b", arguments='{"y"')
    reply.call(0, arguments="{}")
    reply.call(1, arguments=": 2}")
    assert reply.message().tool_calls == (
        ToolCall(id="a:0", name="a", arguments="{}"),
        ToolCall(id="b:1", name="b", arguments='{"y": 2}'),
    )


def test_arguments_may_come_before_the_name() -> None:
    reply = Assembler()
    assert reply.call(0, arguments="{}") == CallPart(name="", size=2)
    assert reply.call(0, id="a:0", name="a") == CallPart(name="a", size=2)
    assert reply.message().tool_calls == (ToolCall(id="a:0", name="a", arguments="{}"),)


def test_without_an_index_an_id_starts_the_next_call() -> None:
    reply = Assembler()
    reply.call(None, id="a", name="one", arguments="{")
    reply.call(None, arguments="}")
    reply.call(None, id="b", name="two", arguments="{}")
    assert [call.arguments for call in reply.message().tool_calls] == ["{}", "{}"]


def test_odd_ids_are_kept_verbatim() -> None:
    reply = Assembler(taken={"functions.read:0"})
    reply.call(0, id="functions.read:1 Ä/|", name="read")
    assert reply.message().tool_calls[0].id == "functions.read:1 Ä/|"


def test_empty_and_duplicate_ids_get_one_of_their_own() -> None:
    earlier = AssistantMessage(tool_calls=(ToolCall(id="read:0", name="read", arguments="{}"),))
    reply = Assembler(call_ids([UserMessage(content="x"), earlier]))
    for index, id in enumerate(["read:0", "", "read:0", ""]):
        reply.call(index, id=id, name="read")
    ids = [call.id for call in reply.message().tool_calls]
    assert len({*ids, "read:0"}) == 5
    assert all(ids)
