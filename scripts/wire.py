"""Write the front end's types and the settings schema from the pydantic classes; `--check` only compares."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from kimi_jupyter.protocol import commands, events
from kimi_jupyter.protocol.settings import PLUGIN, Settings

LABEXTENSION = Path(__file__).parent.parent / "labextension"
HEAD = "// Written by `make wire` from kimi_jupyter/protocol; not to be edited.\n"


def union_members(annotated: Any) -> tuple[type[BaseModel], ...]:
    """The classes of an `Annotated[A | B, ...]`."""
    return get_args(get_args(annotated)[0])


def ts_type(schema: dict[str, Any]) -> str:
    """One JSON schema as a TypeScript type."""
    if "$ref" in schema:
        return schema["$ref"].rsplit("/", 1)[-1]
    if "const" in schema:
        return _literal(schema["const"])
    if "enum" in schema:
        return " | ".join(_literal(value) for value in schema["enum"])
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " | ".join(ts_type(option) for option in options)
    match schema.get("type"):
        case "array":
            inner = ts_type(schema.get("items", {}))
            return f"readonly ({inner})[]" if "|" in inner else f"readonly {inner}[]"
        case "integer" | "number":
            return "number"
        case "string" | "boolean" | "null" as plain:
            return plain
        case "object":
            return "Readonly<Record<string, unknown>>"
        case _:
            return "unknown"


def _literal(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else json.dumps(value)


def interface(name: str, schema: dict[str, Any], *, sent: bool) -> str:
    """One class as an interface; what a client sends may leave out fields that have a default."""
    lines = [f"/** {schema['description']} */"] if "description" in schema else []
    lines.append(f"export interface {name} {{")
    for key, field in schema.get("properties", {}).items():
        if "description" in field:
            lines.append(f"  /** {' '.join(field['description'].split())} */")
        mark = "?" if sent and key != "type" and key not in schema.get("required", []) else ""
        quoted = key if key.isidentifier() else f"'{key}'"
        lines.append(f"  readonly {quoted}{mark}: {ts_type(field)};")
    return "\n".join([*lines, "}", ""])


def wire() -> str:
    """The text of `wire.ts`."""
    sent = union_members(commands.Command)
    received = (*union_members(events.Event), commands.Refusal)
    parts = [HEAD]
    seen: set[str] = set()
    for classes, is_sent in ((received, False), (sent, True)):
        mode = "validation" if is_sent else "serialization"
        _, schema = models_json_schema(
            [(c, mode) for c in (*classes, *(() if is_sent else (Settings,)))]
        )
        for name, definition in schema["$defs"].items():
            if name not in seen:
                seen.add(name)
                parts.append(_definition(name, definition, sent=is_sent))
    names = " | ".join
    parts.append(f"export type Event = {names(c.__name__ for c in union_members(events.Event))};\n")
    parts.append(f"export type Command = {names(c.__name__ for c in sent)};\n")
    transient = (c.model_fields["type"].default for c in union_members(events.Event) if c.transient)
    parts.append("/** Event types that are drawn and forgotten. */")
    parts.append(
        f"export const TRANSIENT: ReadonlySet<Event['type']> = new Set({list(transient)});\n"
    )
    parts.append("export type Mode = Settings['kimi.mode'];\n")
    parts.append("export type Decision = AskAnswer['decision'];\n")
    parts.append(f"export const SETTINGS_PLUGIN = '{PLUGIN}';\n")
    return "\n".join(parts)


def _definition(name: str, definition: dict[str, Any], *, sent: bool) -> str:
    if "properties" in definition:
        return interface(name, definition, sent=sent)
    return f"export type {name} = {ts_type(definition)};\n"


def settings_schema() -> str:
    """The schema that JupyterLab's settings editor draws."""
    schema = Settings.model_json_schema(by_alias=True)
    properties = {key: _setting(field) for key, field in schema["properties"].items()}
    whole = {
        "title": "Kimi Jupyter",
        "description": "Settings of the Kimi assistant, for the sidebar, the %%kimi magic and VS Code.",
        "jupyter.lab.setting-icon": "kimi-jupyter:kimi",
        "jupyter.lab.setting-icon-label": "Kimi",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _setting(field: dict[str, Any]) -> dict[str, Any]:
    if options := field.pop("anyOf", None):
        field["type"] = [option["type"] for option in options]
        field.update({k: v for option in options for k, v in option.items() if k != "type"})
    return field


def main() -> int:
    """Write both files, or with `--check` say which is stale."""
    stale: list[str] = []
    for path, text in (
        (LABEXTENSION / "src" / "wire.ts", wire()),
        (LABEXTENSION / "schema" / f"{PLUGIN.split(':')[1]}.json", settings_schema()),
    ):
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        if present != text:
            stale.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(text, encoding="utf-8")
    if "--check" in sys.argv and stale:
        print(f"stale: {', '.join(stale)}; run `make wire`")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
