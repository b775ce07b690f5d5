"""Which Chromium the browser tests drive; as a program it says in one line what to install where there is none."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

ADVICE = (
    "The browser tests need a Chromium: `apt-get install chromium`, or `playwright install chromium`, "
    "or name one: `CHROMIUM=/path/to/chrome make test`. Without it: `make test ARGS='--ignore tests/browser'`."
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OWN = (
    "~/.cache/ms-playwright/chromium-*/chrome-linux*/chrome",
    "~/Library/Caches/ms-playwright/chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
    "~/AppData/Local/ms-playwright/chromium-*/chrome-win*/chrome.exe",
)


def find_chromium() -> str | None:
    """The one that `CHROMIUM` names, else one of the PATH, else Playwright's own."""
    if named := os.environ.get("CHROMIUM"):
        return shutil.which(named)
    for name in NAMES:
        if found := shutil.which(name):
            return found
    for pattern in OWN:
        expanded = Path(pattern).expanduser()
        anchor = Path(expanded.anchor)
        if own := sorted(anchor.glob(str(expanded.relative_to(anchor)))):
            return str(own[-1])
    return None


if __name__ == "__main__":
    found = find_chromium()
    print(found or ADVICE)
    sys.exit(0 if found or "--ignore" in os.environ.get("ARGS", "") else 1)
