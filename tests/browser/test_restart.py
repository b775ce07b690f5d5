"""The server ends, or is killed: the page says so, tasks are in the history and go on."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import OpenPanel, running, shoot, with_key
from tests.browser.scripts import call, say
from tests.moonshot.process import MoonshotProcess


def test_tasks_are_in_the_history_after_a_restart_and_go_on(
    api: MoonshotProcess, open_panel: OpenPanel, tmp_path: Path
) -> None:
    api.set_script([say("The number is 41.", reasoning="I choose 41."), say("Still 41.")])
    with running(tmp_path, with_key(api)) as lab:
        before = open_panel(lab)
        before.ask("Choose a number")
        before.wait_text("The number is 41.")
        before.wait_idle()
        before.page.close()
        lab.stop()
        lab.start()
        seen = len(api.bodies())

        after = open_panel(lab)
        after.open_from_history("Choose a number")
        after.wait_text("The number is 41.")
        shoot(after.page, "history-after-restart")
        after.ask("Which one was it?")
        after.wait_text("Still 41.")

    words = [str(message.get("content")) for message in api.bodies()[seen]["messages"]]
    assert any("The number is 41." in text for text in words)


def test_killed_server_is_said_on_the_page_which_goes_on_by_itself_after_the_restart(
    api: MoonshotProcess, open_panel: OpenPanel, tmp_path: Path
) -> None:
    words = " ".join(f"word{number}" for number in range(1, 400))
    api.set_script([say(words, per_second=20), say("I am back.")])
    with running(tmp_path, with_key(api)) as lab:
        panel = open_panel(lab)
        panel.ask("Count slowly")
        panel.wait_text("word60 ", seconds=30)
        lab.kill()
        panel.wait_text("No connection to the server", seconds=20)
        shoot(panel.page, "connection-lost")

        lab.start()
        expect(panel.button("Continue")).to_be_visible(timeout=40_000)
        expect(panel.root).to_contain_text("Send a message to go on")
        kept = panel.reply.inner_text().split()
        assert kept[:20] == words.split()[:20], "more than the last second is lost"
        panel.ask("Go on")
        panel.wait_text("I am back.", seconds=30)
        shoot(panel.page, "connection-back")


def test_corrupt_last_line_of_a_log_is_said_and_the_task_goes_on(
    api: MoonshotProcess, open_panel: OpenPanel, tmp_path: Path
) -> None:
    api.set_script([say("Whole."), say("On we go.")])
    with running(tmp_path, with_key(api)) as lab:
        before = open_panel(lab)
        before.ask("Break my log")
        before.wait_text("Whole.")
        before.wait_idle()
        before.page.close()
        lab.stop()
        (log,) = (lab.data / "kimi_jupyter").rglob("tasks/*.jsonl")
        with log.open("ab") as end:
            end.write(b'{"type": "turn.started", "text": "torn')
        lab.start()

        after = open_panel(lab)
        after.open_from_history("Break my log")
        after.wait_text("Whole.")
        after.ask("Go on")
        after.wait_text("On we go.")
        shoot(after.page, "torn-log")


def test_deleted_index_is_built_again_from_the_logs(
    api: MoonshotProcess, open_panel: OpenPanel, tmp_path: Path
) -> None:
    api.set_script([say("Kept in the log.")])
    with running(tmp_path, with_key(api)) as lab:
        before = open_panel(lab)
        before.ask("Lose the index")
        before.wait_idle()
        before.page.close()
        lab.stop()
        for index in (lab.data / "kimi_jupyter").rglob("*.sqlite*"):
            index.unlink()
        lab.start()

        after = open_panel(lab)
        after.open_from_history("Lose the index")
        after.wait_text("Kept in the log.")


def test_unanswered_approval_is_cancelled_by_a_restart_and_nothing_was_written(
    api: MoonshotProcess, open_panel: OpenPanel, tmp_path: Path
) -> None:
    api.set_script([call("write_file", path="late.txt", content="x\n"), say("Then not.")])
    with running(tmp_path, with_key(api)) as lab:
        before = open_panel(lab)
        before.ask("Write late.txt")
        expect(before.card).to_be_visible()
        before.page.close()
        lab.kill()
        lab.start()

        after = open_panel(lab)
        after.open_from_history("Write late.txt")
        after.wait_idle()
        assert after.card.count() == 0
        assert not (lab.root / "late.txt").exists()
        after.ask("Never mind")
        after.wait_text("Then not.")
