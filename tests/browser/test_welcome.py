"""The first open, without a key: the welcome panel, the offline demo, and the key that replaces both."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import expect

import kimi_jupyter
from tests.browser.conftest import KEY, OpenPanel, running, shoot
from tests.browser.scripts import say
from tests.moonshot.process import MoonshotProcess

SAMPLE = Path(kimi_jupyter.__file__).parent / "demo" / "workspace"


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".ipynb_checkpoints" not in path.parts
    }


def test_without_a_key_the_offline_demo_reads_asks_and_writes_what_was_approved(
    open_panel: OpenPanel, tmp_path: Path
) -> None:
    with running(tmp_path, {"KIMI_JUPYTER_OFFLINE": "1"}) as lab:
        shutil.copytree(SAMPLE, lab.root, dirs_exist_ok=True)
        before = bytes_of(lab.root)
        panel = open_panel(lab)
        expect(panel.root).to_contain_text("Welcome to Kimi Jupyter")
        shoot(panel.page, "welcome")
        panel.start_offline()
        expect(panel.root).to_contain_text("offline", ignore_case=True)

        approvals = 0
        while approvals < 10:
            panel.wait_card_or_idle()
            if not panel.card.count():
                break
            expect(panel.card).to_be_in_viewport()
            shoot(panel.page, f"demo-card-{approvals + 1}")
            panel.approve()
            approvals += 1
        panel.wait_idle()
        shoot(panel.page, "demo-end")

        after = bytes_of(lab.root)
        assert approvals >= 2, "an edit and a command"
        assert {name for name in after if after[name] != before.get(name)}, (
            "nothing on disk changed"
        )


def test_key_from_the_welcome_panel_is_used_and_its_place_is_said(
    api: MoonshotProcess, open_panel: OpenPanel, tmp_path: Path
) -> None:
    api.set_script([say("With your key.")])
    with running(tmp_path, {"MOONSHOT_BASE_URL": api.url}) as lab:
        panel = open_panel(lab)
        expect(panel.root).to_contain_text("Welcome to Kimi Jupyter")
        panel.set_key(KEY, name="Ada")
        expect(panel.input).to_be_visible()
        expect(panel.root).to_contain_text("Ada")
        expect(panel.root).to_contain_text("memory")
        shoot(panel.page, "key-set")
        panel.ask("Hello")
        panel.wait_text("With your key.")

        assert api.requests()[-1]["headers"]["authorization"] == f"Bearer {KEY}"
        assert KEY not in panel.page.content()
        for path in (tmp_path / "data", tmp_path / "settings", tmp_path / "config"):
            for name, content in bytes_of(path).items():
                assert KEY.encode() not in content, name
        assert KEY not in lab.log.read_text(encoding="utf-8", errors="replace")


def test_no_key_and_no_demo_says_how_to_set_one(open_panel: OpenPanel, tmp_path: Path) -> None:
    with running(tmp_path, {}) as lab:
        panel = open_panel(lab)

        expect(panel.root).to_contain_text("Welcome to Kimi Jupyter")
        expect(panel.root).to_contain_text("Moonshot")
