"""A notebook's JSON as readable cells."""

from __future__ import annotations

import json
from typing import Any, cast

_MOST_OUTPUT = 1_000
_MOST_OUTPUTS = 20
_Json = dict[str, Any]


def render(text: str, name: str) -> str | None:
    """The cells with index, id, type, source and trimmed outputs; `None` where the text is no notebook."""
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    book = _mapping(found)
    cells = book.get("cells")
    if not isinstance(cells, list):
        return None
    head = f"Notebook {name}: {len(cast(list[object], cells))} cells{_kernel(book)}"
    parts = [_cell(index, _mapping(cell)) for index, cell in enumerate(cast(list[object], cells))]
    return "\n\n".join([head, *parts])


def _kernel(book: _Json) -> str:
    spec = _mapping(_mapping(book.get("metadata")).get("kernelspec"))
    return f", kernel {spec['name']}" if isinstance(spec.get("name"), str) else ""


def _cell(index: int, cell: _Json) -> str:
    kind = str(cell.get("cell_type", "unknown"))
    facts = [f"cell {index}", f"id {cell.get('id', 'none')}", kind]
    ran = cell.get("execution_count")
    if kind == "code":
        facts.append(f"run {ran}" if isinstance(ran, int) else "not run")
    parts = [f"--- {', '.join(facts)}", _text(cell.get("source"))]
    found = cell.get("outputs")
    outputs = cast(list[object], found) if isinstance(found, list) else []
    parts += [_output(_mapping(output)) for output in outputs[:_MOST_OUTPUTS]]
    if len(outputs) > _MOST_OUTPUTS:
        parts.append(f"[… {len(outputs) - _MOST_OUTPUTS} more outputs]")
    return "\n".join(part for part in parts if part)


def _output(output: _Json) -> str:
    kind = output.get("output_type")
    if kind == "stream":
        return f"[{output.get('name', 'stdout')}]\n{_cut(_text(output.get('text')))}"
    if kind == "error":
        return f"[error] {output.get('ename', '')}: {_cut(str(output.get('evalue', '')))}"
    data = _mapping(output.get("data"))
    plain = _text(data.get("text/plain"))
    others = [name for name in data if name != "text/plain"]
    also = f" also {', '.join(others)}" if others else ""
    return f"[output{also}]\n{_cut(plain)}".rstrip()


def _cut(text: str) -> str:
    text = text.rstrip("\n")
    if len(text) <= _MOST_OUTPUT:
        return text
    return f"{text[:_MOST_OUTPUT]}\n[… {len(text) - _MOST_OUTPUT:,} characters of output left out]"


def _text(value: object) -> str:
    if isinstance(value, list):
        return "".join(str(part) for part in cast(list[object], value))
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> _Json:
    return cast(_Json, value) if isinstance(value, dict) else {}
