"""A running command is sent to the background by a click, the turn goes on, and its end is seen; or it is stopped."""

from __future__ import annotations

import uuid

from playwright.sync_api import expect

from tests.browser.conftest import OpenPanel, shoot, wait_ready
from tests.browser.lab import Lab
from tests.browser.scripts import call, say
from tests.browser.test_stop_and_reload import commands_with, until
from tests.moonshot.process import MoonshotProcess

KEEP = "Keep running in the background"


def test_a_command_goes_on_in_the_background_and_its_end_is_seen(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    wait = "until test -e {0}.txt; do sleep 0.1; done"
    command = f"echo epoch 1; {wait.format('go')}; echo epoch 2; {wait.format('end')}; echo epoch 3"
    api.set_script([call("execute_command", command=command), say("It trains by itself now.")])
    panel = open_panel(lab)
    panel.ask("Train the model")
    panel.approve()
    panel.wait_text("epoch 1")
    shoot(panel.page, "background-button")

    panel.button(KEEP).click()

    panel.wait_text("It trains by itself now.")
    panel.wait_idle()
    line = panel.root.get_by_test_id("kimi-background-line")
    expect(line).to_contain_text("until test -e go.txt")
    expect(panel.root.get_by_test_id("kimi-background")).to_contain_text("Runs in the background")
    expect(panel.button(KEEP)).to_have_count(0)
    shoot(panel.page, "background-light")
    panel.set_theme("JupyterLab Dark")
    wait_ready(panel.page)
    shoot(panel.page, "background-dark")
    panel.set_theme("JupyterLab Light")

    tool = panel.root.get_by_test_id("kimi-tool")
    tool.get_by_role("button").first.click()
    (lab.root / "go.txt").touch()
    expect(tool).to_contain_text("epoch 2")
    shoot(panel.page, "background-live")
    panel.page.reload()
    wait_ready(panel.page)
    panel.show()
    expect(line).to_contain_text("until test -e go.txt")
    tool.get_by_role("button").first.click()
    expect(tool).to_contain_text("epoch 2")

    (lab.root / "end.txt").touch()

    expect(panel.root.get_by_test_id("kimi-background")).to_contain_text(
        "In the background: exit code 0"
    )
    expect(line).to_have_count(0)
    panel.wait_text("epoch 3")
    shoot(panel.page, "background-ended")


def test_j1_a_background_command_is_stopped_from_its_line_with_all_its_children(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    mark = f"3{uuid.uuid4().int % 10**9:09d}"
    script = f"setsid sleep {mark} & sleep {mark}"
    api.set_script(
        [call("execute_command", command=script, background=True), say("The server runs.")]
    )
    panel = open_panel(lab)
    panel.ask("Serve")
    expect(panel.card).to_contain_text("Run command in the background")
    expect(panel.card).to_contain_text("in the background, without a time limit")
    shoot(panel.page, "background-card")
    panel.approve()
    panel.wait_text("The server runs.")
    panel.wait_idle()
    assert len(commands_with(f"sleep {mark}")) >= 2

    panel.button("Stop the background command").click()

    expect(panel.root.get_by_test_id("kimi-background")).to_contain_text(
        "In the background: stopped"
    )
    until(lambda: not commands_with(f"sleep {mark}"), "processes are left")
