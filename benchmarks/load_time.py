"""What we add to the start of `jupyter server` and of IPython, each beside the same start without us."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.report import Row, table

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 0.15
PAIRS = 9
SERVER_HEAVY = ("openai", "mcp", "keyring")
"""The server has nbformat by itself."""
KERNEL_HEAVY = (*SERVER_HEAVY, "nbformat", "jsonschema", "httpx")
READY = "is running at"


def measure() -> list[Row]:
    """Four rows: added seconds, and how many heavy packages came along, for both hosts."""
    return [*_server(), *_kernel()]


def _server() -> list[Row]:
    with _home() as env:
        without, added = _compare(
            lambda: _until_ready(env, kimi=False), lambda: _until_ready(env, kimi=True)
        )
        heavy = _imported(
            _script(_SERVER_IMPORTS.format(config=_config(kimi=True))), SERVER_HEAVY, env
        )
    return _rows("server extension", "jupyter server", without, added, heavy, SERVER_HEAVY)


def _kernel() -> list[Row]:
    with _home() as env:
        without, added = _compare(
            lambda: _until_done(_ipython("pass"), env),
            lambda: _until_done(_ipython("%load_ext kimi_jupyter"), env),
        )
        heavy = _imported(_ipython("%load_ext kimi_jupyter\n" + _PRINT_MODULES), KERNEL_HEAVY, env)
    return _rows("%load_ext kimi_jupyter", "ipython", without, added, heavy, KERNEL_HEAVY)


def _rows(
    what: str, host: str, without: float, added: float, heavy: list[str], named: tuple[str, ...]
) -> list[Row]:
    beside = f"{host} without it {without:.2f} s; the quickest of {PAIRS} starts each"
    said = f"imported: {', '.join(heavy)}" if heavy else f"none of {', '.join(named)}"
    return [
        Row(f"{what} adds", added, "s", LIMIT, beside),
        Row(f"{what}: heavy imports", len(heavy), "", 0, said),
    ]


def _compare(without: Callable[[], float], with_it: Callable[[], float]) -> tuple[float, float]:
    """The quickest start without, and how much longer the quickest start with it takes.

    The quickest of several is what the machine can do: whatever else it does only adds.
    """
    pairs = [(without(), with_it()) for _ in range(PAIRS)]
    quickest = min(first for first, _ in pairs)
    return quickest, min(second for _, second in pairs) - quickest


def _until_ready(env: dict[str, str], *, kimi: bool) -> float:
    command = [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--port=0"),
        f"--config={_config(kimi=kimi)}",
    ]
    began = time.perf_counter()
    process = subprocess.Popen(command, env=env, cwd=env["HOME"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if READY in line:
                return time.perf_counter() - began
        raise RuntimeError(f"the server ended before it was ready (code {process.wait()})")
    finally:
        # Not SIGTERM: one that comes before the server's loop runs is lost, and it would serve on.
        process.kill()
        process.stderr.close()
        process.wait(20)


def _until_done(command: list[str], env: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, env=env, cwd=env["HOME"], check=True, capture_output=True, timeout=60)
    return time.perf_counter() - began


def _ipython(code: str) -> list[str]:
    return [sys.executable, "-m", "IPython", "--no-banner", "-c", code]


def _script(code: str) -> list[str]:
    return [sys.executable, "-c", code]


_PRINT_MODULES = "import sys; print(' '.join(m for m in sys.modules if '.' not in m))"
_SERVER_IMPORTS = f"""
from jupyter_server.serverapp import ServerApp
server = ServerApp()
server.initialize(["--config={{config}}", "--no-browser", "--allow-root", "--port=0"])
assert "kimi_host" in server.web_app.settings, "the extension did not load"
{_PRINT_MODULES}
"""


def _imported(command: list[str], names: tuple[str, ...], env: dict[str, str]) -> list[str]:
    done = subprocess.run(
        command, env=env, cwd=env["HOME"], capture_output=True, text=True, timeout=60
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    modules = set(done.stdout.splitlines()[-1].split())
    return [name for name in names if name in modules]


def _config(*, kimi: bool) -> str:
    """Path of a configuration with our extension on or off, relative to the home of the run."""
    return f"config-{'with' if kimi else 'without'}.json"


@contextmanager
def _home() -> Iterator[dict[str, str]]:
    """An empty home, so that nothing of this machine takes part."""
    with tempfile.TemporaryDirectory() as folder:
        for kimi in (True, False):
            config = {"ServerApp": {"jpserver_extensions": {"kimi_jupyter": kimi}}}
            Path(folder, _config(kimi=kimi)).write_text(json.dumps(config), encoding="utf-8")
        yield {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "PYTHONPATH": str(ROOT),
            "JUPYTER_CONFIG_DIR": f"{folder}/config",
        }


if __name__ == "__main__":
    print(table(measure()))
