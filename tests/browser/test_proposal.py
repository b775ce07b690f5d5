"""A proposal that the user changes: single hunks, an edit, a comment; the file and the model know exactly that."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import OpenPanel
from tests.browser.lab import Lab
from tests.browser.looks import faults
from tests.browser.scripts import call, say, tool_results
from tests.moonshot.process import MoonshotProcess

LINES = [f"line {number}\n" for number in range(1, 31)]
BEFORE = "".join(LINES)
FIRST = BEFORE.replace("line 2\n", "line two\n")
BOTH = FIRST.replace("line 28\n", "line twenty-eight\n")


def test_only_the_approved_hunk_is_in_the_file_and_the_model_is_told(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    file = lab.root / "hunks.txt"
    file.write_bytes(BEFORE.encode())
    seen = len(api.bodies())
    api.set_script([call("write_file", path="hunks.txt", content=BOTH), say("One of two.")])
    panel = open_panel(lab)
    panel.ask("Spell the numbers")
    expect(panel.card.get_by_role("checkbox")).to_have_count(2)
    panel.card.get_by_role("button", name="View diff").click()

    panel.card.get_by_role("checkbox").nth(1).uncheck()
    expect(panel.card.get_by_role("button", name="Approve 1 of 2")).to_be_enabled()
    expect(panel.card.get_by_role("button", name="Approve for this task")).to_have_count(0)
    assert faults(panel, "hunks") == []
    panel.answer("Approve 1 of 2")
    panel.wait_text("One of two.")

    assert file.read_bytes() == FIRST.encode()
    (told,) = tool_results(api.bodies()[seen + 1])
    assert "approved only 1 of the 2 changes (number 1)" in told
    assert "twenty-eight" not in told


def test_no_hunk_at_all_can_only_be_rejected(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    (lab.root / "none.txt").write_bytes(BEFORE.encode())
    api.set_script([call("write_file", path="none.txt", content=BOTH)])
    panel = open_panel(lab)
    panel.ask("Spell the numbers")

    expect(panel.card.get_by_role("checkbox")).to_have_count(2)
    for box in panel.card.get_by_role("checkbox").all():
        box.uncheck()

    expect(panel.card.get_by_role("button", name="Reject", exact=True)).to_be_enabled()
    expect(panel.card.get_by_role("button", name="Approve 0 of 2")).to_be_disabled()
    panel.reject()
    panel.wait_idle()
    assert (lab.root / "none.txt").read_bytes() == BEFORE.encode()


def test_edit_before_approval_is_what_is_written_and_the_model_is_told(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    file = lab.root / "edited.txt"
    seen = len(api.bodies())
    api.set_script([call("write_file", path="edited.txt", content="theirs\n"), say("Yours.")])
    panel = open_panel(lab)
    panel.ask("Write it")

    panel.card.get_by_role("button", name="Edit before approving").click()
    editor = panel.card.get_by_label("Edited proposal")
    expect(editor).to_be_focused()
    expect(editor).to_have_value("theirs\n")
    editor.fill("mine: ünïcode\n")
    assert faults(panel, "edit") == []
    panel.answer("Approve my edit")
    panel.wait_text("Yours.")

    assert file.read_bytes() == "mine: ünïcode\n".encode()
    (told,) = tool_results(api.bodies()[seen + 1])
    assert "The user changed the text before approving it." in told
    assert "+mine: ünïcode" in told


def test_edited_command_is_what_runs(lab: Lab, api: MoonshotProcess, open_panel: OpenPanel) -> None:
    seen = len(api.bodies())
    api.set_script([call("execute_command", command="echo theirs > ran.txt"), say("It ran.")])
    panel = open_panel(lab)
    panel.ask("Run it")

    panel.card.get_by_role("button", name="Edit", exact=True).click()
    panel.card.get_by_label("Edited proposal").fill("echo mine > ran.txt")
    expect(panel.card.get_by_role("button", name="Approve & remember")).to_have_count(0)
    panel.answer("Approve my edit")
    panel.wait_text("It ran.")

    assert (lab.root / "ran.txt").read_text() == "mine\n"
    (told,) = tool_results(api.bodies()[seen + 1])
    assert "what ran is: echo mine > ran.txt" in told


def test_rejection_with_a_comment_goes_on_with_the_users_words(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    seen = len(api.bodies())
    api.set_script([call("write_file", path="no.txt", content="x\n"), say("Then otherwise.")])
    panel = open_panel(lab)
    panel.ask("Write it")

    panel.card.get_by_role("button", name="Reject with a comment").click()
    comment = panel.card.get_by_label("What to do instead")
    expect(comment).to_be_focused()
    comment.fill("Put it into notes.md instead")
    expect(panel.card.get_by_role("button", name=re.compile("^Approve"))).to_have_count(0)
    assert faults(panel, "comment") == []
    panel.answer("Reject")
    panel.wait_text("Then otherwise.")

    assert not (lab.root / "no.txt").exists()
    (told,) = tool_results(api.bodies()[seen + 1])
    assert "The user says: Put it into notes.md instead" in told
    expect(panel.tool).to_contain_text("Put it into notes.md instead")
    assert faults(panel, "rejected-with-comment") == []


def test_focus_goes_through_the_card_from_top_to_bottom_and_can_be_seen(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    (lab.root / "focus.txt").write_bytes(BEFORE.encode())
    api.set_script([call("write_file", path="focus.txt", content=BOTH)])
    panel = open_panel(lab)
    panel.ask("Spell the numbers")
    expect(panel.card.get_by_role("button", name="Approve", exact=True)).to_be_enabled()

    panel.card.get_by_role("button", name="View diff").focus()
    names: list[str] = []
    for _ in range(8):
        names.append(
            panel.page.evaluate(
                """() => {
                  const at = document.activeElement;
                  const width = parseFloat(getComputedStyle(at).outlineWidth);
                  const words = at.innerText || at.closest('label')?.innerText || at.tagName;
                  return `${words.trim()}${width >= 2 ? '' : ' UNSEEN'}`;
                }"""
            )
        )
        panel.page.keyboard.press("Tab")

    assert names == [
        "View diff",
        "Line 2 (+1 −1)",
        "Line 28 (+1 −1)",
        "Edit before approving",
        "Approve",
        "Reject",
        "Approve for this task",
        "Reject with a comment",
    ]
    panel.stop.click()
    panel.wait_idle()
