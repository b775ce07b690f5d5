"""Loading the extension costs next to nothing, and takes no heavy package along."""

from __future__ import annotations

import subprocess
import sys

from tests.kernel.front_end import ROOT

HEAVY = (
    "openai",
    "mcp",
    "keyring",
    "nbformat",
    "jsonschema",
    "httpx",
    "ipywidgets",
    "pydantic",
    "zmq",
)
CODE = f"""
import sys
from IPython.core.interactiveshell import InteractiveShell
ip = InteractiveShell.instance()
before = set(sys.modules)
ip.run_line_magic("load_ext", "kimi_jupyter")
assert "kimi" in ip.magics_manager.magics["cell"]
print([name for name in {HEAVY} if name in sys.modules and name not in before])
print(len([name for name in sys.modules if name not in before and not name.startswith("kimi")]))
"""


def test_loading_imports_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, timeout=50
    )
    heavy, others = done.stdout.splitlines()

    assert heavy == "[]", done.stderr
    assert int(others) <= 3, done.stdout
