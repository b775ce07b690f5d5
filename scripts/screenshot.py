"""Take the README's picture, docs/sidebar.png, from the real thing: the offline demo in a real JupyterLab."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.demo import copy_sample  # noqa: E402
from tests.browser.chromium import ADVICE, FLAGS, find_chromium  # noqa: E402
from tests.browser.conftest import open_lab, running, wait_kernel  # noqa: E402
from tests.browser.panel import Panel  # noqa: E402

SIZE = {"width": 1280, "height": 820}


def main() -> None:
    """Play the demo up to its first card and keep the picture."""
    chromium = find_chromium() or sys.exit(ADVICE)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), {"KIMI_JUPYTER_OFFLINE": "1"}) as lab,
        sync_playwright() as playwright,
    ):
        lab.root.rmdir()
        notebook = copy_sample(lab.root)
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        page = open_lab(browser.new_context(viewport=SIZE), lab, notebook or "")
        if notebook:
            wait_kernel(page)
        panel = Panel(page)
        panel.show()
        panel.start_offline()
        expect(panel.card).to_be_visible(timeout=60_000)
        panel.widen(500)
        panel.card.get_by_role("button", name="View diff").click()
        approve = panel.card.get_by_role("button", name="Approve", exact=True)
        approve.scroll_into_view_if_needed()
        expect(approve).to_be_enabled()
        page.mouse.move(900, 500)
        page.evaluate("() => document.activeElement?.blur()")
        page.screenshot(path=ROOT / "docs" / "sidebar.png")
        browser.close()


if __name__ == "__main__":
    main()
