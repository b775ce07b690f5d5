"""Stop, a reloaded page, a closed tab, two tabs: nothing goes on that should not, nothing is lost or doubled."""

from __future__ import annotations

import time
from pathlib import Path

from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import OpenPanel, shoot, wait_ready
from tests.browser.lab import Lab
from tests.browser.scripts import call, say
from tests.moonshot.process import MoonshotProcess

WORDS = " ".join(f"word{number}" for number in range(1, 161))


def commands_with(mark: str) -> list[str]:
    """Command lines of all processes of this machine that name the mark."""
    found: list[str] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if mark in line:
            found.append(line)
    return found


def until(condition: object, what: str, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_stop_ends_a_running_command_with_all_its_children(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    mark = "31415.92"
    script = f"setsid sleep {mark} & (sleep {mark} &) ; echo started; sleep {mark}"
    api.set_script([call("execute_command", command=script), say("Never said.")])
    panel = open_panel(lab)
    panel.ask("Run it")
    panel.approve()
    until(lambda: len(commands_with(f"sleep {mark}")) >= 3, "the command never ran")
    expect(panel.root).to_contain_text("started")
    shoot(panel.page, "running")

    panel.stop.click()

    panel.wait_idle()
    until(lambda: not commands_with(mark), "processes are left")
    expect(panel.root).not_to_contain_text("Never said.")


def test_stop_keeps_what_has_streamed_and_the_conversation_goes_on(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([say(WORDS, per_second=20), say("Here I am.")])
    panel = open_panel(lab)
    panel.ask("Count")
    panel.wait_text("word5 ")

    panel.stop.click()
    panel.wait_idle()
    kept = panel.reply.inner_text()
    assert kept.startswith("word1 word2")
    assert "word160" not in kept

    panel.ask("Still there?")
    panel.wait_text("Here I am.")


def test_reload_in_the_middle_of_a_reply_loses_and_doubles_nothing(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([say(WORDS, per_second=40)])
    panel = open_panel(lab)
    panel.ask("Count")
    panel.wait_text("word9 ")

    panel.page.reload()
    wait_ready(panel.page)
    panel.show()
    panel.wait_text("word160")
    panel.wait_idle()

    assert panel.reply.inner_text().split() == WORDS.split()
    assert panel.messages.count() == 1


def test_turn_goes_on_without_a_tab_and_is_whole_in_the_next_one(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([say(WORDS, per_second=60)])
    first = open_panel(lab)
    first.ask("Count without me")
    first.wait_text("word9 ")
    first.page.close()

    second = open_panel(lab)
    second.open_from_history("Count without me")
    second.wait_text("word160")
    second.wait_idle()

    assert second.reply.inner_text().split() == WORDS.split()


def test_open_approval_survives_a_reload_and_is_answered_in_another_tab(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([call("write_file", path="shared.txt", content="both\n"), say("Written.")])
    first = open_panel(lab)
    first.ask("Write shared.txt for both tabs")
    expect(first.card).to_be_visible()

    first.page.reload()
    wait_ready(first.page)
    first.show()
    expect(first.card).to_contain_text("Write file shared.txt (+1 −0)")

    second = open_panel(lab)
    second.open_from_history("Write shared.txt for both tabs")
    expect(second.card).to_contain_text("Write file shared.txt (+1 −0)")
    second.approve()

    expect(first.card).to_have_count(0)
    first.wait_text("Written.")
    second.wait_text("Written.")
    assert (lab.root / "shared.txt").read_text(encoding="utf-8") == "both\n"
    shoot(first.page, "answered-elsewhere")


def test_reopened_browser_shows_an_approval_that_waited(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel, context: BrowserContext
) -> None:
    api.set_script([call("write_file", path="waited.txt", content="yes\n"), say("At last.")])
    first = open_panel(lab)
    first.ask("Write waited.txt while I am away")
    expect(first.card).to_be_visible()
    for page in context.pages:
        page.close()

    second = open_panel(lab)
    second.open_from_history("Write waited.txt while I am away")
    second.approve()

    second.wait_text("At last.")
    assert (lab.root / "waited.txt").exists()
