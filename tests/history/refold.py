"""Writes the `.fold.json` of every recorded log anew: read the difference before you keep it."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from kimi_jupyter.history.fold import Fold
from kimi_jupyter.protocol.events import Event

DATA = Path(__file__).parents[1] / "data"


def recorded() -> list[Path]:
    return sorted(DATA.glob("*.jsonl"))


def expected(log: Path) -> Path:
    return DATA / (log.name.split(".")[0] + ".fold.json")


def fold_file(log: Path) -> dict[str, object]:
    """Fold whole lines only, as a reader of a file that is still written must."""
    adapter: TypeAdapter[Event] = TypeAdapter(Event)
    state = Fold()
    for line in log.read_text(encoding="utf-8").split("\n"):
        if line == '{"type":"link.opened"}':
            state.link_opened()
            continue
        try:
            state.feed(adapter.validate_json(line))
        except ValidationError:
            continue
    return state.view().model_dump(mode="json")


def main() -> None:
    for log in recorded():
        text = json.dumps(fold_file(log), indent=1, ensure_ascii=False)
        expected(log).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
