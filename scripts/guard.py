"""Refuse what must not be committed: a registry's host, a path of one machine, a lock file that names downloads."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REGISTRIES = (
    "npm" + "js.org",
    "pypi" + ".org",
    "python" + "hosted.org",
    "debian" + ".org",
    "yarn" + "pkg.com",
)
MACHINES = (
    "/work" + "/",
    "/root" + "/",
    "/home" + "/[a-z]",
    "/Users" + "/[a-z]",
    r"[A-Z]:\\" + "Users",
)
FORBIDDEN = {
    "names a package registry's host": re.compile("|".join(map(re.escape, REGISTRIES))),
    "names a path of one machine": re.compile(r"(?<![\w.*/-])(?:" + "|".join(MACHINES) + ")"),
}
ALLOWED = re.compile(r"/home/(?:jovyan|user|someone|you|me|ada)\b")


def committed() -> list[Path]:
    """What git has, or would take with `git add .`."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    names = listed.stdout.decode("utf-8").split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def faults(path: Path) -> list[str]:
    """One sentence for each line that may not stay."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError:
        return []
    name = path.relative_to(ROOT).as_posix()
    found = [
        f"{name}:{number}: {what}"
        for number, line in enumerate(lines, 1)
        for what, pattern in FORBIDDEN.items()
        if pattern.search(ALLOWED.sub("", line))
    ]
    if path.name == "package-lock.json":
        found += [
            f"{name}:{number}: names where it was downloaded; see labextension/.npmrc"
            for number, line in enumerate(lines, 1)
            if '"resolved"' in line
        ]
    return found


def main() -> int:
    """Print all faults; 1 if there is any."""
    found = [fault for path in committed() for fault in faults(path)]
    print("\n".join(found) or "Nothing that must not be committed.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
