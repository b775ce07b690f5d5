"""Files for @mentions: by a piece of the name, quickly, and none that holds secrets."""

from __future__ import annotations

import itertools
import os
import random
from pathlib import Path

import pytest

from kimi_jupyter.safety.find import KEEP_SECONDS, FileFinder
from kimi_jupyter.safety.names_index import NamesIndex


def make(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("", encoding="utf-8")


def test_best_first_beginning_then_inside_then_letters_in_order(tmp_path: Path) -> None:
    make(tmp_path, "src/utils.ts", "src/my_utils.py", "utils/x.txt", "up/to/ill/s.md", "b.md")
    assert FileFinder(tmp_path).find("utils", 10) == [
        "utils/",
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
    assert FileFinder(tmp_path / "work").find("", 99) == [
        "deep/",
        "a.ipynb",
        ".github/",
        ".github/note.md",
    ]


@pytest.mark.parametrize("query", ["lib", "lib/", "src/li", "rc/l"])
def test_a_folder_is_found_by_its_own_name_and_ends_with_a_slash(
    tmp_path: Path, query: str
) -> None:
    make(tmp_path, "src/lib/a.py", "src/glib.c")
    assert FileFinder(tmp_path).find(query, 1) == ["src/lib/"]


def found_in_the_end(finder: FileFinder, count: int) -> list[str]:
    """The files that a query finds when the look in the background is over; the test's timeout bounds it."""
    while len(found := files(finder)) < count:
        pass
    return found


def files(finder: FileFinder) -> list[str]:
    return [path for path in finder.find("", 99) if not path.endswith("/")]


def test_what_the_first_look_did_not_reach_is_found_in_the_background(tmp_path: Path) -> None:
    make(tmp_path, "near.txt", "a/b/c/d/e/far.txt")
    ticks = itertools.count(step=0.4)
    finder = FileFinder(tmp_path, clock=lambda: next(ticks))
    assert files(finder)[0] == "near.txt"
    assert found_in_the_end(finder, 2) == ["near.txt", "a/b/c/d/e/far.txt"]


def test_a_tree_without_end_is_searched_as_far_as_the_time_goes(tmp_path: Path) -> None:
    make(tmp_path, "near.txt", "a/b/c/d/e/far.txt")
    ticks = itertools.count(step=8.0)
    assert found_in_the_end(FileFinder(tmp_path, clock=lambda: next(ticks)), 1) == ["near.txt"]


def test_a_folder_that_did_not_change_is_not_read_again_and_one_that_did_is(tmp_path: Path) -> None:
    make(tmp_path, "kept/a.txt", "changed/b.txt")
    for folder in ("kept", "changed", "."):
        os.utime(tmp_path / folder, (1, 1))
    now = [0.0]
    finder = FileFinder(tmp_path, clock=lambda: now[0])
    assert files(finder) == ["kept/a.txt", "changed/b.txt"]
    make(tmp_path, "kept/unseen.txt", "changed/c.txt")
    os.utime(tmp_path / "kept", (1, 1))  # as it was: so it is taken for the same
    now[0] += KEEP_SECONDS + 1
    assert found_in_the_end(finder, 3) == ["kept/a.txt", "changed/b.txt", "changed/c.txt"]


@pytest.mark.parametrize("query", ["*", "a\nb", "[x", "\\", "(", "é", "İ"])
def test_signs_in_a_query_and_in_names_mean_themselves(tmp_path: Path, query: str) -> None:
    make(tmp_path, "a*b.txt", "[x](y).txt", "b\\c", "Éa", "new\nline.txt", "İ.txt")
    expected = {"*": "a*b.txt", "[x": "[x](y).txt", "\\": "b\\c", "(": "[x](y).txt"}
    expected |= {"é": "Éa", "İ": "İ.txt"}
    found = FileFinder(tmp_path).find(query, 9)
    assert found[:1] == ([expected[query]] if query in expected else [])


def test_the_index_finds_what_a_plain_loop_over_all_names_finds(tmp_path: Path) -> None:
    rnd = random.Random(5)
    paths = list(
        {
            "/".join("".join(rnd.choices("abAB_", k=rnd.randint(1, 4))) for _ in range(depth))
            for depth in (1, 2, 3)
            for _ in range(60)
        }
    )
    index = NamesIndex(paths)
    for query in ("", "a", "b_", "ab", "a/b", "aab", "/", "abab", "x"):
        for limit in (1, 5, 500):
            assert index.find(query, limit) == plain_loop(paths, query, limit)


def plain_loop(paths: list[str], wanted: str, limit: int) -> list[str]:
    def rank(path: str) -> int:
        plain = path.casefold()
        name = plain.rpartition("/")[2]
        letters = iter(plain)
        steps = (
            name.startswith(wanted) or plain.startswith(wanted),
            wanted in name,
            wanted in plain,
            all(letter in letters for letter in wanted),
        )
        return next((number for number, step in enumerate(steps, 1) if step), 0)

    ranked = [(rank(path), len(path), path) for path in paths if rank(path)]
    return [path for _, _, path in sorted(ranked)[:limit]]


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
