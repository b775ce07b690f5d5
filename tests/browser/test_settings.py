"""The settings in the panel, which are JupyterLab's own, and the choice of the model."""

from __future__ import annotations

import re
import time
from pathlib import Path

import json5
from playwright.sync_api import expect

from tests.browser.conftest import OpenPanel, running, shoot, with_key
from tests.browser.lab import Lab
from tests.browser.scripts import say
from tests.moonshot.process import MoonshotProcess


def stored(lab: Lab) -> dict[str, object]:
    """The settings file as it is on disk."""
    files = list(lab.settings.rglob("settings.jupyterlab-settings"))
    return json5.loads(files[0].read_text(encoding="utf-8")) if files else {}


def wait_stored(lab: Lab, wanted: dict[str, object], seconds: float = 10) -> None:
    """Until the file holds these values."""
    end = time.monotonic() + seconds
    while stored(lab) != wanted and time.monotonic() < end:
        time.sleep(0.05)
    assert stored(lab) == wanted


def test_a_setting_changed_in_the_panel_is_in_the_file_that_the_server_reads(
    api: MoonshotProcess, open_panel: OpenPanel, tmp_path: Path
) -> None:
    with running(tmp_path, with_key(api)) as lab:
        panel = open_panel(lab)
        panel.button("Settings").click()
        page = panel.root.get_by_test_id("kimi-settings")
        shoot(panel.page, "settings-light")
        limit = page.get_by_label("Turn limit", exact=True)
        expect(limit).to_have_value("25")
        limit.fill("7")
        limit.press("Enter")
        page.get_by_label("Auto-approve reads").uncheck()
        expect(page.get_by_role("button", name="Reset Turn limit")).to_be_visible()
        expect(page.get_by_role("button", name="Reset Auto-approve reads")).to_be_visible()
        wait_stored(lab, {"kimi.maxTurns": 7, "kimi.autoApprove.read": False})
        limit.fill("many")
        limit.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("Give a number of at least 1")
        assert stored(lab)["kimi.maxTurns"] == 7
        page.get_by_role("button", name="Reset Turn limit").click()
        expect(limit).to_have_value("25")
        panel.set_theme("JupyterLab Dark")
        shoot(panel.page, "settings-dark")


def test_the_key_is_never_shown_again_only_that_it_is_set(lab: Lab, open_panel: OpenPanel) -> None:
    panel = open_panel(lab)
    panel.button("Settings").click()
    page = panel.root.get_by_test_id("kimi-settings")
    expect(page).to_contain_text("Set, by `MOONSHOT_API_KEY` in the environment.")
    assert "sk-" not in page.inner_html()


def test_the_model_is_chosen_from_a_list_with_context_and_price_and_answers_the_next_message(
    lab: Lab, open_panel: OpenPanel, api: MoonshotProcess
) -> None:
    panel = open_panel(lab)
    panel.button("kimi-k2.6").click()
    rows = panel.root.get_by_role("option")
    expect(rows.filter(has_text="K3")).to_contain_text(
        re.compile(r"context · sees images · \$3 in")
    )
    shoot(panel.page, "models")
    rows.filter(has_text="K3").click()
    expect(panel.button("kimi-k3")).to_be_visible()
    api.set_script([say("From K3."), say("From K2.6.")])
    panel.ask("who are you?")
    expect(panel.reply).to_contain_text("From K3.")
    assert api.bodies()[-1]["model"] == "kimi-k3"
    panel.button("kimi-k3").click()
    panel.root.get_by_role("option").filter(has_text="K2.6").click()
    expect(panel.button("kimi-k2.6")).to_be_visible()
    panel.ask("and now?")
    expect(panel.reply).to_contain_text("From K2.6.")
    assert api.bodies()[-1]["model"] == "kimi-k2.6"
