"""Retries and limits: what the panel says of them, and the button that goes on or gives up."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import OpenPanel, running, with_key
from tests.browser.lab import Lab
from tests.browser.looks import faults
from tests.browser.scripts import Step, call, say
from tests.moonshot.process import MoonshotProcess


def busy(seconds: int) -> Step:
    """A rate limit that names its wait."""
    return {
        "status": 429,
        "type": "rate_limit_reached_error",
        "message": f"request reached organization max RPM: 3, please try again after {seconds} seconds",
        "headers": {"Retry-After": str(seconds)},
    }


def test_countdown_to_the_next_try_is_shown_and_stop_ends_the_turn_without_it(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    seen = len(api.bodies())
    api.set_script([busy(40), say("Never said.")])
    panel = open_panel(lab)
    panel.ask("Hello")
    retrying = panel.root.get_by_test_id("kimi-retrying")
    expect(retrying).to_contain_text("Trying again in")
    first = retrying.inner_text()
    expect(retrying).not_to_have_text(first)
    assert faults(panel, "retrying") == []

    retrying.get_by_role("button", name="Stop").click()
    panel.wait_idle()

    expect(retrying).to_have_count(0)
    panel.wait_text("Stopped")
    assert len(api.bodies()) == seen + 1


def test_try_that_succeeds_takes_the_countdown_away(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    seen = len(api.bodies())
    api.set_script([busy(1), say("At the second try.")])
    panel = open_panel(lab)

    panel.ask("Hello")
    panel.wait_text("At the second try.")

    expect(panel.root.get_by_test_id("kimi-retrying")).to_have_count(0)
    assert len(api.bodies()) == seen + 2


def test_k10_turn_limit_is_named_and_continue_goes_on_from_there(
    api: MoonshotProcess, open_panel: OpenPanel, tmp_path: Path
) -> None:
    with running(tmp_path, with_key(api), {"kimi.maxTurns": 1}) as lab:
        seen = len(api.bodies())
        api.set_script([call("list_files", path="."), say("Here I go on.")])
        panel = open_panel(lab)
        panel.ask("List them")
        panel.wait_text("Reached the agent turn limit")
        panel.wait_idle()
        assert len(api.bodies()) == seen + 1
        assert faults(panel, "turn-limit") == []

        panel.button("Continue").click()
        panel.wait_text("Here I go on.")

        messages = api.bodies()[seen + 1]["messages"]
        assert messages[-1]["role"] == "user"
        assert "Continue" in str(messages[-1]["content"])
        assert "List them" in str(messages)
        expect(panel.button("Continue")).to_have_count(0)


def test_cost_limit_is_named_with_its_setting(
    api: MoonshotProcess, open_panel: OpenPanel, tmp_path: Path
) -> None:
    with running(tmp_path, with_key(api), {"kimi.maxTaskCost": 0.0001}) as lab:
        seen = len(api.bodies())
        api.set_script([call("list_files", path="."), say("Never said.")])
        panel = open_panel(lab)
        panel.ask("List them")
        panel.wait_text("This task has used about 0.00 USD of 0.0001 USD; the next step may cost")
        assert faults(panel, "cost-question") == []
        panel.answer("Stop")
        panel.wait_text("Reached the task cost limit: about 0.00 USD")
        panel.wait_text("kimi.maxTaskCost")

        assert len(api.bodies()) == seen, "nothing was spent"
        end = panel.root.locator(".jp-Kimi-notice")
        expect(end.get_by_role("button", name="Continue")).to_be_visible()
        assert faults(panel, "cost-limit") == []

        end.get_by_role("button", name="Settings").click()
        field = panel.page.get_by_label("Task cost limit")
        expect(field.or_(panel.page.get_by_text("Task cost limit")).first).to_be_visible()
