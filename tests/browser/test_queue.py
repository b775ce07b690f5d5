"""Messages that are typed while a turn runs, and the plan that it follows."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from tests.browser.conftest import OpenPanel
from tests.browser.lab import Lab
from tests.browser.looks import faults
from tests.browser.scripts import call, say
from tests.moonshot.process import MoonshotProcess

PLAN = [
    {"text": "Read the notebook and its data", "status": "done"},
    {"text": "Rewrite the cell that loads a month", "status": "active"},
    {"text": "Run all cells and compare the totals with those of May", "status": "open"},
]


def test_message_of_a_running_turn_waits_and_joins_it_with_the_next_step(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    seen = len(api.bodies())
    api.set_script([call("write_file", path="queue.txt", content="x\n"), say("German it is.")])
    panel = open_panel(lab)
    panel.ask("Write it")
    expect(panel.card).to_be_visible()

    panel.queue("And in German, please")
    expect(panel.input).to_have_value("")
    expect(panel.messages).to_have_count(1)
    assert faults(panel, "queued") == []
    panel.approve()
    panel.wait_text("German it is.")

    assert panel.queued.count() == 0
    expect(panel.messages).to_have_count(2)
    expect(panel.messages.last).to_contain_text("And in German, please")
    messages = api.bodies()[seen + 1]["messages"]
    assert messages[-1]["role"] == "user"
    assert "And in German, please" in str(messages[-1]["content"])
    assert len(api.bodies()) == seen + 2
    assert faults(panel, "joined") == []


def test_queued_message_that_is_taken_back_is_in_the_input_and_never_sent(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    seen = len(api.bodies())
    api.set_script([call("write_file", path="back.txt", content="x\n"), say("Done alone.")])
    panel = open_panel(lab)
    panel.ask("Write it")
    expect(panel.card).to_be_visible()
    panel.queue("First thought")
    panel.queue("Second thought")

    panel.queued.first.get_by_role("button", name="Take the message back").click()
    expect(panel.queued).to_have_count(1)
    expect(panel.input).to_have_value("First thought")
    panel.approve()
    panel.wait_text("Done alone.")

    sent = json.dumps(api.bodies()[seen + 1]["messages"])
    assert "Second thought" in sent
    assert "First thought" not in sent


def test_queued_message_comes_back_into_the_input_when_the_turn_is_stopped(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([call("write_file", path="stop.txt", content="x\n")])
    panel = open_panel(lab)
    panel.ask("Write it")
    expect(panel.card).to_be_visible()
    panel.queue("Not lost")

    panel.stop.click()
    panel.wait_idle()

    expect(panel.input).to_have_value("Not lost")
    expect(panel.queued).to_have_count(0)


def test_plan_stands_above_the_input_and_unfolds_to_its_lines(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([call("todo", items=PLAN), say("I go on.")])
    panel = open_panel(lab)
    panel.ask("Do it all")
    panel.wait_text("I go on.")

    expect(panel.plan.locator("summary")).to_contain_text("1 of 3 done")
    expect(panel.plan.locator("summary")).to_contain_text("Rewrite the cell that loads a month")
    expect(panel.plan.get_by_role("listitem").first).to_be_hidden()
    panel.plan.locator("summary").click()
    lines = panel.plan.get_by_role("listitem")
    expect(lines).to_have_count(3)
    expect(lines.nth(1)).to_have_attribute("data-status", "active")
    expect(lines.nth(0).get_by_role("img", name="done")).to_be_visible()
    assert faults(panel, "plan") == []

    api.set_script([call("todo", items=[]), say("All done.")])
    panel.ask("Finish")
    panel.wait_text("All done.")
    expect(panel.plan).to_have_count(0)
