"""What is built and installed: both archives are whole, and a plain install switches both halves on."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
VENV = Path(sys.executable).parent
SHARED = "data/share/jupyter/labextensions/kimi-jupyter"
SERVER_CONFIG = "etc/jupyter/jupyter_server_config.d/kimi_jupyter.json"

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="needs the sources"),
]


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist, and the wheel that was built from it: nothing but the sdist's own files can be in it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    (sdist,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def installed(archives: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of a venv that got the wheel, with what it asks for, and nothing else."""
    uv = shutil.which("uv", path=str(VENV)) or shutil.which("uv")
    if uv is None:
        pytest.skip("needs uv: pip install uv")
    venv = tmp_path_factory.mktemp("venv") / "venv"
    run(uv, "venv", "--quiet", "--python", sys.executable, venv)
    python = venv / ("Scripts" if os.name == "nt" else "bin") / "python"
    run(uv, "pip", "install", "--quiet", "--python", python, archives[1])
    return python.parent


def test_sdist_has_the_built_front_end_its_sources_and_the_server_config(
    archives: tuple[Path, Path],
) -> None:
    with tarfile.open(archives[0]) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames() if "/" in name}

    assert {
        "kimi_jupyter/labextension/static/third-party-licenses.json",
        "kimi_jupyter/labextension/package.json",
        "jupyter-config/server/kimi_jupyter.json",
        "labextension/package-lock.json",
        "labextension/.npmrc",
        "labextension/src/index.ts",
        "LICENSE",
        "README.md",
    } <= names
    assert not [name for name in names if "node_modules" in name or name.startswith("build/")]


def test_wheel_has_both_halves_and_what_switches_them_on(archives: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(archives[1]) as wheel:
        names = wheel.namelist()
        (config,) = [name for name in names if name.endswith(SERVER_CONFIG)]
        extensions = json.loads(wheel.read(config))["ServerApp"]["jpserver_extensions"]

    def shared(name: str) -> list[str]:
        return [each for each in names if each.endswith(f"{SHARED}/{name}")]

    assert extensions == {"kimi_jupyter": True}
    assert shared("package.json")
    assert shared("install.json")
    assert shared("static/third-party-licenses.json"), "a development build, not a production one"
    assert [name for name in names if f"{SHARED}/static/remoteEntry" in name]
    assert [name for name in names if f"{SHARED}/schemas/kimi-jupyter/" in name]
    assert [name for name in names if name.startswith("kimi_jupyter/demo/workspace/")]
    assert not [name for name in names if name.endswith(".map") or name.startswith("tests/")]


def test_plain_install_enables_the_server_extension(installed: Path, tmp_path: Path) -> None:
    said = run(installed / "jupyter-server", "extension", "list", cwd=tmp_path, HOME=str(tmp_path))

    lines = [line.lower() for line in said.splitlines() if "kimi_jupyter" in line]
    assert any("enabled" in line for line in lines), said
    assert any("ok" in line.split() for line in lines), said


def test_plain_install_carries_the_front_end(installed: Path) -> None:
    static = installed.parent / "share/jupyter/labextensions/kimi-jupyter/static"

    assert (static / "third-party-licenses.json").exists()


def test_plain_install_can_import_every_room(installed: Path, tmp_path: Path) -> None:
    rooms = "import kimi_jupyter.runtime, kimi_jupyter.server.extension, kimi_jupyter.kernel.magic; print('whole')"

    assert "whole" in run(installed / "python", "-W", "error", "-c", rooms, cwd=tmp_path)
