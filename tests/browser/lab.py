"""A real JupyterLab in its own process, with folders of its own and no key but the one that it is given."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

TOKEN = "t" + "0" * 31
PYTHON = os.environ.get("KIMI_TEST_PYTHON", sys.executable)
"""The interpreter whose JupyterLab is started: the tests' own, or one with the oldest JupyterLab."""

NO_NEWS = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Lab:
    """One server; it can be ended, killed and started again with the same folders and the same port."""

    def __init__(self, folder: Path, *, environment: dict[str, str]) -> None:
        self.root = folder / "files"
        self.config = folder / "config"
        self.data = folder / "data"
        self.settings = folder / "settings"
        self.workspaces = folder / "workspaces"
        for each in (self.root, self.config, self.data, self.settings, self.workspaces):
            each.mkdir(parents=True, exist_ok=True)
        (self.config / "labconfig").mkdir(exist_ok=True)
        (self.config / "labconfig" / "page_config.json").write_text(
            json.dumps(NO_NEWS), encoding="utf-8"
        )
        self.port = free_port()
        self.log = folder / "jupyter.log"
        self._environment = environment
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    PYTHON,
                    "-m",
                    "jupyterlab",
                    "--allow-root",
                    "--no-browser",
                    "--LabApp.expose_app_in_browser=True",
                    "--ServerApp.ip=127.0.0.1",
                    "--ServerApp.port_retries=0",
                    "--ServerApp.allow_unauthenticated_access=False",
                    f"--ServerApp.port={self.port}",
                    f"--ServerApp.root_dir={self.root}",
                    f"--IdentityProvider.token={TOKEN}",
                ],
                env=self._all_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 40
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(
                    "JupyterLab did not start:\n" + self.log.read_text(errors="replace")[-4000:]
                )
            time.sleep(0.1)

    def stop(self) -> None:
        """End it as Ctrl+C does; whatever does not end is killed."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=5)

    def kill(self) -> None:
        """End it as a crash does: it cannot say good-bye."""
        process, self._process = self._process, None
        assert process is not None
        process.kill()
        process.wait(timeout=5)

    def get(self, path: str) -> dict[str, object]:
        """A route of the server, as JSON."""
        request = urllib.request.Request(
            f"{self.address}/{path}", headers={"Authorization": f"token {TOKEN}"}
        )
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.loads(reply.read())

    def setting(self, name: str) -> object:
        """What a setting is on disk, `None` where it isn't there."""
        file = self._settings_file
        if not file.exists():
            return None
        return json.loads(file.read_text(encoding="utf-8")).get(name)

    def write_settings(self, values: dict[str, object]) -> None:
        """Write the settings file anew, before the server starts."""
        self._settings_file.parent.mkdir(parents=True, exist_ok=True)
        self._settings_file.write_text(json.dumps(values), encoding="utf-8")

    @property
    def _settings_file(self) -> Path:
        return self.settings / "kimi-jupyter" / "settings.jupyterlab-settings"

    def _answers(self) -> bool:
        try:
            self.get("api/status")
        except OSError:
            return False
        return True

    def _all_environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PATH": f"{Path(PYTHON).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self._folder),
            "JUPYTER_CONFIG_DIR": str(self.config),
            "JUPYTER_DATA_DIR": str(self.data),
            "JUPYTER_RUNTIME_DIR": str(self._folder / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(self.settings),
            "JUPYTERLAB_WORKSPACES_DIR": str(self.workspaces),
            "IPYTHONDIR": str(self._folder / "ipython"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "JUPYTER_PLATFORM_DIRS": "1",
            **self._environment,
        }
