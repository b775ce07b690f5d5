"""What goes wrong is said in words, with what to do; nothing hangs and the conversation goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import KEY, OpenPanel, running, shoot
from tests.browser.lab import Lab, free_port
from tests.browser.scripts import call, say, tool_results
from tests.moonshot.process import MoonshotProcess


def test_wrong_key_gets_the_words_of_the_api_and_what_to_do(
    api: MoonshotProcess, open_panel: OpenPanel, tmp_path: Path
) -> None:
    wrong = {"MOONSHOT_API_KEY": "sk-" + "wrong", "MOONSHOT_BASE_URL": api.url}
    with running(tmp_path, wrong) as lab:
        panel = open_panel(lab)
        panel.ask("Hello")
        panel.wait_text("Invalid Authentication")
        panel.wait_idle()
        expect(panel.root).to_contain_text("key")
        shoot(panel.page, "wrong-key")
        assert "sk-" + "wrong" not in panel.root.inner_text()


def test_unreachable_api_is_named_and_can_be_stopped(open_panel: OpenPanel, tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}/v1"
    with running(tmp_path, {"MOONSHOT_API_KEY": KEY, "MOONSHOT_BASE_URL": nowhere}) as lab:
        panel = open_panel(lab)
        panel.ask("Hello")
        panel.wait_text(nowhere.removesuffix("/v1").removeprefix("http://"))
        shoot(panel.page, "unreachable")
        if panel.stop.count():
            panel.stop.click()
        panel.wait_idle()


def test_rate_limit_shows_a_countdown_and_the_reply_comes(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    api.set_script([{"failure": "rate_limited"}, say("After the wait.")])
    panel = open_panel(lab)
    panel.ask("Hello")

    panel.wait_text("max RPM: 3")
    shoot(panel.page, "countdown")
    panel.wait_text("After the wait.", seconds=20)


@pytest.mark.parametrize(
    ("failure", "words"),
    [("no_money", "insufficient balance"), ("daily_limit", "TPD rate limit")],
)
def test_limit_that_waiting_does_not_cure_ends_the_turn_in_the_words_of_the_api(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel, failure: str, words: str
) -> None:
    api.set_script([{"failure": failure}, say("Better now.")])
    panel = open_panel(lab)
    panel.ask("Hello")
    panel.wait_text(words)
    panel.wait_idle()

    panel.ask("Again")
    panel.wait_text("Better now.")


def test_stream_that_breaks_is_tried_again_and_shown_once(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    broken = {**say("This will break in the middle."), "fault": "cut", "fault_after": 5}
    api.set_script([broken, say("This is whole.")])
    panel = open_panel(lab)
    panel.ask("Hello")
    panel.wait_text("This is whole.", seconds=20)
    panel.wait_idle()

    expect(panel.root).not_to_contain_text("This will")


def test_bad_calls_are_answered_in_words_and_the_turn_goes_on(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    malformed = {
        "content": "",
        "reasoning": "",
        "tool_calls": [{"name": "read_file", "arguments": "{oops"}],
    }
    seen = len(api.bodies())
    api.set_script(
        [
            malformed,
            call("make_coffee", cups=1),
            call("read_file", path="../../etc/passwd"),
            say("I gave up."),
        ]
    )
    panel = open_panel(lab)
    panel.ask("Do your worst")
    panel.wait_text("I gave up.")

    results = tool_results(api.bodies()[seen + 3])
    assert len(results) == 3
    assert "JSON" in results[0]
    assert "make_coffee" in results[1]
    assert "read_file" in results[1], "it names the tools that there are"
    assert "workspace" in results[2]
    assert "root:" not in results[2]


def test_file_that_changed_after_the_card_is_not_overwritten_and_gives_a_new_card(
    lab: Lab, api: MoonshotProcess, open_panel: OpenPanel
) -> None:
    file = lab.root / "moving.txt"
    file.write_text("one\n", encoding="utf-8")
    api.set_script([call("write_file", path="moving.txt", content="model\n"), say("Now it is.")])
    panel = open_panel(lab)
    panel.ask("Write moving.txt")
    expect(panel.card).to_contain_text("(+1 −1)")
    file.write_text("mine\nand more\n", encoding="utf-8")

    panel.approve()
    expect(panel.card).to_contain_text("(+1 −2)")
    assert file.read_text(encoding="utf-8") == "mine\nand more\n"
    shoot(panel.page, "changed-file")
    panel.approve()
    panel.wait_text("Now it is.")

    assert file.read_text(encoding="utf-8") == "model\n"
