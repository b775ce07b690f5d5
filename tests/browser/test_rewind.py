"""Going back to before a message, files included, and undoing that."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from tests.browser.conftest import OpenPanel
from tests.browser.lab import Lab
from tests.browser.looks import faults
from tests.browser.panel import Panel
from tests.browser.scripts import call, say
from tests.moonshot.process import MoonshotProcess

BEFORE = "before\n"
AFTER = "after\n"


def write_and_say(panel: Panel, api: MoonshotProcess, name: str) -> None:
    api.set_script([say("Ready."), call("write_file", path=name, content=AFTER), say("Written.")])
    panel.ask("Get ready")
    panel.wait_idle()
    panel.ask("Write it")
    panel.approve()
    panel.wait_text("Written.")
    panel.wait_idle()


def go_back(panel: Panel, *, leave_files: bool = False) -> None:
    panel.messages.last.hover()
    panel.messages.last.get_by_role("button", name="Go back to before this message").click()
    dialog = panel.page.get_by_role("dialog")
    if leave_files:
        dialog.get_by_label("Leave the files as they are").check()
    dialog.get_by_role("button", name="Go back").click()
    expect(panel.messages).to_have_count(1)


def test_rewind_puts_the_file_back_and_its_undo_brings_all_again(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    file = lab.root / "rewound.txt"
    file.write_bytes(BEFORE.encode())
    panel = open_panel(lab)
    write_and_say(panel, api, "rewound.txt")
    assert file.read_bytes() == AFTER.encode()

    go_back(panel)
    panel.wait_text("Went back; 1 file put back")
    assert file.read_bytes() == BEFORE.encode()
    assert faults(panel, "rewound") == []

    panel.button("Undo").click()
    expect(panel.messages).to_have_count(2)
    panel.wait_text("Written.")
    assert file.read_bytes() == AFTER.encode()


def test_next_request_after_a_rewind_knows_nothing_of_what_was_taken_back(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    panel = open_panel(lab)
    write_and_say(panel, api, "forgotten.txt")
    go_back(panel)
    panel.wait_text("Went back")
    seen = len(api.bodies())

    api.set_script([say("Afresh.")])
    panel.ask("Something else")
    panel.wait_text("Afresh.")

    sent = json.dumps(api.bodies()[seen]["messages"])
    assert "Get ready" in sent
    assert "Write it" not in sent
    assert not (lab.root / "forgotten.txt").exists()
    expect(panel.button("Undo")).to_have_count(0)


def test_rewind_can_leave_the_files_as_they_are(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    panel = open_panel(lab)
    write_and_say(panel, api, "left.txt")

    go_back(panel, leave_files=True)

    panel.wait_text("Went back")
    assert (lab.root / "left.txt").read_bytes() == AFTER.encode()


def test_rewind_leaves_a_file_alone_that_the_user_changed_since_and_says_so(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    file = lab.root / "mine.txt"
    file.write_bytes(BEFORE.encode())
    panel = open_panel(lab)
    write_and_say(panel, api, "mine.txt")
    file.write_bytes(b"by hand\n")

    go_back(panel)

    panel.wait_text("1 left alone because they changed since")
    assert file.read_bytes() == b"by hand\n"
