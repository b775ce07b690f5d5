"""A notebook as the text that a message takes along."""

from __future__ import annotations

import json
from typing import Any, cast

_OUTPUT_CAP = 1000
"""Characters of one cell output."""


def notebook_text(source: str) -> str | None:
    """A notebook as the text of its cells with short outputs; `None` for what is no notebook of format 4."""
    try:
        notebook: object = json.loads(source)
    except (ValueError, RecursionError):
        return None
    cells = cast("dict[str, Any]", notebook).get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        return None
    return "\n\n".join(
        _cell_text(number, cast("dict[str, Any]", cell))
        for number, cell in enumerate(cast("list[object]", cells), 1)
        if isinstance(cell, dict)
    )


def _cell_text(number: int, cell: dict[str, Any]) -> str:
    name = f" id={cell['id']}" if isinstance(cell.get("id"), str) else ""
    parts = [
        f"[cell {number}: {cell.get('cell_type', 'unknown')}{name}]\n{_joined(cell.get('source'))}"
    ]
    outputs = cell.get("outputs")
    for output in cast("list[object]", outputs) if isinstance(outputs, list) else []:
        text = _output_text(cast("dict[str, Any]", output)) if isinstance(output, dict) else ""
        if len(text) > _OUTPUT_CAP:
            text = f"{text[:_OUTPUT_CAP]}\n[{len(text) - _OUTPUT_CAP} characters left out]"
        if text:
            parts.append(f"[output of cell {number}]\n{text}")
    return "\n".join(parts)


def _output_text(output: dict[str, Any]) -> str:
    if "text" in output:
        return _joined(output["text"])
    if output.get("output_type") == "error":
        return f"{output.get('ename')}: {output.get('evalue')}"
    data = output.get("data")
    if not isinstance(data, dict):
        return ""
    bundle = cast("dict[str, Any]", data)
    if "text/plain" in bundle:
        return _joined(bundle["text/plain"])
    return f"[{', '.join(sorted(bundle))}]"


def _joined(text: object) -> str:
    """Notebooks hold text whole or as a list of lines."""
    if isinstance(text, list):
        return "".join(part for part in cast("list[object]", text) if isinstance(part, str))
    return text if isinstance(text, str) else ""
