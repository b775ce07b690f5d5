"""Names whose files execute or configure something, or hold secrets; decided by name, never by existence."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Protection:
    """Why an effect on a path is asked about in every mode."""

    why: str
    """A sentence for the card, which names the path."""
    read: bool = False
    """Reading is asked about as well, and searches leave the file out."""
    refuse: bool = False
    """No tool may change it at all."""


_CODE = "it can run code by itself"
_CONFIG = "it configures programs that run code"
_AGENT = "it instructs or configures coding agents"
_JUPYTER = "it configures Jupyter, which runs code"
_SHELL = "shells run it"
_SECRET = "it may hold secrets"
_OURS = "it belongs to Kimi Jupyter's own settings and logs, which no tool may change"

# A pattern is matched on whole components, `*` within one component, anywhere in the path; what lies below a
# matching folder is protected with it. `$` at the end: the last component only.
_ROWS: tuple[tuple[str, str], ...] = (
    (
        _JUPYTER,
        ".ipython .jupyter etc/jupyter jupyter_*config.py jupyter_*config.json jupyter_*config.d"
        " ipython_config.py ipython_kernel_config.py kernel.json overrides.json"
        " share/jupyter library/jupyter roaming/jupyter programdata/jupyter",
    ),
    (_CODE, "conftest.py sitecustomize.py usercustomize.py *.pth"),
    (
        _CONFIG,
        "pyproject.toml setup.py setup.cfg tox.ini noxfile.py makefile gnumakefile *.mk"
        " .pre-commit-config.yaml .pre-commit-config.yml .github/workflows .github/actions .gitlab-ci.yml"
        " .devcontainer .vscode .idea .gitmodules",
    ),
    ("Git runs what is configured there", ".git *.git .hg .svn .gitconfig .config/git .hgrc"),
    (
        "programs read it at their start and run what stands in it",
        ".rprofile .pdbrc .gdbinit .vimrc .exrc .curlrc .wgetrc .cargo/config .cargo/config.toml",
    ),
    (
        _AGENT,
        ".kimi .claude .cursor .codex .agents .gemini .roo .clinerules .windsurf .mcp.json mcp.json"
        " agents.md claude.md kimi.md gemini.md .cursorrules .windsurfrules .github/copilot-instructions.md",
    ),
    (
        _SHELL,
        ".bashrc .bash_profile .bash_login .bash_logout .bash_aliases .profile .zshrc .zshenv .zprofile .zlogin"
        " .zlogout .cshrc .tcshrc .kshrc .inputrc .config/fish .config/autostart .config/systemd",
    ),
)
_SECRET_ROWS: tuple[tuple[str, str], ...] = (
    (
        _SECRET,
        ".env* .netrc _netrc .npmrc .pypirc .aws .kube .ssh .gnupg .docker/config.json .git-credentials .pgpass"
        " .my.cnf .config/gcloud .config/gh .azure .kaggle .databrickscfg .streamlit/secrets.toml"
        " huggingface/token *.pem$ *.p12$ *.pfx$ *.key$ *.kdbx$ .htpasswd",
    ),
    (
        "it may be a private key",
        "id_rsa* id_dsa* id_ecdsa* id_ed25519*",
    ),
    (
        "it holds tokens or keys of Jupyter",
        "jupyter_cookie_secret notebook_secret nbsignatures.db* jupyter/runtime jpserver-*.json kernel-*.json"
        " kimi-server-*.json",
    ),
)
_OURS_ROW = "user-settings/kimi-jupyter jupyter/kimi_jupyter kimi_jupyter/workspaces"
_BARE_KEY = re.compile(r"id_[^./]*(\.(pub|bak|old|orig))?", re.ASCII)
_PLAIN_MODULES = frozenset(["test", "tests", "docs", "examples", "scripts", "src", "this"])


def protection(path: str, *, folder: str = ".", root: Path | None = None) -> Protection | None:
    """What protects a workspace path, or nothing.

    `folder` is the working folder, where a new module could hide an installed one. With `root` Jupyter's own folders
    are known by their configured places too. Ask for the path as given and for what it resolves to (`strictest`).
    """
    plain = _normal(path)
    hit = _by_name(plain) or (_by_place(root / path) if root else None)
    if hit is None:
        hit = _shadowing(plain, _normal(folder))
    if hit is None:
        return None
    return Protection(f"`{path}` is protected: {hit.why}.", hit.read, hit.refuse)


def strictest(
    paths: Iterable[str], *, folder: str = ".", root: Path | None = None
) -> Protection | None:
    """The strongest protection among several names of the same file."""
    found = [
        hit for path in paths if (hit := protection(path, folder=folder, root=root)) is not None
    ]
    return max(found, key=lambda hit: (hit.refuse, hit.read), default=None)


def is_secret(path: str) -> bool:
    """Whether searches leave the file out; quick enough for every file of a tree."""
    hit = _by_name(_normal(path))
    return hit is not None and hit.read


def _normal(path: str) -> str:
    return "/".join(_component(part) for part in path.split("/"))


def _component(name: str) -> str:
    """One spelling for all names that some file system takes for the same."""
    if name.isascii():
        return name.casefold().rstrip(". ") or name
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    plain = "".join(char for char in plain if not _is_ignored(char))
    return plain.rstrip(". ") or plain


def _is_ignored(char: str) -> bool:
    """Invisible characters, which HFS+ leaves out of a comparison."""
    return unicodedata.category(char) == "Cf" or "\ufe00" <= char <= "\ufe0f"


def _by_name(plain: str) -> Protection | None:
    for pattern, hit in _patterns():
        if pattern.search(plain):
            return hit
    return (
        Protection("it may be a private key", read=True)
        if _BARE_KEY.fullmatch(plain.rsplit("/", 1)[-1])
        else None
    )


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Protection], ...]:
    return (
        (_pattern(_OURS_ROW), Protection(_OURS, read=True, refuse=True)),
        *((_pattern(row), Protection(why, read=True)) for why, row in _SECRET_ROWS),
        *((_pattern(row), Protection(why)) for why, row in _ROWS),
    )


def _pattern(row: str) -> re.Pattern[str]:
    return re.compile("|".join(_regex(item) for item in row.split()))


def _regex(item: str) -> str:
    end = "$" if item.endswith("$") else "(?:/|$)"
    body = re.escape(item.rstrip("$")).replace(r"\*", "[^/]*")
    return f"(?:^|/){body}{end}"


def _by_place(path: Path) -> Protection | None:
    """Jupyter's folders where the environment has put them elsewhere, and where commands are found; compared by text."""
    if _normal(path.parent.as_posix()) in _program_folders(os.environ.get("PATH", "")):
        return Protection("programs in that folder are run by their names")
    for name, hit in _places():
        text = _normal(path.as_posix())
        if text == name or text.startswith(name + "/"):
            return hit
    return None


