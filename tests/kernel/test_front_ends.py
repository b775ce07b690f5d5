"""What each front end does differently: VS Code, JupyterLab's subshells, consoles, and runs that nobody attends."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter

from tests.browser.scripts import call, say, tool_results
from tests.kernel.front_end import FrontEnd, kernel
from tests.kernel.servers import write_spec
from tests.moonshot.process import MoonshotProcess

pytestmark = pytest.mark.kernel

CODE = "%%kimi\nPlease do it"


def created(environ: dict[str, str]) -> dict[str, Any]:
    """The first event of the only task."""
    data = Path(environ["JUPYTER_DATA_DIR"])
    (log,) = (data / "kimi_jupyter").rglob("*.jsonl")
    return json.loads(log.read_text(encoding="utf-8").partition("\n")[0])


def test_messages_of_vs_code_are_understood(
    front: FrontEnd, api: MoonshotProcess, folder: Path, environ: dict[str, str]
) -> None:
    front.do(f"__vsc_ipynb_file__ = {str(folder / 'mine.ipynb')!r}", cell_id=None)
    api.set_script([call("write_file", path="v.txt", content="v\n"), say("Done.")])
    uri = f"vscode-notebook-cell:{folder}/mine.ipynb#W0sZmlsZQ%3D%3D"
    cell = front.run(CODE, cell_id=uri, stop_on_error=False)
    front.draw()
    front.press("Approve")
    front.finish(cell)

    assert (folder / "v.txt").read_text() == "v\n"
    assert "Done." in cell.text
    assert created(environ)["notebook"] == "mine.ipynb"
    assert not (folder / "mine.ipynb").exists(), "the open notebook is never written"


@pytest.mark.parametrize("python", ["newest"], indirect=True)
def test_click_over_a_subshell_as_jupyterlab_sends_it_is_served(
    front: FrontEnd, api: MoonshotProcess, folder: Path
) -> None:
    front.use_subshell()
    api.set_script([call("write_file", path="s.txt", content="s\n"), say("Done.")])
    cell = front.run(CODE)
    front.draw()
    front.press("View diff")
    front.press("Approve")
    front.finish(cell)

    assert (folder / "s.txt").exists()
    assert "Done." in cell.text
    assert front.comms == {}


def test_page_that_is_reloaded_while_the_card_waits_learns_of_its_widgets(
    front: FrontEnd, api: MoonshotProcess
) -> None:
    api.set_script([call("write_file", path="r.txt", content="r\n"), say("Done.")])
    cell = front.run(CODE)
    front.shows(cell, "Kimi waits for an answer")

    assert front.ask("kernel_info_request", {})["status"] == "ok"
    comms = front.ask("comm_info_request", {"target_name": "jupyter.widget"})["comms"]
    assert set(comms) == set(front.comms)
    assert not cell.is_idle
    front.press("Reject")
    front.finish(cell)


def test_cell_that_can_not_be_awaited_works_all_the_same(
    front: FrontEnd, api: MoonshotProcess, folder: Path
) -> None:
    front.do("%autoawait off")
    api.set_script([call("write_file", path="sync.txt", content="x\n"), say("Done.")])
    cell = front.run(CODE)
    later = front.run("print('after')")
    front.draw()
    front.press("Approve")
    front.finish(later)

    assert (folder / "sync.txt").exists()
    assert "Done." in cell.text
    assert later.streams == "after\n"


def test_interrupt_stops_a_cell_that_can_not_be_awaited(
    front: FrontEnd, api: MoonshotProcess
) -> None:
    front.do("%autoawait off")
    api.set_script([{"content": "Begin", "fault": "stall", "fault_after": 2, "chunk_size": 2}])
    cell = front.run(CODE)
    front.shows(cell, "Be")
    before = time.monotonic()
    front.interrupt()
    front.finish(cell)

    assert time.monotonic() - before < 2
    assert cell.error is not None
    assert cell.error[0] == "KeyboardInterrupt"


def test_console_prints_the_reply_and_asks_by_input(
    front: FrontEnd, api: MoonshotProcess, folder: Path
) -> None:
    api.set_script([call("execute_command", command="echo con > c.txt"), say("Done **well**.")])
    cell = front.run(CODE, cell_id=None)
    assert front.type("y") == "Approve? [y]es, [a]lways, [N]o: "
    front.finish(cell)

    assert (folder / "c.txt").read_text() == "con\n"
    assert "echo con > c.txt" in cell.streams
    assert "Done **well**." in cell.streams
    assert cell.outputs == []


def test_empty_line_in_a_console_rejects(
    front: FrontEnd, api: MoonshotProcess, folder: Path
) -> None:
    api.set_script([call("write_file", path="no.txt", content="x\n"), say("Never.")])
    cell = front.run(CODE, cell_id=None)
    front.type("")
    front.finish(cell)

    assert not (folder / "no.txt").exists()
    assert "Rejected" in cell.streams


def test_without_ipywidgets_nothing_is_approved_and_it_is_said(
    front: FrontEnd, api: MoonshotProcess, folder: Path
) -> None:
    front.do("import sys; sys.modules['ipywidgets'] = None")
    before = len(api.bodies())
    api.set_script([call("write_file", path="no.txt", content="x\n"), say("I could not.")])
    cell = front.do(CODE)

    assert not (folder / "no.txt").exists()
    assert "ipywidgets is not installed" in cell.text
    assert "I could not." in cell.text
    (told,) = tool_results(api.bodies()[before + 1])
    assert "nobody can approve" in told


def test_without_the_lane_clicks_come_as_ipykernel_lets_them_or_it_is_said(
    front: FrontEnd, api: MoonshotProcess, folder: Path
) -> None:
    told = front.do("import ipykernel; print(ipykernel.version_info >= (7, 4))").streams
    serves_clicks = told == "True\n"
    front.do("del get_ipython().kernel.comm_manager")  # as if a future ipykernel named it otherwise
    api.set_script([call("write_file", path="n.txt", content="x\n"), say("Done.")])
    cell = front.run(CODE)
    if serves_clicks:
        front.draw()
        front.press("Approve")
    front.finish(cell)

    assert (folder / "n.txt").exists() == serves_clicks
    assert ("clicks can't reach this kernel while a cell runs" in cell.text) != serves_clicks
    assert "Done." in cell.text


@pytest.fixture
def bare(python: str, folder: Path, environ: dict[str, str]) -> Iterator[FrontEnd]:
    """A kernel without a key."""
    with kernel(python, folder, environ) as front_end:
        front_end.do("%load_ext kimi_jupyter")
        yield front_end


def test_key_is_typed_in_a_password_field_and_then_used(
    folder: Path, environ: dict[str, str], python: str, shared_api: MoonshotProcess
) -> None:
    environ["MOONSHOT_BASE_URL"] = shared_api.url
    shared_api.set_script([say("With a key.")])
    with kernel(python, folder, environ) as front:
        front.do("%load_ext kimi_jupyter")
        assert "No Moonshot API key set." in front.do(CODE).text
        cell = front.run("%kimi key set")
        front.type("sk-typed-key-of-the-test")
        front.finish(cell)
        assert "The key is set." in cell.text
        assert "sk-typed" not in cell.text
        assert "With a key." in front.do(CODE).text


def test_key_can_not_be_typed_where_nobody_is(bare: FrontEnd) -> None:
    cell = bare.do("%kimi key set", allow_stdin=False)

    assert "Nobody can type here." in cell.text + cell.streams


def convert(
    folder: Path, environ: dict[str, str], python: str, *cells: str
) -> nbformat.NotebookNode:
    """Execute a notebook as `jupyter nbconvert --execute` does, and read what it saved."""
    write_spec(Path(environ["JUPYTER_DATA_DIR"]), python)
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    sources = ("%load_ext kimi_jupyter", *cells)
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(notebook, folder / "run.ipynb")
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--inplace"]
    done = subprocess.run(
        [*command, "run.ipynb"], cwd=folder, env=environ, capture_output=True, text=True, timeout=55
    )
    assert done.returncode == 0, done.stderr
    return nbformat.read(folder / "run.ipynb", as_version=4)


def shown(cell: nbformat.NotebookNode) -> str:
    return "\n\n".join(out["data"]["text/markdown"] for out in cell.outputs)


def test_notebook_that_nbconvert_executes_holds_the_reply_and_denies_in_words(
    folder: Path, environ: dict[str, str], python: str, api: MoonshotProcess
) -> None:
    before = len(api.bodies())
    api.set_script(
        [call("write_file", path="no.txt", content="x\n"), say("## I may not\n\nSo **no**.")]
    )
    notebook = convert(folder, environ, python, "%%kimi --mode ask\nWrite no.txt", "print('after')")

    assert not (folder / "no.txt").exists()
    assert "✗ Rejected (Denied: this notebook runs unattended" in shown(notebook.cells[1])
    assert "## I may not" in shown(notebook.cells[1])
    assert notebook.cells[2].outputs[0]["text"] == "after\n"
    (told,) = tool_results(api.bodies()[before + 1])
    assert "nobody can approve" in told
    html, _ = HTMLExporter().from_notebook_node(notebook)
    assert "So <strong>no</strong>." in html


def test_unattended_run_is_in_plan_mode_by_itself(
    folder: Path, environ: dict[str, str], api: MoonshotProcess
) -> None:
    api.set_script([say("Only a plan.")])
    notebook = convert(folder, environ, sys.executable, CODE)

    assert "Only a plan." in shown(notebook.cells[1])
    offered = {tool["function"]["name"] for tool in api.bodies()[-1]["tools"]}
    assert "write_file" not in offered


def test_setting_can_refuse_unattended_runs(
    folder: Path, environ: dict[str, str], api: MoonshotProcess
) -> None:
    before = len(api.bodies())
    settings = Path(environ["JUPYTER_CONFIG_DIR"], "lab", "user-settings", "kimi-jupyter")
    settings.mkdir(parents=True)
    (settings / "settings.jupyterlab-settings").write_text('{"kimi.unattended": "deny"}')
    notebook = convert(folder, environ, sys.executable, CODE)

    assert "Kimi does not run here: nobody can answer" in shown(notebook.cells[1])
    assert len(api.bodies()) == before


def test_plain_ipython_prints_the_reply(
    folder: Path, environ: dict[str, str], api: MoonshotProcess
) -> None:
    api.set_script([say("In a terminal.")])
    script = folder / "script.ipy"
    script.write_text("%load_ext kimi_jupyter\nget_ipython().run_cell_magic('kimi', '', 'Hello')\n")
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=nocolor", "script.ipy"],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=50,
    )

    assert done.stdout.count("In a terminal.") == 1, done.stdout + done.stderr
