"""write_file and apply_diff on real files: what they declare, what they do, what they say."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from kimi_jupyter.agent.tool import Work
from kimi_jupyter.protocol.errors import FileChanged, FileUnreadable, KimiError, PathRefused
from kimi_jupyter.safety import files
from kimi_jupyter.safety.policy import decide
from kimi_jupyter.tools.apply_diff import ApplyDiffParams
from tests.tools.support import TOOLS, call, effect_of, put, work_in

pytestmark = pytest.mark.anyio

UTILS = "import os\n\n\ndef one():\n    return 1\n\n\ndef two():\n    return 2\n"


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return work_in(tmp_path)


async def miss(work: Work, *hunks: tuple[str, str], path: str = "a.py") -> str:
    """What the model is told about hunks that do not fit; the file must stay as it is."""
    before = (work.workspace.root / path).read_bytes()
    with pytest.raises(KimiError) as error:
        await call(
            "apply_diff", work, path=path, hunks=[{"search": s, "replace": r} for s, r in hunks]
        )
    assert (work.workspace.root / path).read_bytes() == before
    return str(error.value)


async def edit(work: Work, *hunks: tuple[str, str], path: str = "a.py") -> bytes:
    result = await call(
        "apply_diff", work, path=path, hunks=[{"search": s, "replace": r} for s, r in hunks]
    )
    assert result.ok
    return (work.workspace.root / path).read_bytes()


async def test_a_write_shows_its_headline_and_difference_and_does_nothing_yet(work: Work) -> None:
    root = put(work, {"src/utils.ts": "a\nb\nc\n"})
    effect = await effect_of("write_file", work, path="src/utils.ts", content="a\n1\n2\n3\n4\n5\n")
    assert effect.title == "Write file src/utils.ts (+5 −2)"
    assert (effect.kind, effect.paths) == ("write", ("src/utils.ts",))
    assert effect.diff is not None
    assert (effect.diff.before, effect.diff.after) == ("a\nb\nc\n", "a\n1\n2\n3\n4\n5\n")
    assert (root / "src/utils.ts").read_text() == "a\nb\nc\n"


async def test_an_approved_write_is_on_disk_and_the_model_is_told(work: Work) -> None:
    result = await call("write_file", work, path="new/folder/x.py", content="a\nb")
    assert (result.ok, result.summary) == (True, "+2 −0")
    assert result.output == "Created new/folder/x.py: 2 lines, +2 −0."
    assert (work.workspace.root / "new/folder/x.py").read_bytes() == b"a\nb"
    assert result.diff is not None
    assert result.diff.after_hash == files.digest(b"a\nb")


async def test_a_write_keeps_the_form_of_the_file(work: Work) -> None:
    root = put(work, {"a.txt": b"\xef\xbb\xbfa\r\nb\r\n"})
    (root / "a.txt").chmod(0o755)
    result = await call("write_file", work, path="a.txt", content="x\ny\n")
    assert (root / "a.txt").read_bytes() == b"\xef\xbb\xbfx\r\ny\r\n"
    assert stat.S_IMODE((root / "a.txt").stat().st_mode) == 0o755
    assert result.output.endswith("Kept: utf-8 with byte order mark, CRLF line ends.")


async def test_the_same_content_asks_for_nothing_and_says_so(work: Work) -> None:
    root = put(work, {"a.txt": b"a\r\n"})
    before = (root / "a.txt").stat()
    effect = await effect_of("write_file", work, path="a.txt", content="a\n")
    assert (effect.kind, effect.diff) == ("read", None)
    result = await call("write_file", work, path="a.txt", content="a\n")
    assert (result.ok, result.summary) == (True, "unchanged")
    assert (root / "a.txt").stat().st_mtime_ns == before.st_mtime_ns


async def test_a_file_that_is_no_text_is_not_overwritten(work: Work) -> None:
    put(work, {"a.png": b"\x89PNG\0", "folder/x": ""})
    with pytest.raises(FileUnreadable, match=r"binary file.*text files only"):
        await effect_of("write_file", work, path="a.png", content="x")
    with pytest.raises(FileUnreadable, match="is a folder"):
        await effect_of("write_file", work, path="folder", content="x")


async def test_the_effect_binds_path_present_bytes_and_new_bytes(work: Work) -> None:
    root = put(work, {"a.txt": "a\n", "b.txt": "a\n"})
    digests = [
        (await effect_of("write_file", work, path=path, content=content)).digest
        for path, content in (("a.txt", "x"), ("b.txt", "x"), ("a.txt", "y"), ("a.txt", "x"))
    ]
    assert len(set(digests)) == 3
    assert digests[0] == digests[3]
    (root / "a.txt").write_text("changed")
    assert (await effect_of("write_file", work, path="a.txt", content="x")).digest != digests[0]


@pytest.mark.parametrize("tool", ["write_file", "apply_diff"])
async def test_c3_a_file_that_changed_after_it_was_shown_is_not_written(
    work: Work, tool: str
) -> None:
    root = put(work, {"a.py": UTILS})
    arguments = (
        {"content": "mine"}
        if tool == "write_file"
        else {"hunks": [{"search": "one", "replace": "mine"}]}
    )
    params = TOOLS[tool].params(path="a.py", **arguments)
    effect = await TOOLS[tool].effect(params, work)
    (root / "a.py").write_text(UTILS + "# theirs\n")
    with pytest.raises(FileChanged):
        await TOOLS[tool].run(params, effect, work)
    assert (root / "a.py").read_text() == UTILS + "# theirs\n"
    assert [entry.name for entry in root.iterdir()] == ["a.py"]


async def test_c3_a_file_that_appeared_after_it_was_shown_is_not_written(work: Work) -> None:
    params = TOOLS["write_file"].params(path="a.py", content="mine")
    effect = await TOOLS["write_file"].effect(params, work)
    put(work, {"a.py": "theirs"})
    with pytest.raises(FileChanged):
        await TOOLS["write_file"].run(params, effect, work)
    assert (work.workspace.root / "a.py").read_text() == "theirs"


@pytest.mark.parametrize("tool", ["write_file", "apply_diff", "read_file"])
@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a\0", "~/.bashrc", "out/x"])
async def test_b1_a_path_outside_is_refused(
    work: Work, tmp_path: Path, tool: str, path: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x").write_text("secret")
    (work.workspace.root / "out").symlink_to(tmp_path / "elsewhere")
    extra: dict[str, object] = {
        "write_file": {"content": "x"},
        "apply_diff": {"hunks": [{"search": "secret", "replace": "x"}]},
    }.get(tool, {})
    with pytest.raises(PathRefused):
        await call(tool, work, path=path, **extra)
    assert (tmp_path / "elsewhere" / "x").read_text() == "secret"


async def test_paths_start_at_the_working_folder(tmp_path: Path) -> None:
    work = work_in(tmp_path, folder="notes")
    put(work, {"notes/a.txt": "a\n", "b.txt": "b\n"})
    effect = await effect_of("write_file", work, path="a.txt", content="c\n")
    assert effect.paths == ("notes/a.txt",)
    assert (await call("read_file", work, path="../b.txt")).output.startswith("     1\tb\n")
    with pytest.raises(FileUnreadable, match=r"'c\.txt'"):
        await call("read_file", work, path="c.txt")


async def test_hunks_are_applied_in_order_each_on_the_result_of_the_last(work: Work) -> None:
    put(work, {"a.py": UTILS})
    effect = await effect_of(
        "apply_diff", work, path="a.py", hunks=[{"search": "return 1", "replace": "return 11"}]
    )
    assert effect.title == "Edit file a.py (+1 −1)"
    assert await edit(
        work, ("return 1", "return 3"), ("return 3\n", "return 4\n"), ("import os\n\n\n", "")
    ) == (b"def one():\n    return 4\n\n\ndef two():\n    return 2\n")


FORMS = {
    "crlf": (b"a\r\nb\r\nc", b"a\r\nX\r\nY\r\nc"),
    "mixed": (b"a\nb\r\nc\n", b"a\nX\r\nY\nc\n"),
    "latin-1": (b"# coding: latin-1\n\xe9\na\nb\nc\n", b"# coding: latin-1\n\xe9\na\nX\nY\nc\n"),
    "utf-16": (
        b"\xff\xfe" + "a\r\nb\r\nc".encode("utf-16-le"),
        b"\xff\xfe" + "a\r\nX\r\nY\r\nc".encode("utf-16-le"),
    ),
    "mark": (b"\xef\xbb\xbfa\nb\nc\n", b"\xef\xbb\xbfa\nX\nY\nc\n"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
async def test_an_edit_touches_its_lines_only_byte_for_byte(
    work: Work, form: str, end: str
) -> None:
    before, after = FORMS[form]
    put(work, {"a.py": before})
    assert await edit(work, (f"a{end}b{end}c", f"a{end}X{end}Y{end}c")) == after


async def test_the_model_may_search_across_what_a_file_does_not_end_with(work: Work) -> None:
    put(work, {"a.py": b"a\nb"})
    assert await edit(work, ("b", "b\nc")) == b"a\nb\nc"


async def test_all_or_nothing(work: Work) -> None:
    put(work, {"a.py": UTILS})
    text = await miss(
        work,
        ("return 1", "return 10"),
        ("return 9", "return 90"),
        ("import os", "import re"),
        ("nope\nno", "x"),
    )
    assert text.startswith("Hunk 2 of 4: search text not found in a.py.")
    assert "2 other hunks (1, 3) would have fit" in text
    assert "1 other hunk (4) would not fit" in text
    assert text.endswith("Nothing was changed; re-read the file with read_file (a.py).")


async def test_an_ambiguous_text_names_every_line(work: Work) -> None:
    put(work, {"a.py": UTILS})
    text = await miss(work, ("return", "x"))
    assert "in a.py 2 times, at lines 5, 9. Add lines" in text
    assert "aa" in await miss_overlap(work)


async def miss_overlap(work: Work) -> str:
    put(work, {"b.py": "aaa"})
    return "aa: " + await miss(work, ("aa", "b"), path="b.py")


@pytest.mark.parametrize(
    ("there", "search", "differs"),
    [
        (
            "def f():\n    x = 1  \n    y\n",
            "def f():\n    x = 1\n    y\n",
            "spaces or tabs at the end of lines",
        ),
        ("def f():\n\treturn 1\n", "def f():\n    return 1\n", "tabs against spaces"),
        ("def f():\n    return 1\n", "def f():\n  return 1\n", "indentation"),
        ("a = “x”\nb\n", 'a = "x"\nb\n', "typographic quotes or dashes"),
        ("a\u00a0= 1\nb\n", "a = 1\nb\n", "special spaces (such as NBSP)"),
        ("a  =  1\nb\n", "a = 1\nb\n", "whitespace within lines"),
        ("Def F():\nb\n", "def f():\nb\n", "upper and lower case"),
        (
            "\ta = “x”\nb\n",
            '    a = "x"\nb\n',
            "typographic quotes or dashes and tabs against spaces",
        ),
    ],
)
async def test_a_near_miss_says_what_differs_and_where(
    work: Work, there: str, search: str, differs: str
) -> None:
    lines = search.count("\n")
    put(work, {"a.py": "# first\n" + there})
    text = await miss(work, (search, "new text"))
    assert f"search text not found in a.py.\nLines 2-{1 + lines} differ only in {differs}:" in text
    assert "First difference at line" in text


async def test_a_far_miss_shows_the_nearest_region_with_line_numbers(work: Work) -> None:
    put(work, {"a.py": UTILS})
    text = await miss(work, ("def two():\n    return 3\n", "x"))
    assert (
        "The nearest region is lines 8-9:\n     8\tdef two():\n     9\t    return 2\n"
        "First difference at line 9:\n  file:   '    return 2'\n  search: '    return 3'\n"
    ) in text
    assert "The nearest region is lines 5-5" in await miss(work, ("    return 1 # one", "x"))
    assert "No part of the file is like it" in await miss(work, ("qqqqqqqqqqqq", "x"))


async def test_a_hunk_that_was_applied_before_is_recognised(work: Work) -> None:
    put(work, {"a.py": UTILS})
    text = await miss(work, ("return 7", "return 2"))
    assert (
        "The replacement text is already in the file, at line 9: this hunk may have been applied before."
        in text
    )


async def test_line_numbers_in_a_search_text_are_recognised(work: Work) -> None:
    put(work, {"a.py": UTILS})
    text = await miss(work, ("     4\tdef one():\n     5\t    return 1", "x"))
    assert "line numbers of read_file" in text


async def test_a_miss_in_a_large_file_takes_bounded_time(work: Work) -> None:
    put(
        work,
        {"a.py": "".join(f"value_{n} = compute({n}, 'some text here')\n" for n in range(60_000))},
    )
    text = await miss(work, ("value_x = compute(x, 'some texts')\nother", "x"))
    assert "search text not found" in text


async def test_hunks_that_change_nothing_ask_for_nothing(work: Work) -> None:
    put(work, {"a.py": UTILS})
    effect = await effect_of(
        "apply_diff", work, path="a.py", hunks=[{"search": "one", "replace": "one"}]
    )
    assert effect.kind == "read"
    assert (
        await call("apply_diff", work, path="a.py", hunks=[{"search": "one", "replace": "one"}])
    ).ok


async def test_a_missing_file_and_empty_hunks_are_said(work: Work) -> None:
    with pytest.raises(FileUnreadable, match="Use write_file to create it"):
        await effect_of("apply_diff", work, path="x.py", hunks=[{"search": "a", "replace": "b"}])
    for hunks in ([], [{"search": "", "replace": "b"}]):
        with pytest.raises(ValidationError):
            ApplyDiffParams.model_validate({"path": "a", "hunks": hunks})


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
async def test_b4_a_link_to_a_protected_name_can_be_told_by_what_it_resolves_to(work: Work) -> None:
    from kimi_jupyter.protocol.settings import Settings
    from kimi_jupyter.safety.protected import strictest

    root = put(work, {".git/hooks/pre-commit": "x\n"})
    (root / "notes.txt").symlink_to(".git/hooks/pre-commit")
    effect = await effect_of("write_file", work, path="notes.txt", content="evil\n")
    names = [name for path in effect.paths for name in (path, work.workspace.real(path))]
    verdict, why = decide(
        effect.kind, "bypass", Settings(), protected=strictest(names), allowlisted=False
    )
    assert (verdict, ".git/hooks/pre-commit" in why) == ("ask", True)
