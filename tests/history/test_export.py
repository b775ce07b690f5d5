"""A task as a file: Markdown, JSON, and a notebook that Jupyter's own check accepts."""

from __future__ import annotations

import base64
import json

import nbformat
import pytest

from kimi_jupyter.history.export import export
from kimi_jupyter.history.fold import fold
from kimi_jupyter.history.reading import read
from kimi_jupyter.protocol.events import (
    TaskCreated,
    ToolDone,
    ToolStarted,
    TurnStarted,
    event_adapter,
)
from kimi_jupyter.protocol.parts import Attachment
from tests.history.refold import DATA
from tests.pictures import GIF, png, url

NAMES = [path.name for path in sorted(DATA.glob("*.jsonl")) if path.name.count(".") == 1]


def test_markdown_has_the_whole_conversation() -> None:
    text = export(read(DATA / "rejected.jsonl").events, "md").decode()
    assert text == (
        "# Add a requirements file\n\n"
        "2026-09-14 10:00 UTC · kimi-k2.6 · 4,150 tokens, about 0.0030 USD\n\n"
        "## You\n\nAdd a requirements file\n\n"
        "## Kimi\n\nI write `requirements.txt`.\n\n"
        "**Write file requirements.txt (+2 −0)**: rejected\n\n"
        "<details><summary>Result</summary>\n\n"
        "```text\nThe user rejected this edit and says: pin the versions\n```\n\n</details>\n\n"
        "## Kimi\n\nWith pinned versions.\n\n"
        "**Write file requirements.txt (+2 −0)**: rejected\n\n"
        "<details><summary>Result</summary>\n\n"
        "```text\nThe user rejected this edit.\n```\n\n</details>\n\n"
        "*You rejected the edit of requirements.txt; say what to do instead.*\n"
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_notebook_is_valid_and_says_what_it_is_in_its_first_cell(name: str) -> None:
    events = read(DATA / name).events
    notebook = nbformat.reads(export(events, "ipynb").decode(), as_version=4)
    nbformat.validate(notebook)
    assert notebook.nbformat_minor == 5
    title, date = notebook.cells[0].source.split("\n\n")
    assert title == f"# {fold(events).title}"
    assert date.startswith("2026-09-14 10:00 UTC")
    assert {cell.cell_type for cell in notebook.cells} == {"markdown"}
    assert any("## You" in cell.source for cell in notebook.cells)


@pytest.mark.parametrize("name", NAMES)
def test_json_gives_every_event_back(name: str) -> None:
    events = read(DATA / name).events
    value = json.loads(export(events, "json"))
    assert [event_adapter.validate_python(event) for event in value["events"]] == events
    assert value["view"] == fold(events).model_dump(mode="json")


def test_output_with_fences_stays_inside_its_block() -> None:
    events = [
        TaskCreated(seq=1),
        TurnStarted(seq=2, text="q"),
        ToolStarted(seq=3, call="c", name="read_file", title="Read a.md", arguments="{}"),
        ToolDone(seq=4, call="c", ok=True, output="````\n</details>\n````\n" + "x" * 5_000),
    ]
    text = export(events, "md").decode()
    assert "`````text\n````\n" in text
    assert "[1,021 characters left out]\n`````\n" in text


def test_images_are_named_in_markdown_and_drawn_in_a_notebook() -> None:
    red = png(30, 20)
    file = Attachment(path="a.png", text="", size=len(red), image=url(red))
    events = [
        TaskCreated(seq=1),
        TurnStarted(seq=2, text="q", attachments=(file, Attachment(path="b/", text="b/", size=2))),
        ToolStarted(seq=3, call="c", name="read_file", title="Read c.gif", arguments="{}"),
        ToolDone(seq=4, call="c", ok=True, output="It is red.", images=(url(GIF, "gif"),)),
    ]
    text = export(events, "md").decode()
    assert "Attached: `a.png` (PNG image, 30 × 20 pixels, 0.1 KB)\n\nAttached: `b/`" in text
    assert "Shown: GIF image, 1 × 1 pixels" in text
    assert "base64" not in text
    notebook = nbformat.reads(export(events, "ipynb").decode(), as_version=4)
    nbformat.validate(notebook)
    message, call = notebook.cells[1:]
    data = message.attachments["image-1.png"]["image/png"]
    assert base64.b64decode(data) == red
    assert "![PNG image, 30 × 20 pixels](attachment:image-1.png)" in message.source
    assert base64.b64decode(call.attachments["image-1.gif"]["image/gif"]) == GIF
    assert json.loads(export(events, "json"))["events"][3]["images"] == [url(GIF, "gif")]
