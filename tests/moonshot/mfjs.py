"""The checks of Moonshot's subset of JSON Schema, with the API's own words."""

from __future__ import annotations

from typing import Any

_LIMIT = 500


class NotFlavored(Exception):
    """The schema is outside the subset; carries where and why."""

    def __init__(self, path: tuple[str, ...], why: str) -> None:
        super().__init__(f"At path '{'.'.join(path) or 'root'}': {why}")


def check(schema: Any) -> None:
    """Raise `NotFlavored` at the first place that the API would refuse."""
    defs = schema.get("$defs", {})
    for name, child in defs.items():
        _check(child, ("$defs", name), defs)
    _check(schema, (), defs)


def _check(schema: Any, path: tuple[str, ...], defs: dict[str, Any]) -> None:
    if "$defs" in schema and path:
        raise NotFlavored(path, "keyword $defs must be at root level")
    if "$ref" in schema:
        _check_reference(schema, path, defs)
        return
    if "anyOf" in schema:
        _check_union(schema, path, defs)
        return
    if "type" not in schema:
        raise NotFlavored(path, "type is not defined")
    if schema.get("enum") == []:
        raise NotFlavored(path, "enum array cannot be empty")
    _check_properties(schema, path, defs)
    if "items" in schema:
        if not isinstance(schema["items"], dict):
            raise NotFlavored((*path, "items"), "items must be an object")
        _check(schema["items"], (*path, "items"), defs)


def _check_properties(schema: Any, path: tuple[str, ...], defs: dict[str, Any]) -> None:
    properties = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in properties:
            raise NotFlavored(path, f"required property '{name}' is not defined in properties")
    for name, child in properties.items():
        at = (*path, "properties", name)
        if not isinstance(child, dict):
            raise NotFlavored(at, f"property schema for '{name}' must be an object")
        _check(child, at, defs)


def _check_reference(schema: Any, path: tuple[str, ...], defs: dict[str, Any]) -> None:
    reference = schema["$ref"]
    if reference == "#":
        return
    if not reference.startswith("#/$defs/"):
        raise NotFlavored(path, "references must start with #/$defs/")
    if reference.removeprefix("#/$defs/") not in defs:
        raise NotFlavored(path, f"$defs not found for reference: {reference}")
    if "type" in schema:
        raise NotFlavored(
            path,
            "when using $ref, type should be defined in the referenced schema instead of the parent schema",
        )
    doubled = sorted(set(schema) & set(defs[reference.removeprefix("#/$defs/")]))
    if doubled:
        raise NotFlavored(
            path,
            f"conflicting keywords found after $ref expansion: keywords ({', '.join(doubled)}) are defined "
            'both alongside "$ref" and in the referenced schema; remove the duplicates',
        )


def _check_union(schema: Any, path: tuple[str, ...], defs: dict[str, Any]) -> None:
    branches = schema["anyOf"]
    if "type" in schema:
        raise NotFlavored(
            path,
            "when using anyOf, type should be defined in anyOf items instead of the parent schema",
        )
    if not 1 <= len(branches) <= _LIMIT:
        raise NotFlavored(path, f"anyOf must have 1-{_LIMIT} items")
    for index, branch in enumerate(branches):
        _check(branch, (*path, "anyOf", str(index)), defs)
