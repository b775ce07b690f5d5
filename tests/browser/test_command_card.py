"""The card of a command: all of it can be read, and what is remembered is that command alone."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import OpenPanel
from tests.browser.lab import Lab
from tests.browser.looks import faults
from tests.browser.scripts import call, say, tool_results
from tests.moonshot.process import MoonshotProcess

LONG = "\n".join(f"echo this is line number {number} of a long script" for number in range(40))


def test_long_command_is_approved_only_after_its_end_was_in_sight(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    seen = len(api.bodies())
    api.set_script([call("execute_command", command=LONG), say("All ran.")])
    panel = open_panel(lab)
    panel.ask("Run them")
    panel.wait_text("Scroll to the end of the command to approve it.")
    expect(panel.card.get_by_role("button", name="Reject", exact=True)).to_be_enabled()
    for name in ("Approve", "Approve for this task"):
        expect(panel.card.get_by_role("button", name=name, exact=True)).to_be_disabled()
    assert faults(panel, "command-long") == []

    command = panel.card.get_by_label("Command")
    command.focus()
    panel.page.keyboard.press("End")
    panel.page.keyboard.press("Control+End")
    panel.approve()
    panel.wait_text("All ran.")

    (told,) = tool_results(api.bodies()[seen + 1])
    assert "line number 39" in told


def test_pattern_that_is_remembered_lets_no_other_command_through(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([call("execute_command", command="echo a.b"), say("Once.")])
    panel = open_panel(lab)
    panel.ask("Run it")
    expect(panel.card).to_be_visible()
    assert faults(panel, "command") == []
    panel.answer("Approve & remember")
    panel.wait_text("Once.")
    expect(panel.tool.last).to_contain_text("approved and remembered")
    assert r"^echo\ a\.b$" in (lab.setting("kimi.autoApprove.commands") or [])

    api.set_script([call("execute_command", command="echo aXb"), say("Never said.")])
    panel.ask("Another one")

    expect(panel.card).to_contain_text("echo aXb")
    panel.reject()
    panel.wait_idle()


def test_failed_command_shows_its_exit_code_and_unfolds_to_its_output(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([call("execute_command", command="echo to-the-end; exit 3"), say("It failed.")])
    panel = open_panel(lab)
    panel.ask("Run it")
    panel.approve()
    panel.wait_text("It failed.")

    expect(panel.tool).to_contain_text("exit code 3")
    panel.tool.get_by_role("button").first.click()
    expect(panel.tool.get_by_label("Output")).to_contain_text("to-the-end")
    assert faults(panel, "command-failed") == []


_CONTRAST = """button => {
  const light = color => {
    const [r, g, b] = color.match(/[0-9.]+/g).map(Number).map(value => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const style = getComputedStyle(button);
  const [low, high] = [light(style.color), light(style.backgroundColor)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}"""


def test_approve_can_be_read_while_the_pointer_is_on_it(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([call("execute_command", command="true"), say("Done.")])
    panel = open_panel(lab)
    panel.ask("Run it")
    button = panel.card.get_by_role("button", name="Approve", exact=True)
    expect(button).to_be_enabled()
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        panel.set_theme(theme)
        expect(panel.page.locator("#jupyterlab-splash")).to_have_count(0)
        button.hover()
        assert button.evaluate(_CONTRAST) >= 4.5, theme
    panel.set_theme("JupyterLab Light")
    panel.reject()
