"""Tool schemas within the subset that Moonshot accepts."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from kimi_jupyter.models.schema import moonshot_schema, tool_schema
from tests.moonshot import mfjs


class Params(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Hunk(Params):
    """One change."""

    search: str
    """The text to find."""
    replace: str
    """What stands there afterwards."""


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Everything(Params):
    path: str
    """A file."""
    limit: int | None = Field(None, ge=1, le=100)
    """Most lines."""
    hunks: list[Hunk]
    """The changes, in order."""
    kind: Literal["a", "b"] = "a"
    only: Literal["x"] = "x"
    color: Color = Color.RED
    either: int | str = 1
    pair: tuple[int, int] = (0, 0)
    free: dict[str, Any] = {}
    named: dict[str, int] = {}
    anything: Any = None
    first: Hunk | None = None
    """The first change."""
    union: Annotated[int | list[str], Field(description="One or many.")] = 1
    ratio: float = Field(0.5, gt=0, lt=1)
    word: str = Field("", pattern="^a+$", max_length=3)


def test_a_plain_model_gives_a_plain_schema() -> None:
    class Read(Params):
        path: str
        """The file to read."""
        offset: int | None = None
        """First line, from 1."""

    assert tool_schema(Read) == {
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "The file to read."},
            "offset": {"type": "integer", "description": "First line, from 1."},
        },
        "required": ["path"],
        "additionalProperties": False,
    }


def test_every_kind_of_field_passes_the_checks_of_the_api() -> None:
    schema = tool_schema(Everything)
    mfjs.check(schema)
    text = repr(schema)
    for word in (
        "$ref",
        "$defs",
        "title",
        "default",
        "const",
        "pattern",
        "prefixItems",
        "imum",
        "allOf",
        "oneOf",
    ):
        assert word not in text, word
    properties = schema["properties"]
    assert properties["either"] == {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    assert properties["only"] == {"type": "string", "enum": ["x"]}
    assert properties["color"] == {"type": "string", "enum": ["red", "blue"]}
    assert properties["pair"] == {"type": "array", "items": {"type": "integer"}}
    assert properties["union"]["description"] == "One or many."
    assert properties["first"]["description"] == "The first change."
    assert properties["first"]["required"] == ["search", "replace"]
    assert (
        properties["hunks"]["items"]["properties"]["search"]["description"] == "The text to find."
    )


def test_a_model_without_fields_is_an_empty_object() -> None:
    class Nothing(Params):
        pass

    assert tool_schema(Nothing) == {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": {"x": {"enum": ["a", None]}}},
        {"type": "object", "properties": {"x": {"type": ["string", "null"]}}},
        {"type": "object", "properties": {"x": {"type": ["string", "integer"]}}},
        {
            "type": "object",
            "properties": {"x": {"type": "string", "anyOf": [{"minLength": 1}, {}]}},
        },
        {"type": "object", "properties": {"x": {"allOf": [{"type": "object", "properties": {}}]}}},
        {"type": "object", "properties": {"x": {}}, "required": ["x", "gone"]},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"},
    ],
)
def test_schemas_of_strangers_pass_too(schema: dict[str, Any]) -> None:
    made = moonshot_schema(schema)
    mfjs.check(made)
    assert made["type"] == "object"


class Tree(Params):
    children: list[Tree] = []


def test_a_type_that_contains_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="contains itself"):
        tool_schema(Tree)
