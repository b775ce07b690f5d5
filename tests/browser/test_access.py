"""The panel can be used by everybody, and approves for nobody but a person."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import OpenPanel
from tests.browser.lab import Lab
from tests.browser.looks import violations
from tests.browser.scripts import call, say
from tests.moonshot.process import MoonshotProcess


def test_axe_finds_nothing_in_a_conversation_with_an_open_card(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script(
        [say("# One\n\n```python\nx = 1\n```"), call("write_file", path="a.txt", content="x")]
    )
    panel = open_panel(lab)
    panel.ask("Hello")
    panel.wait_idle()
    panel.ask("Write")
    expect(panel.card).to_be_visible()

    assert violations(panel) == []
    panel.set_theme("JupyterLab Dark")
    assert violations(panel) == []
    panel.stop.click()


def test_axe_finds_nothing_in_the_history(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([say("For the list.")])
    panel = open_panel(lab)
    panel.ask("An entry of the history")
    panel.wait_idle()
    panel.button("History").click()
    expect(panel.root.get_by_text("An entry of the history").first).to_be_visible()

    assert violations(panel) == []


def test_click_of_a_script_approves_nothing_and_the_persons_click_does(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([call("write_file", path="scripted.txt", content="x\n"), say("By hand.")])
    panel = open_panel(lab)
    panel.ask("Write scripted.txt")
    approve = panel.card.get_by_role("button", name="Approve", exact=True)
    expect(approve).to_be_visible()

    approve.evaluate(
        "button => { button.click(); button.dispatchEvent(new MouseEvent('click', {bubbles: true})); }"
    )
    approve.evaluate(
        "button => { button.focus(); for (const type of ['keydown', 'keyup'])"
        " button.dispatchEvent(new KeyboardEvent(type, {key: 'Enter', bubbles: true})); }"
    )
    panel.page.wait_for_timeout(500)
    expect(panel.card).to_be_visible()
    assert not (lab.root / "scripted.txt").exists()

    panel.approve()
    panel.wait_text("By hand.")
    assert (lab.root / "scripted.txt").exists()


def test_card_can_be_answered_with_the_keyboard_alone(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([call("write_file", path="keys.txt", content="x\n"), say("By keys.")])
    panel = open_panel(lab)
    panel.ask("Write keys.txt")
    approve = panel.card.get_by_role("button", name="Approve", exact=True)
    expect(approve).to_be_enabled()

    approve.focus()
    panel.page.keyboard.press("Enter")

    panel.wait_text("By keys.")
    expect(panel.input).to_be_focused()
    assert (lab.root / "keys.txt").exists()


def test_no_command_of_the_palette_approves(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([call("write_file", path="palette.txt", content="x\n")])
    panel = open_panel(lab)
    panel.ask("Write palette.txt")
    expect(panel.card).to_be_visible()

    commands = panel.page.evaluate(
        "() => window.jupyterapp.commands.listCommands().filter(id => /kimi/i.test(id))"
    )

    assert commands
    assert [id for id in commands if "approve" in id.lower() or "answer" in id.lower()] == []
    panel.stop.click()
    panel.wait_idle()
