"""Schemas of tool parameters within the subset of JSON Schema that Moonshot accepts."""

from __future__ import annotations

from typing import Any, cast

from pydantic import BaseModel

Schema = dict[str, Any]

_COPIED = ("type", "description", "enum", "required", "additionalProperties")
"""Keywords that pass unchanged; all others are hints that the API does not support."""
_TYPES: dict[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}


def tool_schema(params: type[BaseModel]) -> Schema:
    """The schema of a tool's parameters as the API accepts it; recursive types are refused."""
    return moonshot_schema(params.model_json_schema())


def moonshot_schema(schema: Schema) -> Schema:
    """Rewrite any object schema into the subset: references inlined, a type wherever one is due."""
    plain = _plain(schema, cast("Schema", schema.get("$defs", {})), ())
    plain["type"] = "object"
    plain.setdefault("properties", {})
    return plain


def _plain(schema: Schema, defs: Schema, within: tuple[str, ...]) -> Schema:
    if "$ref" in schema:
        return _inlined(schema, defs, within)
    for part in cast("list[Schema]", schema.get("allOf", [])):
        schema = {**part, **schema}
    out: Schema = {key: schema[key] for key in _COPIED if schema.get(key) not in (None, "")}
    branches = _branches(schema)
    if branches:
        return _any_of(out, [_plain(branch, defs, within) for branch in branches])
    if isinstance(schema.get("type"), list):
        names = [name for name in schema["type"] if name != "null"]
        typed = [{**schema, "type": name, "description": ""} for name in names]
        return _any_of(out, [_plain(branch, defs, within) for branch in typed])
    if "const" in schema:
        out["enum"] = [schema["const"]]
    if "enum" in out:
        out["enum"] = [value for value in out["enum"] if value is not None]
    _add_children(out, schema, defs, within)
    if "type" not in out:
        out["type"] = _guess_type(out)
    return out


def _add_children(out: Schema, schema: Schema, defs: Schema, within: tuple[str, ...]) -> None:
    if "properties" in schema:
        properties = cast("dict[str, Schema]", schema["properties"])
        out["properties"] = {
            name: _plain(child, defs, within) for name, child in properties.items()
        }
        if "required" in out:
            out["required"] = [name for name in out["required"] if name in properties]
    if isinstance(out.get("additionalProperties"), dict):
        extra = cast("Schema", out["additionalProperties"])
        out["additionalProperties"] = _plain(extra, defs, within) if extra else True
    items = schema.get("items") or next(iter(schema.get("prefixItems", ())), None)
    if isinstance(items, dict):
        out["items"] = _plain(cast("Schema", items), defs, within)


def _inlined(schema: Schema, defs: Schema, within: tuple[str, ...]) -> Schema:
    name = str(schema["$ref"]).removeprefix("#/$defs/")
    if name in within:
        raise ValueError(f"the type {name!r} contains itself; tool parameters must be finite")
    if name not in defs:
        raise ValueError(f"the reference {schema['$ref']!r} leads nowhere")
    out = _plain(defs[name], defs, (*within, name))
    return {**out, "description": schema["description"]} if "description" in schema else out


def _branches(schema: Schema) -> list[Schema]:
    """The alternatives of a union without `null`: an optional field is simply left out."""
    union = cast("list[Schema]", schema.get("anyOf") or schema.get("oneOf") or [])
    return [branch for branch in union if branch.get("type") != "null"]


def _any_of(outer: Schema, branches: list[Schema]) -> Schema:
    described = {"description": outer["description"]} if outer.get("description") else {}
    if len(branches) == 1:
        return {**branches[0], **described}
    return {"anyOf": branches, **described}


def _guess_type(schema: Schema) -> str:
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    if "items" in schema:
        return "array"
    values = cast("list[object]", schema.get("enum") or [""])
    return _TYPES.get(type(values[0]), "string")
