from __future__ import annotations

from pathlib import Path

import pytest

from kimi_jupyter.kernel.notebook import inside, notebook_path

URI = "vscode-notebook-cell:/home/me/a%20b.ipynb#W2sZmlsZQ%3D%3D"


@pytest.mark.parametrize(
    ("namespace", "environ", "cell", "wanted"),
    [
        ({"__vsc_ipynb_file__": "/home/me/x.ipynb"}, {}, URI, "/home/me/x.ipynb"),
        ({}, {}, URI, "/home/me/a b.ipynb"),
        ({}, {"JPY_SESSION_NAME": "/srv/n.ipynb"}, "an-id", "/srv/n.ipynb"),
        ({}, {"JPY_SESSION_NAME": "/srv/n-jvsc-123.ipynb"}, "", None),
        ({}, {"JPY_SESSION_NAME": "n.ipynb"}, "", None),
        ({"__vsc_ipynb_file__": 3}, {"JPY_SESSION_NAME": "Untitled"}, "", None),
    ],
)
def test_notebook_is_known_from_what_each_front_end_tells(
    namespace: dict[str, object], environ: dict[str, str], cell: str, wanted: str | None
) -> None:
    assert notebook_path(namespace, environ, cell) == wanted


def test_notebook_outside_the_workspace_is_not_named(tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "sub").mkdir(parents=True)

    assert inside(str(work / "sub" / "n.ipynb"), str(work)) == "sub/n.ipynb"
    assert inside(str(tmp_path / "n.ipynb"), str(work)) is None
    assert inside(None, str(work)) is None
