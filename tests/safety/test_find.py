"""Files for @mentions: by a piece of the name, quickly, and none that holds secrets."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from kimi_jupyter.safety.find import KEEP_SECONDS, FileFinder


def make(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("", encoding="utf-8")


def test_best_first_beginning_then_inside_then_letters_in_order(tmp_path: Path) -> None:
    make(tmp_path, "src/utils.ts", "src/my_utils.py", "utils/x.txt", "up/to/ill/s.md", "b.md")
    assert FileFinder(tmp_path).find("utils", 10) == [
        "utils/x.txt",
        "src/utils.ts",
        "src/my_utils.py",
        "up/to/ill/s.md",
    ]


def test_at_most_as_many_as_asked_for_and_all_for_an_empty_query(tmp_path: Path) -> None:
    make(tmp_path, *(f"{number:02}.txt" for number in range(20)))
    assert len(FileFinder(tmp_path).find("", 10)) == 10
    assert FileFinder(tmp_path).find("", 0) == []


@pytest.mark.parametrize("query", ["SRC/A", "./src/a", " src/a ", "A.PY"])
def test_case_and_a_leading_dot_do_not_matter(tmp_path: Path, query: str) -> None:
    make(tmp_path, "src/a.py")
    assert FileFinder(tmp_path).find(query, 10) == ["src/a.py"]


def test_machinery_secrets_and_links_are_left_out(tmp_path: Path) -> None:
    make(
        tmp_path / "work",
        ".git/config",
        "node_modules/a/index.js",
        ".ipynb_checkpoints/a.ipynb",
        "__pycache__/a.pyc",
        ".env",
        "deep/.ssh/id_rsa",
        ".github/note.md",
        "a.ipynb",
    )
    make(tmp_path, "outside.txt")
    (tmp_path / "work" / "out").symlink_to(tmp_path)
    (tmp_path / "work" / "round").symlink_to(tmp_path / "work")
    (tmp_path / "work" / "link.txt").symlink_to(tmp_path / "outside.txt")
    assert FileFinder(tmp_path / "work").find("", 99) == ["a.ipynb", ".github/note.md"]


def test_a_tree_without_end_is_searched_as_far_as_the_time_goes(tmp_path: Path) -> None:
    make(tmp_path, "near.txt", "a/b/c/d/e/far.txt")
    ticks = itertools.count(step=0.4)
    assert FileFinder(tmp_path, clock=lambda: next(ticks)).find("", 99) == ["near.txt"]


def test_a_new_file_is_found_a_few_seconds_later(tmp_path: Path) -> None:
    now = [0.0]
    finder = FileFinder(tmp_path, clock=lambda: now[0])
    assert finder.find("a", 9) == []
    make(tmp_path, "a.txt")
    assert finder.find("a", 9) == []
    now[0] += KEEP_SECONDS + 1
    assert finder.find("a", 9) == ["a.txt"]


def test_a_folder_that_is_gone_has_no_files(tmp_path: Path) -> None:
    assert FileFinder(tmp_path / "gone").find("x", 9) == []
