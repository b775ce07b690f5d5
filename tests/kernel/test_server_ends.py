"""Servers that end, or that are not ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.scripts import say
from tests.kernel.servers import jupyter_server
from tests.moonshot.process import MoonshotProcess

pytestmark = pytest.mark.kernel

CODE = "%%kimi\nPlease do it"


def test_server_that_is_ended_in_mid_turn_closes_the_task_of_the_cell(
    folder: Path, environ: dict[str, str], api: MoonshotProcess, python: str
) -> None:
    api.set_script([{"content": "Begin and hang", "fault": "stall", "fault_after": 3}])
    with (
        jupyter_server(folder, environ, python=python) as server,
        server.front_end(server.start_kernel()) as front,
    ):
        front.do("%load_ext kimi_jupyter")
        cell = front.run(CODE)
        front.shows(cell, "Begin")
    with jupyter_server(folder, environ, python=python) as server:
        (task,) = server.ask("GET", "kimi/tasks")["tasks"]
        assert task["title"] == "Please do it"
        assert task["status"] == "interrupted"


def test_kernel_of_a_server_without_our_extension_has_its_own_agent(
    folder: Path, environ: dict[str, str], api: MoonshotProcess, python: str
) -> None:
    api.set_script([say("On my own.")])
    with (
        jupyter_server(folder, environ, with_kimi=False, python=python) as server,
        server.front_end(server.start_kernel()) as front,
    ):
        front.do("%load_ext kimi_jupyter")
        cell = front.do(CODE)
        inside = front.do("import sys; print('kimi_jupyter.runtime' in sys.modules)").streams

    assert "On my own." in cell.text
    assert inside == "True\n"
