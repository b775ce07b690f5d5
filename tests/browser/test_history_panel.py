"""What the history panel does with a task beside opening it: fork, export, rename, delete, search."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import OpenPanel, running, with_key
from tests.browser.lab import Lab
from tests.browser.looks import faults
from tests.browser.panel import Panel
from tests.browser.scripts import say
from tests.moonshot.process import MoonshotProcess


def talk(panel: Panel, api: MoonshotProcess, title: str, reply: str) -> None:
    api.set_script([say(reply)])
    panel.ask(title)
    panel.wait_text(reply)
    panel.wait_idle()


def test_fork_is_a_task_of_its_own_that_the_original_knows_nothing_of(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    panel = open_panel(lab)
    talk(panel, api, "Fork me gently", "I am the original.")
    panel.button("History").click()
    panel.button("Fork “Fork me gently”").click()
    panel.wait_text("I am the original.")
    expect(panel.input).to_be_visible()

    seen = len(api.bodies())
    talk(panel, api, "Only in the copy", "I am the copy.")
    assert "I am the original." in str(api.bodies()[seen]["messages"])

    tasks = lab.get("kimi/tasks?query=Fork me gently".replace(" ", "%20"))["tasks"]
    assert isinstance(tasks, list)
    assert len(tasks) == 2
    panel.open_from_history("Fork me gently")
    expect(panel.messages.first).to_contain_text("Fork me gently")


def test_export_gives_the_conversation_as_markdown(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    panel = open_panel(lab)
    api.set_script([say("Some **bold** words.")])
    panel.ask("Export me")
    panel.wait_idle()
    panel.button("History").click()

    with panel.page.expect_download() as started:
        panel.root.get_by_role("link", name="Export “Export me” as Markdown").click()

    text = Path(started.value.path()).read_text(encoding="utf-8")
    assert started.value.suggested_filename.endswith(".md")
    assert "Export me" in text
    assert "Some **bold** words." in text


def test_empty_history_says_what_will_be_there_and_a_search_without_hits_says_so(
    api: MoonshotProcess, open_panel: OpenPanel, tmp_path: Path
) -> None:
    with running(tmp_path, with_key(api)) as lab:
        panel = open_panel(lab)
        panel.button("History").click()
        panel.wait_text("No tasks yet.")
        assert faults(panel, "history-empty") == []

        panel.button("History").click()
        talk(
            panel, api, "A first task with a rather long title that does not fit into a line", "A."
        )
        panel.button("New task").click()
        talk(panel, api, "A second one", "B.")
        panel.button("History").click()
        expect(panel.root.locator(".jp-Kimi-task")).to_have_count(2)
        assert faults(panel, "history") == []

        panel.root.get_by_label("Search all tasks").fill("nowhere")
        panel.wait_text("Nothing found.")


def test_deleted_task_leaves_list_and_disk_and_renaming_keeps_its_conversation(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    panel = open_panel(lab)
    talk(panel, api, "Keep under a name", "Kept.")
    panel.button("History").click()
    panel.button("Rename “Keep under a name”").click()
    dialog = panel.page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("My own name")
    dialog.get_by_role("button", name="Rename").click()
    panel.root.locator(".jp-Kimi-task").filter(has_text="My own name").click()
    panel.wait_text("Kept.")

    panel.button("History").click()
    panel.button("Delete “My own name”").click()
    panel.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(panel.button("Delete “My own name”")).to_have_count(0)
    assert not [log for log in lab.data.rglob("*.jsonl") if "Keep under a name" in log.read_text()]
