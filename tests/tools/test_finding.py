"""list_files and search_files: the tree, ignore files, and that ripgrep and the fallback see the same."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kimi_jupyter.agent.tool import Work
from kimi_jupyter.protocol.errors import FileUnreadable, KimiError, PathRefused
from kimi_jupyter.safety.ignore import is_ignored, parse
from kimi_jupyter.tools import finder
from kimi_jupyter.tools.finder import Query, find
from kimi_jupyter.tools.globs import Glob
from kimi_jupyter.tools.threads import Stop
from tests.tools.support import call, put, until_async, work_in

pytestmark = pytest.mark.anyio
RG = shutil.which("rg", path=str(Path(sys.executable).parent))
needs_rg = pytest.mark.skipif(RG is None, reason="no ripgrep beside Python")

TREE: dict[str, str | bytes] = {
    ".gitignore": "*.log\n/build/\n!keep.log\ndata/**/raw\n# comment\ntrailing   \nsub/only\\ here\n[ab].tmp\n",
    "a.py": "def needle(x):\n    return x\n\nNeedle = needle\n",
    "b.log": "needle\n",
    "keep.log": "needle in keep\n",
    "build/x.py": "needle\n",
    "src/build/y.py": "needle\n",
    "data/one/raw/z.csv": "needle\n",
    "data/raw": "needle\n",
    "trailing": "needle\n",
    "a.tmp": "needle\n",
    "c.tmp": "needle\n",
    "sub/.gitignore": "*.py\n!b.py\n",
    "sub/a.py": "needle\n",
    "sub/b.py": "needle\n",
    "sub/deep/a.py": "needle\n",
    "sub/only here": "needle\n",
    "sub/x.log": "needle\n",
    "nested/.git/config": "needle\n",
    "nested/q.log": "needle\n",
    "nested/q.txt": "needle\n",
    ".git/config": "needle\n",
    ".github/x.yml": "needle: 1\n",
    "node_modules/m/index.js": "needle\n",
    ".ipynb_checkpoints/a-checkpoint.ipynb": "needle\n",
    "__pycache__/a.pyc": "needle\n",
    ".env": "KEY=needle\n",
    "keys/id_rsa": "needle\n",
    "server.pem": "needle\n",
    "utf16.txt": "x\nneedle é\n".encode("utf-16"),
    "crlf.txt": b"first\r\nthe needle\r\n",
    "latin.txt": b"caf\xe9 needle\n",
    "binary.bin": b"needle\0\n",
    "late.bin": b"needle\n" * 50_000 + b"\0",
    "long.txt": "x" * 5000 + "needle" + "y" * 5000 + "\n",
    "nolastline.txt": "a\nneedle",
    "empty.txt": "",
    "uni.txt": "Äpfel ſ needle٣\n",
    "sp ace/ümlaut.md": "needle\n",
}


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return work_in(tmp_path)


async def search(work: Work, pattern: str, **arguments: object) -> str:
    return (await call("search_files", work, pattern=pattern, **arguments)).output


def hits(
    work: Work, pattern: str, *, rg: str | None, path: str = ".", **options: object
) -> dict[str, dict[int, int]]:
    glob = options.get("glob")
    stop = Stop()
    query = Query(
        workspace=work.workspace,
        path=path,
        is_folder=(work.workspace.root / path).is_dir(),
        pattern=pattern,
        ignore_case=bool(options.get("ignore_case")),
        glob=Glob(str(glob)) if glob else None,
        seconds=20,
    )
    try:
        found = find(query, stop, rg=rg)
    finally:
        stop.close()
    assert not found.is_late
    found.hits.pop("late.bin", None)  # dropped later, when its text is read
    if "latin.txt" in found.hits:  # columns of bytes that are no UTF-8 are counted differently
        found.hits["latin.txt"] = dict.fromkeys(found.hits["latin.txt"], 1)
    return found.hits


@needs_rg
@pytest.mark.parametrize(
    ("pattern", "options"),
    [
        ("needle", {}),
        ("NEEDLE", {"ignore_case": True}),
        (r"^needle$", {}),
        (r"needle$", {}),
        (r"\bneedle\b", {}),
        (r"needle\d", {}),
        (r"\w+ \w needle", {}),
        (r"[Nn]eedle\s*[=(]", {}),
        (r"n(e|ee)dle|def", {}),
        (r"x{3,}n", {}),
        (r"(?i)Äpfel", {}),
        (r"(?<=the )needle", {}),
        (r"(n)e{2}d.*\1", {}),
        ("needle", {"glob": "*.py"}),
        ("needle", {"glob": "*.{py,log}"}),
        ("needle", {"glob": "sub/**"}),
        ("needle", {"glob": "**/build/*.py"}),
        ("needle", {"glob": "[ab].py"}),
        ("needle", {"path": "sub"}),
        ("needle", {"path": "sub/deep"}),
        ("needle", {"path": "build"}),
        ("needle", {"path": "data/one"}),
        ("needle", {"path": "node_modules"}),
        ("needle", {"path": "sub/a.py"}),
        ("needle", {"path": ".env"}),
        ("needle", {"path": "nested"}),
        ("absent", {}),
    ],
)
async def test_ripgrep_and_the_fallback_find_the_same(
    work: Work, pattern: str, options: dict[str, object]
) -> None:
    put(work, TREE)
    with_rg = await asyncio.to_thread(hits, work, pattern, rg=RG, **options)  # type: ignore[arg-type]
    without = await asyncio.to_thread(hits, work, pattern, rg=None, **options)  # type: ignore[arg-type]
    assert with_rg == without
    assert bool(with_rg) == (
        pattern != "absent" and options.get("path") not in ("data/one", "sub/deep")
    )


async def test_a_search_answers_path_line_and_text_with_totals(work: Work) -> None:
    put(work, {"b.py": "x\nneedle one\n", "a/c.py": "needle two\nneedle three\r\n"})
    assert await search(work, "needle") == (
        "a/c.py:1: needle two\na/c.py:2: needle three\nb.py:2: needle one\n"
        "[3 matching lines in 2 files; files with secrets are not searched]"
    )
    assert await search(work, "needle", limit=1) == (
        "a/c.py:1: needle two\n[3 matching lines in 2 files; the first 1 are shown: narrow the pattern, the path or the"
        " glob; files with secrets are not searched]"
    )
    assert await search(work, "absent") == "[no line matches; files with secrets are not searched]"


async def test_what_is_ignored_secret_or_binary_is_not_searched(work: Work) -> None:
    put(work, TREE)
    output = await search(work, "needle")
    found = sorted({line.split(":")[0] for line in output.splitlines()[:-1]})
    assert found == sorted(
        [
            ".github/x.yml", "a.py", "c.tmp", "crlf.txt", "keep.log", "latin.txt", "long.txt", "nested/q.txt",
            "nolastline.txt", "sp ace/ümlaut.md", "src/build/y.py", "sub/b.py", "uni.txt", "utf16.txt",
        ]
    )  # fmt: skip


async def test_b8_a_secret_file_cannot_be_felt_out_by_a_search(work: Work) -> None:
    put(work, {".env": "KEY=abc\n", "x.txt": "nothing\n"})
    assert await search(work, "KEY=a") == await search(work, "KEY=b")
    assert "KEY=abc" in await search(work, "KEY", path=".env")


async def test_a_long_line_is_cut_around_the_match(work: Work) -> None:
    put(work, {"long.txt": "é" * 5000 + "needle" + "y" * 5000 + "\n"})
    line = (await search(work, "needle")).split("\n")[0]
    assert line.startswith("long.txt:1: … é")
    assert "éneedley" in line
    assert len(line) < 330


async def test_literal_text_and_case_are_options(work: Work) -> None:
    put(work, {"a.txt": "f(x)\nF(X)\n"})
    assert (await search(work, "f(x)", literal=True)).startswith("a.txt:1: f(x)\n[1 matching")
    assert "2 matching" in await search(work, "f(x)", literal=True, case_sensitive=False)


@pytest.mark.parametrize("pattern", ["f(", "[[:alpha:]]", "*x", "a{1,2}{3}x**"])
async def test_a_bad_pattern_is_said_with_the_way_out(work: Work, pattern: str) -> None:
    with pytest.raises(KimiError, match=r"no valid regular expression.*literal=true"):
        await search(work, pattern)


async def test_j4_a_pattern_that_never_ends_is_stopped(work: Work) -> None:
    put(work, {"a.txt": "a" * 60 + "\n"})
    stop = Stop()
    query = Query(work.workspace, ".", True, "(a|a)+b", False, None, seconds=0.5)
    try:
        found = await asyncio.wait_for(asyncio.to_thread(find, query, stop, rg=None), 10)
    finally:
        stop.close()
    assert (found.is_late, found.hits) == (True, {})


async def test_a_cancelled_search_ends_at_once(work: Work) -> None:
    put(work, {"a.txt": "a" * 60 + "\n"})
    running = asyncio.ensure_future(search(work, "(a|a)+b(?=c)"))
    own = Path(finder.__file__).with_name("matcher.py").name

    def matchers() -> list[str]:
        children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
        pids = [pid for child in children for pid in child.read_text().split()]
        return [pid for pid in pids if own.encode() in _arguments(pid)]

    if Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").exists():
        assert await until_async(lambda: bool(matchers()))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 5)
    assert matchers() == []


def _arguments(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("tool", ["search_files", "list_files"])
@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
async def test_b1_folders_outside_are_refused_and_links_out_are_not_followed(
    work: Work, tmp_path: Path, tool: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.txt").write_text("needle")
    put(work, {"in/x.txt": "nothing"})
    (work.workspace.root / "in" / "out").symlink_to(tmp_path / "elsewhere")
    arguments = {"pattern": "needle"} if tool == "search_files" else {"depth": 5}
    for path in ("..", "/", "in/out", str(tmp_path / "elsewhere")):
        with pytest.raises(PathRefused):
            await call(tool, work, path=path, **arguments)
    assert "secret" not in (await call(tool, work, path=".", **arguments)).output.replace(
        "files with secrets", ""
    )
    with pytest.raises(FileUnreadable):
        await call(tool, work, path="missing", **arguments)


async def test_a_folder_is_shown_as_a_tree(work: Work) -> None:
    put(
        work,
        {
            "src/deep/more/x.py": "",
            "src/deep/y.py": "",
            "src/a.py": "12345",
            "Big.csv": "x" * 2048,
            "z.log": "",
            ".gitignore": "*.log\n",
            ".git/config": "",
            "node_modules/m.js": "",
        },
    )
    (work.workspace.root / "empty").mkdir()
    result = await call("list_files", work)
    assert result.output == (
        "./\n  empty/  (0 entries)\n  src/\n    deep/  (2 entries)\n    a.py  5 B\n  .gitignore  6 B\n"
        "  Big.csv  2.0 KB\n[6 entries shown, left out: .git, node_modules, 1 by .gitignore]"
    )
    assert result.summary == "6 entries"
    assert (await call("list_files", work, path="src", depth=1)).output == (
        "src/\n  deep/  (2 entries)\n  a.py  5 B\n[2 entries shown]"
    )


async def test_a_listing_keeps_to_its_limit_upper_levels_first(work: Work) -> None:
    put(work, {f"{folder}/{n:02}.txt": "" for folder in ("a", "b") for n in range(30)})
    output = (await call("list_files", work, limit=10)).output
    lines = output.split("\n")
    assert lines[:3] == ["./", "  a/", "    00.txt  0 B"]
    assert "    … 22 more" in lines
    assert "  b/  (30 entries)" in lines
    assert lines[-1] == "[10 entries shown, the limit is reached: list a subfolder or raise limit]"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="names of any bytes")
async def test_j4_odd_names_and_loops_are_shown_on_one_line(work: Work) -> None:
    root = put(work, {"new\nline": "", "x/y": ""})
    (root / "x" / "loop").symlink_to("..")
    with open(os.fsencode(root) + b"/bad\xff", "wb"):
        pass
    output = (await call("list_files", work, depth=10)).output
    assert "new\\nline  0 B" in output
    assert "loop  (link)" in output
    assert "bad" in output
    assert len(output.split("\n")) == 7
    output.encode()


async def test_an_ignore_file_is_read_as_git_reads_it(tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("compares with git")
    rules = [
        "*.log", "/top", "dir/", "a/b", "**/deep", "x/**", "p/**/q", "!keep.log", "\\#hash", "\\!bang", "sp\\ ",
        "[0-9].t", "[!0-9].u", "q?z", "*", "!*.py", "foo*bar", "**", "[]x].c", "n/*", "!n/a", "tab\t",
    ]  # fmt: skip
    paths = [
        "x.log", "keep.log", "top", "s/top", "dir/f", "s/dir/f", "a/b", "s/a/b", "deep", "s/t/deep", "x/y", "x/y/z",
        "p/q", "p/1/q", "p/1/2/q", "#hash", "!bang", "sp ", "1.t", "a.t", "1.u", "a.u", "qaz", "q/z", "m.py", "foobar",
        "foo/bar", "foo1bar", "].c", "x.c", "n/a", "n/b", "n/c/d", "tab\t", "tab",
    ]  # fmt: skip
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for first in rules:
        for text in (first, f"{first}\n!*.py", f"*\n!{first}"):
            (tmp_path / ".gitignore").write_text(text + "\n")
            done = subprocess.run(
                ["git", "-C", str(tmp_path), "check-ignore", "--no-index", "-z", "--stdin"],
                input="\0".join(paths).encode(),
                capture_output=True,
            )
            expected = {name.decode() for name in done.stdout.split(b"\0") if name}
            chain = (parse(".", text),)
            ours = {path for path in paths if _left_out(path, chain)}
            assert ours == expected, text


def _left_out(path: str, chain: tuple[object, ...]) -> bool:
    parts = path.split("/")
    return any(
        is_ignored("/".join(parts[:end]), chain, is_folder=end < len(parts))  # type: ignore[arg-type]
        for end in range(1, len(parts) + 1)
    )


@needs_rg
async def test_a_search_of_many_files_ends_in_bounded_time_and_says_what_it_left_out(
    work: Work,
) -> None:
    put(work, {f"d{n % 20}/f{n}.txt": "needle\n" * 20 for n in range(1500)})
    output = await asyncio.wait_for(search(work, "needle"), 30)
    assert "[more than 20,000 matching lines in" in output
    assert output.count("\n") == 250
