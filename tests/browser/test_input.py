"""The input: menus, files that go with a message, and what is kept."""

from __future__ import annotations

import base64
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPanel, shoot, wait_ready
from tests.browser.lab import Lab
from tests.browser.panel import Panel
from tests.browser.scripts import say
from tests.moonshot.process import MoonshotProcess


def last_words(api: MoonshotProcess) -> str:
    """What the model was sent as the user's last message."""
    messages = api.bodies()[-1]["messages"]
    content = [message["content"] for message in messages if message["role"] == "user"][-1]
    return content if isinstance(content, str) else str(content)


def choose(panel: Panel, typed: str, name: str) -> None:
    panel.input.press_sequentially(typed)
    expect(panel.root.get_by_role("option", name=name).first).to_be_visible()
    panel.input.press("Tab")


def test_a_file_named_after_an_at_sign_is_picked_with_tab_and_read_when_the_message_goes(
    lab: Lab, open_panel: OpenPanel, api: MoonshotProcess
) -> None:
    folder = lab.root / "src"
    folder.mkdir(exist_ok=True)
    (folder / "pricing rules.py").write_text("RATE = 1\n")
    panel = open_panel(lab)
    choose(panel, "review @prici", "pricing rules.py")
    expect(panel.input).to_have_value('review @"src/pricing rules.py" ')
    (folder / "pricing rules.py").write_text("RATE = 2\n")
    api.set_script([say("It is fine.")])
    panel.input.press("Enter")
    expect(panel.reply).to_contain_text("It is fine.")
    words = last_words(api)
    assert "RATE = 2" in words
    assert "RATE = 1" not in words


def test_the_slash_menu_lists_the_commands_and_runs_one_without_a_request(
    lab: Lab, open_panel: OpenPanel, api: MoonshotProcess
) -> None:
    panel = open_panel(lab)
    before = len(api.bodies())
    panel.input.press_sequentially("/")
    expect(panel.root.get_by_role("option", name="/model")).to_be_visible()
    shoot(panel.page, "slash-menu")
    panel.input.press_sequentially("help")
    panel.input.press("Enter")
    panel.wait_text("Shows all commands")
    assert len(api.bodies()) == before


def test_files_from_this_computer_go_with_one_message_only(
    lab: Lab, open_panel: OpenPanel, api: MoonshotProcess, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("the colour is teal")
    large = tmp_path / "large.bin"
    large.write_bytes(b"x" * (1024 * 1024 + 1))
    panel = open_panel(lab)
    panel.root.get_by_test_id("kimi-upload").set_input_files([notes, large])
    panel.wait_text("large.bin (1.0 MB) is larger than a file may be")
    chips = panel.root.get_by_label("Attached to the next message")
    expect(chips).to_contain_text("notes.txt")
    shoot(panel.page, "chips")
    api.set_script([say("Teal."), say("Nothing.")])
    panel.ask("which colour?")
    expect(panel.reply).to_contain_text("Teal.")
    assert "the colour is teal" in last_words(api)
    expect(chips).to_have_count(0)
    panel.ask("and now?")
    expect(panel.reply).to_contain_text("Nothing.")
    assert "the colour is teal" not in last_words(api)


def test_four_megabytes_of_files_arrive_whole(
    lab: Lab, open_panel: OpenPanel, api: MoonshotProcess, tmp_path: Path
) -> None:
    files: list[Path] = []
    for number in range(4):
        file = tmp_path / f"part{number}.txt"
        file.write_text(f"part {number} " + "é" * (500_000) + f" end {number}")
        files.append(file)
    panel = open_panel(lab)
    panel.input.fill("/model kimi-k3")  # the model whose window holds them
    panel.input.press("Enter")
    panel.wait_text("The model is now kimi-k3.")
    panel.root.get_by_test_id("kimi-upload").set_input_files(files)
    expect(panel.root.get_by_label("Attached to the next message").locator("li")).to_have_count(4)
    api.set_script([say("All four.")])
    panel.ask("read them")
    expect(panel.reply).to_contain_text("All four.", timeout=30_000)
    words = last_words(api)
    assert all(f"end {number}" in words for number in range(4))


def test_a_file_is_picked_from_the_server_and_stays_over_a_reload(
    lab: Lab, open_panel: OpenPanel, api: MoonshotProcess
) -> None:
    (lab.root / "table.csv").write_text("a,b\n1,2\n")
    panel = open_panel(lab)
    panel.button("Attach files").click()
    shoot(panel.page, "attach-menu")
    panel.root.get_by_role("menuitem", name="From this server…").click()
    dialog = panel.page.locator(".jp-Dialog")
    dialog.locator(".jp-DirListing-item", has_text="table.csv").click()
    dialog.get_by_role("button", name="Select").click()
    chips = panel.root.get_by_label("Attached to the next message")
    expect(chips).to_contain_text("table.csv")
    panel.page.reload()
    wait_ready(panel.page)
    panel.show()
    expect(chips).to_contain_text("table.csv")
    api.set_script([say("Two columns.")])
    panel.ask("how many columns?")
    expect(panel.reply).to_contain_text("Two columns.")
    assert "a,b" in last_words(api)


def drop(page: Page, name: str, text: str) -> None:
    """Drop a file of this computer on the input."""
    data = base64.b64encode(text.encode()).decode()
    page.evaluate(
        """([name, data]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([atob(data)], name));
          const target = document.querySelector('.jp-Kimi-composer');
          for (const type of ['dragover', 'drop']) {
            target.dispatchEvent(
              new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true })
            );
          }
        }""",
        [name, data],
    )


def test_a_dropped_file_becomes_a_chip_that_its_cross_removes(
    lab: Lab, open_panel: OpenPanel
) -> None:
    panel = open_panel(lab)
    drop(panel.page, "dropped.txt", "hello")
    chips = panel.root.get_by_label("Attached to the next message")
    expect(chips).to_contain_text("dropped.txt")
    panel.button("Remove dropped.txt").click()
    expect(chips).to_have_count(0)


def test_the_arrow_up_in_an_empty_input_brings_back_the_last_message(
    lab: Lab, open_panel: OpenPanel, api: MoonshotProcess
) -> None:
    panel = open_panel(lab)
    api.set_script([say("One."), say("Two.")])
    panel.ask("first words")
    expect(panel.reply).to_contain_text("One.")
    panel.ask("second words")
    expect(panel.reply).to_contain_text("Two.")
    panel.input.press("ArrowUp")
    expect(panel.input).to_have_value("second words")
    panel.input.press("ArrowUp")
    expect(panel.input).to_have_value("first words")
