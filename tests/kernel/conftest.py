"""Real kernels of both generations of ipykernel, in an environment without a key, a keyring or a home."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.front_end import ROOT, FrontEnd, kernel
from tests.moonshot.process import MoonshotProcess, moonshot_process

VENVS = ROOT / "build" / "kernels"
KERNELS = {"newest": "", "ipykernel6": "ipykernel<7"}
"""Generations of ipykernel by name; the first is that of the tests' own environment.

`KIMI_TEST_KERNELS="ipykernel==6.29.5 ipykernel==7.0.1"` adds more.
"""
KERNELS |= {given: given for given in os.environ.get("KIMI_TEST_KERNELS", "").split()}
_OURS = ("ipywidgets", "pydantic", "openai", "keyring", "json5", "tree-sitter", "tree-sitter-bash")


def _venv(name: str) -> Path:
    """The interpreter of a venv with one kind of ipykernel; made once."""
    venv = VENVS / name
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if (venv / ".made").exists():
        return python
    uv = str(Path(sys.executable).with_name("uv"))
    install = [uv, "pip", "install", "-q", "--python", str(python), KERNELS[name], *_OURS]
    try:
        subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, venv], check=True)
        subprocess.run(install, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.fail(
            f"The venv with {KERNELS[name]} can't be made in {venv} ({error}): it needs `uv` beside the "
            "interpreter of the tests, and a package index."
        )
    (venv / ".made").touch()
    return python


def interpreter(request: pytest.FixtureRequest) -> str:
    """The interpreter that a fixture's parameter names."""
    return str(_venv(request.param)) if KERNELS[request.param] else sys.executable


@pytest.fixture(params=list(KERNELS))
def python(request: pytest.FixtureRequest) -> str:
    """The interpreter that runs the kernel."""
    return interpreter(request)


def clean_environ(home: Path) -> dict[str, str]:
    """What a kernel or a server of a test sees: our package, and nothing of the user."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    places = {
        "HOME": home / "home",
        "IPYTHONDIR": home / "ipython",
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "XDG_DATA_HOME": home / "home" / "share",
    }
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    return {
        **kept,
        **{name: str(place) for name, place in places.items()},
        "PYTHONPATH": str(ROOT),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "JUPYTER_PLATFORM_DIRS": "1",
    }


def for_api(api: MoonshotProcess) -> dict[str, str]:
    """What makes a kernel or a server talk to the simulated API, with a key that it takes."""
    return {"MOONSHOT_BASE_URL": api.url, "MOONSHOT_API_KEY": "sk-test-key-of-the-simulator"}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A clean environment of this test's own."""
    return clean_environ(tmp_path)


@pytest.fixture(scope="session")
def shared_api() -> Iterator[MoonshotProcess]:
    with moonshot_process("--chunks-per-second", "0") as api:
        yield api


@pytest.fixture
def api(shared_api: MoonshotProcess, environ: dict[str, str]) -> MoonshotProcess:
    """The simulated API; kernels and servers of this test talk to it."""
    environ |= for_api(shared_api)
    shared_api.set_script([])
    return shared_api


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "work"
    place.mkdir()
    return place


@pytest.fixture
def front(
    python: str, folder: Path, environ: dict[str, str], api: MoonshotProcess
) -> Iterator[FrontEnd]:
    """A kernel without a server, with our extension loaded."""
    with kernel(python, folder, environ) as front_end:
        front_end.do("%load_ext kimi_jupyter")
        yield front_end
