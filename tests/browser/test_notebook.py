"""`%%kimi` in a notebook: the reply in the cell's output, the card while the cell runs, the task in the sidebar."""

from __future__ import annotations

import nbformat
from nbconvert import HTMLExporter
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import OpenPanel, open_lab, shoot
from tests.browser.lab import Lab
from tests.browser.notebook import Notebook, write_notebook
from tests.browser.panel import Panel
from tests.browser.scripts import call, say, tool_results
from tests.moonshot.process import MoonshotProcess

LOAD = "%load_ext kimi_jupyter"


def test_reply_streams_into_the_output_of_the_cell(
    lab: Lab, api: MoonshotProcess, context: BrowserContext
) -> None:
    words = " ".join(f"word{number}" for number in range(1, 121))
    api.set_script([say(f"**Bold** start. {words}", per_second=20)])
    write_notebook(lab.root / "stream.ipynb", LOAD, "%%kimi\nTell me a story", "print('after')")
    notebook = Notebook.open(context, lab, "stream.ipynb")

    notebook.run_all()
    expect(notebook.output(1)).to_contain_text("word5 ")
    assert "word120" not in notebook.output(1).inner_text(), "the reply came all at once"
    assert notebook.output(2).inner_text() == "", "the next cell did not wait"
    notebook.wait_idle()

    expect(notebook.output(1).locator("strong")).to_have_text("Bold")
    expect(notebook.output(1)).to_contain_text("word120")
    expect(notebook.output(2)).to_contain_text("after")
    shoot(notebook.page, "notebook-reply")


def test_approval_in_the_cell_is_clicked_while_the_cell_runs_and_the_file_is_on_disk(
    lab: Lab, api: MoonshotProcess, context: BrowserContext
) -> None:
    seen = len(api.bodies())
    api.set_script([call("write_file", path="from_cell.txt", content="cell\n"), say("Cell done.")])
    write_notebook(
        lab.root / "approve.ipynb", LOAD, "%%kimi\nWrite from_cell.txt", "print('after')"
    )
    notebook = Notebook.open(context, lab, "approve.ipynb")

    notebook.run_all()
    expect(notebook.output(1)).to_contain_text("Write file from_cell.txt (+1 −0)")
    expect(notebook.widget_button("Approve")).to_be_enabled()
    shoot(notebook.page, "notebook-card")
    assert not (lab.root / "from_cell.txt").exists()
    notebook.widget_button("Approve").click()
    notebook.wait_idle()

    assert (lab.root / "from_cell.txt").read_bytes() == b"cell\n"
    expect(notebook.output(1)).to_contain_text("Cell done.")
    expect(notebook.output(2)).to_contain_text("after")
    (told,) = tool_results(api.bodies()[seen + 1])
    assert "from_cell.txt" in told
    shoot(notebook.page, "notebook-approved")


def test_saved_notebook_shows_the_reply_when_reopened_and_when_converted(
    lab: Lab, api: MoonshotProcess, context: BrowserContext
) -> None:
    api.set_script([say("## Kept\n\nThis reply **stays**.")])
    path = lab.root / "kept.ipynb"
    write_notebook(path, LOAD, "%%kimi\nSay something that stays")
    notebook = Notebook.open(context, lab, "kept.ipynb")
    notebook.run_all()
    notebook.wait_idle()
    notebook.save()
    notebook.page.close()

    again = Notebook.open(context, lab, "kept.ipynb")
    expect(again.output(1).get_by_role("heading", name="Kept")).to_be_visible()
    expect(again.output(1)).to_contain_text("This reply stays.")

    html, _ = HTMLExporter().from_notebook_node(nbformat.read(path, as_version=4))
    assert "This reply <strong>stays</strong>." in html


def test_task_of_a_cell_is_in_the_history_of_the_sidebar(
    lab: Lab, api: MoonshotProcess, context: BrowserContext, open_panel: OpenPanel
) -> None:
    api.set_script([say("From the cell."), say("From the sidebar.")])
    write_notebook(lab.root / "shown.ipynb", LOAD, "%%kimi\nRemember this cell")
    notebook = Notebook.open(context, lab, "shown.ipynb")
    notebook.run_all()
    notebook.wait_idle()

    panel = open_panel(lab)
    panel.open_from_history("Remember this cell")
    panel.wait_text("From the cell.")
    panel.ask("Go on")
    panel.wait_text("From the sidebar.")
    shoot(panel.page, "history-of-a-cell")


def test_approval_of_a_cell_can_be_answered_in_the_sidebar(
    lab: Lab, api: MoonshotProcess, context: BrowserContext
) -> None:
    api.set_script([call("write_file", path="by_side.txt", content="side\n"), say("Side done.")])
    write_notebook(lab.root / "side.ipynb", LOAD, "%%kimi\nWrite by_side.txt")
    notebook = Notebook.open(context, lab, "side.ipynb")
    notebook.run_all()
    expect(notebook.output(1)).to_contain_text("by_side.txt")

    panel = Panel(open_lab(context, lab))
    panel.show()
    panel.open_from_history("Write by_side.txt")
    panel.approve()

    notebook.wait_idle()
    assert (lab.root / "by_side.txt").exists()
    expect(notebook.output(1)).to_contain_text("Side done.")
    assert notebook.widget_button("Approve").count() == 0


def test_interrupt_of_the_cell_stops_the_turn(
    lab: Lab, api: MoonshotProcess, context: BrowserContext
) -> None:
    api.set_script([call("write_file", path="interrupted.txt", content="no\n"), say("Never said.")])
    write_notebook(lab.root / "interrupt.ipynb", LOAD, "%%kimi\nWrite interrupted.txt")
    notebook = Notebook.open(context, lab, "interrupt.ipynb")
    notebook.run_all()
    expect(notebook.widget_button("Approve")).to_be_visible()

    notebook.page.evaluate("() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
    notebook.wait_idle()

    assert not (lab.root / "interrupted.txt").exists()
    assert notebook.widget_button("Approve").count() == 0