@lru_cache(maxsize=4)
def _program_folders(search_path: str) -> frozenset[str]:
    folders = {*search_path.split(os.pathsep), str(Path(sys.executable).parent)}
    return frozenset(_normal(Path(one).as_posix()) for one in folders if Path(one).is_absolute())


def _places() -> list[tuple[str, Protection]]:
    found = [(f"{sys.prefix}/etc/jupyter", Protection(_JUPYTER))]
    for variable, below, hit in (
        ("JUPYTERLAB_SETTINGS_DIR", "/kimi-jupyter", Protection(_OURS, read=True, refuse=True)),
        ("JUPYTER_DATA_DIR", "/kimi_jupyter", Protection(_OURS, read=True, refuse=True)),
        ("JUPYTER_RUNTIME_DIR", "", Protection("it holds tokens or keys of Jupyter", read=True)),
        ("JUPYTER_CONFIG_DIR", "", Protection(_JUPYTER)),
        ("JUPYTERLAB_SETTINGS_DIR", "", Protection(_JUPYTER)),
        ("IPYTHONDIR", "", Protection(_JUPYTER)),
    ):
        if value := os.environ.get(variable):
            found.append((value.rstrip("/") + below, hit))
    return [(_normal(Path(place).as_posix()), hit) for place, hit in found]


def _shadowing(plain: str, folder: str) -> Protection | None:
    """A module in the working folder or the root that the kernel would import instead of an installed one."""
    for base in {"", "" if folder == "." else folder + "/"}:
        if not plain.startswith(base):
            continue
        found = re.fullmatch(
            r"([^/.]+)(?:\.py|/__init__\.py|(?:\.[^/]*)?\.(?:so|pyd|pyc))", plain[len(base) :]
        )
        if found and _is_installed(found[1]):
            return Protection(
                f"Python would import it instead of the installed module `{found[1]}`"
            )
    return None


def _is_installed(module: str) -> bool:
    if module in _PLAIN_MODULES:
        return False
    if module in _standard():
        return True
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    return any(
        (Path(folder) / module / "__init__.py").exists() or (Path(folder) / f"{module}.py").exists()
        for folder in folders
    )


@cache
def _standard() -> frozenset[str]:
    return frozenset(name.casefold() for name in sys.stdlib_module_names)
