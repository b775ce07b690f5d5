"""Kimi where people are: a tab of the main area, the launcher, the menus of files and cells, code blocks."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPanel, shoot, wait_kernel
from tests.browser.lab import Lab
from tests.browser.notebook import write_notebook
from tests.browser.panel import Panel
from tests.browser.scripts import say
from tests.moonshot.process import MoonshotProcess

CODE = "Here:\n\n```python\nvalue = 41 + 1\n```\n"


class Tab(Panel):
    """The same chat in the main area."""

    def __init__(self, page: Page) -> None:
        super().__init__(page, id="kimi-jupyter-tab")


def run_command(page: Page, id: str) -> None:
    page.evaluate("id => void window.jupyterapp.commands.execute(id)", id)


def open_notebook(page: Page, name: str) -> None:
    page.evaluate(
        "name => { void window.jupyterapp.commands.execute('docmanager:open', { path: name }); }",
        name,
    )
    wait_kernel(page)
    page.locator(".jp-NotebookPanel .jp-Cell").first.click()


def sources(page: Page) -> list[str]:
    """The cells of the notebook in front."""
    return page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells"
        ".map(cell => cell.getSource())"
    )


def test_the_chat_in_a_tab_shows_what_the_sidebar_shows_and_drives_the_same_task(
    lab: Lab, open_panel: OpenPanel, api: MoonshotProcess
) -> None:
    panel = open_panel(lab)
    run_command(panel.page, "kimi-jupyter:open-tab")
    tab = Tab(panel.page)
    expect(tab.input).to_be_visible()
    tab.input.fill("half a thought")
    expect(panel.input).to_have_value("half a thought")
    api.set_script([say("Both show it.")])
    tab.ask("in the tab")
    expect(tab.reply).to_contain_text("Both show it.")
    expect(panel.reply).to_contain_text("Both show it.")
    shoot(panel.page, "tab-light")
    panel.set_theme("JupyterLab Dark")
    shoot(panel.page, "tab-dark")
    panel.set_theme("JupyterLab Light")


def test_the_launcher_has_a_card_that_opens_the_chat(lab: Lab, open_panel: OpenPanel) -> None:
    panel = open_panel(lab)
    panel.page.locator('.jp-LauncherCard[title*="Chat with Kimi"]').click()
    expect(Tab(panel.page).input).to_be_visible()


def test_code_of_a_reply_becomes_a_cell_that_undo_takes_back(
    lab: Lab, open_panel: OpenPanel, api: MoonshotProcess
) -> None:
    write_notebook(lab.root / "insert.ipynb", "a = 1", "b = 2")
    panel = open_panel(lab)
    open_notebook(panel.page, "insert.ipynb")
    panel.show()
    api.set_script([say(CODE)])
    panel.ask("how?")
    panel.wait_idle()
    panel.button("Insert as cell").click()
    assert sources(panel.page) == ["a = 1", "value = 41 + 1", "b = 2"]
    panel.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.undo()"
    )
    assert sources(panel.page) == ["a = 1", "b = 2"]
    panel.page.locator(".jp-NotebookPanel .jp-Cell").nth(1).click()
    panel.button("Replace cell").click()
    assert sources(panel.page) == ["a = 1", "value = 41 + 1"]
    shoot(panel.page, "code-actions")
    on_disk = json.loads((lab.root / "insert.ipynb").read_text())
    assert len(on_disk["cells"]) == 2, "the notebook is the user's to save"


def test_a_cell_goes_with_a_message_that_its_menu_prepares_and_the_user_sends(
    lab: Lab, open_panel: OpenPanel, api: MoonshotProcess
) -> None:
    write_notebook(lab.root / "menu.ipynb", "total = price * count")
    panel = open_panel(lab)
    open_notebook(panel.page, "menu.ipynb")
    seen = len(api.bodies())
    panel.page.locator(".jp-NotebookPanel .jp-Cell").first.click(button="right")
    panel.page.locator(".lm-Menu-item", has_text="Kimi: Explain This Cell").click()
    expect(panel.root.get_by_label("Attached to the next message")).to_contain_text(
        "menu.ipynb cell 1"
    )
    expect(panel.input).to_have_value("Explain what this cell does, step by step.")
    assert len(api.bodies()) == seen, "nothing is sent before the user sends it"
    shoot(panel.page, "cell-menu")
    api.set_script([say("It multiplies.")])
    panel.input.press("Enter")
    expect(panel.reply).to_contain_text("It multiplies.")
    assert "total = price * count" in str(api.bodies()[-1]["messages"][-1]["content"])


def test_a_file_of_the_file_browser_is_attached_from_its_menu(
    lab: Lab, open_panel: OpenPanel
) -> None:
    (lab.root / "readings.csv").write_text("t,v\n")
    panel = open_panel(lab)
    run_command(panel.page, "filebrowser:activate")
    run_command(panel.page, "filebrowser:refresh")
    panel.page.locator(".jp-DirListing-item", has_text="readings.csv").click(button="right")
    panel.page.locator(".lm-Menu-item", has_text="Attach to Kimi").click()
    expect(panel.root.get_by_label("Attached to the next message")).to_contain_text("readings.csv")
    expect(panel.input).to_be_focused()
