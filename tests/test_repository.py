"""What the repository promises about itself: nothing of one machine in it, and settings that agree."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def is_checkout() -> bool:
    return (ROOT / ".git").exists()


@pytest.mark.skipif(not is_checkout(), reason="needs the git repository")
def test_nothing_of_one_machine_or_registry_is_committed() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/guard.py"], cwd=ROOT, capture_output=True, text=True, timeout=30
    )

    assert done.returncode == 0, done.stdout


def test_guard_finds_a_registry_host_a_path_of_a_machine_and_a_download_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import guard

    bad = ROOT / "build" / "guard-test" / "package-lock.json"
    bad.parent.mkdir(parents=True, exist_ok=True)
    host, home = "registry.npm" + "js.org", "/ro" + "ot/x"
    bad.write_text(
        f'{{"resolved": "https://{host}/a",\n"path": "{home}",\n"fine": 1}}', encoding="utf-8"
    )

    assert [fault.split(": ", 1)[1] for fault in guard.faults(bad)] == [
        "names a package registry's host",
        "names a path of one machine",
        "names where it was downloaded; see labextension/.npmrc",
    ]


def test_python_and_front_end_have_the_same_version() -> None:
    import kimi_jupyter

    package = json.loads((ROOT / "labextension" / "package.json").read_text(encoding="utf-8"))

    assert package["version"] == kimi_jupyter.__version__


def test_readme_tells_of_every_make_target() -> None:
    targets = ("run", "test", "check", "fix", "bench", "wire")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert [target for target in targets if f"make {target}" not in readme] == []
