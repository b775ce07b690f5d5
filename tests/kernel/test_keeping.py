"""A running command is sent to the background from the cell's output, and the cell goes on."""

from __future__ import annotations

import uuid

import pytest

from tests.browser.scripts import call, say, tool_results
from tests.kernel.front_end import FrontEnd
from tests.moonshot.process import MoonshotProcess
from tests.tools.support import alive, until

pytestmark = pytest.mark.kernel
KEEP = "Keep running in the background"


@pytest.fixture
def mark() -> str:
    """A word for `sleep`'s arguments, so that the test finds its own processes and no others."""
    return f"3{uuid.uuid4().int % 10**9:09d}"


def test_a_running_command_goes_to_the_background_and_the_cell_ends(
    front: FrontEnd, api: MoonshotProcess, mark: str
) -> None:
    command = f"echo epoch 1; setsid sleep {mark} & wait"
    api.set_script([call("execute_command", command=command), say("It trains by itself now.")])
    cell = front.run("%%kimi\nTrain")
    front.draw()
    front.press("Approve")
    front.press(KEEP)
    front.finish(cell)

    assert "It trains by itself now." in cell.text
    assert "Goes on in the background" in cell.text
    assert front.comms == {}
    assert "epoch 1" in tool_results(api.bodies()[-1])[0]
    assert alive(f"sleep\0{mark}") != []
    front.shutdown()
    assert until(lambda: alive(mark) == []), "the kernel's end leaves nothing"


def test_a_short_command_gets_no_button(front: FrontEnd, api: MoonshotProcess) -> None:
    api.set_script([call("execute_command", command="echo hi"), say("Done.")])
    cell = front.run("%%kimi\nSay hi")
    front.draw()
    front.press("Approve")
    front.finish(cell)

    assert "Done." in cell.text
    assert KEEP not in front.html
    assert front.comms == {}
