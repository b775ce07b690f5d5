"""read_file: numbers, pages, notices, notebooks, and what it will not show."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from kimi_jupyter.agent.tool import Work
from kimi_jupyter.protocol.errors import FileUnreadable
from tests.pictures import GIF, JPEG, WEBP, png, url
from tests.tools.support import call, effect_of, put, work_in

pytestmark = pytest.mark.anyio


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return work_in(tmp_path)


async def read(work: Work, path: str, **arguments: object) -> str:
    return (await call("read_file", work, path=path, **arguments)).output


async def test_lines_come_with_their_numbers_and_the_total(work: Work) -> None:
    put(work, {"a.py": "one\n\ntwo"})
    result = await call("read_file", work, path="a.py")
    assert result.output == "     1\tone\n     2\t\n     3\ttwo\n[lines 1-3 of 3]"
    assert (result.ok, result.summary) == (True, "3 lines")
    assert (await effect_of("read_file", work, path="a.py")).title == "Read file a.py"


async def test_a_page_says_where_to_continue(work: Work) -> None:
    put(work, {"a.py": "".join(f"{n}\n" for n in range(1, 2501))})
    result = await call("read_file", work, path="a.py")
    assert result.output.endswith(
        "  1000\t1000\n[lines 1-1000 of 2,500; continue with offset=1001]"
    )
    assert result.summary == "lines 1-1000 of 2,500"
    assert (
        await read(work, "a.py", offset=2499)
        == "  2499\t2499\n  2500\t2500\n[lines 2499-2500 of 2,500]"
    )
    beyond = await call("read_file", work, path="a.py", offset=2501)
    assert (beyond.ok, beyond.output) == (
        False,
        "The file has 2,500 lines; there is no line 2,501.",
    )


async def test_a_page_ends_at_100_kb(work: Work) -> None:
    put(work, {"a.txt": ("x" * 999 + "\n") * 500})
    output = await read(work, "a.txt")
    assert 95_000 < len(output) < 101_000
    assert output.endswith("[lines 1-99 of 500; continue with offset=100]")


async def test_a_long_line_is_cut_and_that_is_said(work: Work) -> None:
    put(work, {"a.txt": "short\n" + "y" * 3000 + "\n"})
    output = await read(work, "a.txt")
    assert "     2\t" + "y" * 2000 + "… [1,000 more characters]\n" in output
    assert "line 2 cut at 2,000 characters" in output


async def test_the_form_of_a_file_is_said(work: Work) -> None:
    put(work, {"a.txt": "é\r\n".encode("utf-16"), "b.py": b"# coding: latin-1\r\n\xe9\n"})
    assert (await read(work, "a.txt")).endswith(
        "[lines 1-1 of 1; utf-16-le with byte order mark, CRLF line ends]"
    )
    assert "\té\n[lines 1-2 of 2; iso8859-1, CRLF and LF line ends]" in await read(work, "b.py")


async def test_an_empty_file_is_said(work: Work) -> None:
    put(work, {"a.txt": ""})
    assert await read(work, "a.txt") == "a.txt is empty (0 lines)."


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n", "begins like a PNG image but is damaged"),
        ("a.xlsx", b"PK\x03\x04", "is an Excel workbook"),
        ("a.zip", b"PK\x03\x04", "is a zip archive"),
        ("a.parquet", b"PAR1", "is a Parquet file"),
        ("a.bin", b"abc\0def", "is a binary file"),
        ("a.txt", b"caf\xe9\n", "is not valid utf-8 text"),
    ],
)
async def test_what_is_no_text_is_named(work: Work, name: str, data: bytes, words: str) -> None:
    put(work, {name: data})
    with pytest.raises(FileUnreadable, match=words):
        await read(work, name)


async def test_a_missing_file_comes_with_near_names(work: Work) -> None:
    put(work, {"src/utils.py": "", "src/other.py": "", "README.md": ""})
    with pytest.raises(
        FileUnreadable, match=r"no file 'src/util\.py'\. Did you mean src/utils\.py\?"
    ):
        await read(work, "src/util.py")
    with pytest.raises(FileUnreadable, match=r"Did you mean src/utils\.py\?"):
        await read(work, "lib/utils.py")
    with pytest.raises(FileUnreadable, match="Use list_files"):
        await read(work, "qqqqqqq.rs")


async def test_a_notebook_is_shown_as_cells(work: Work) -> None:
    cells = [
        {"cell_type": "markdown", "id": "aa", "source": "# Title", "metadata": {}},
        {
            "cell_type": "code",
            "id": "bb",
            "execution_count": 2,
            "source": ["x = 1\n", "x"],
            "metadata": {},
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": "z" * 1500},
                {
                    "output_type": "execute_result",
                    "data": {"text/plain": ["1"], "image/png": "iVBOR"},
                },
                {
                    "output_type": "error",
                    "ename": "ValueError",
                    "evalue": "bad",
                    "traceback": ["long"],
                },
            ],
        },
        {"cell_type": "code", "source": "", "outputs": [], "execution_count": None},
    ]
    put(
        work,
        {"a.ipynb": json.dumps({"cells": cells, "metadata": {"kernelspec": {"name": "python3"}}})},
    )
    assert await read(work, "a.ipynb") == (
        "Notebook a.ipynb: 3 cells, kernel python3\n\n"
        "--- cell 0, id aa, markdown\n# Title\n\n"
        "--- cell 1, id bb, code, run 2\nx = 1\nx\n"
        f"[stdout]\n{'z' * 1000}\n[… 500 characters of output left out]\n"
        "[output also image/png]\n1\n[error] ValueError: bad\n\n"
        "--- cell 2, id none, code, not run\n"
        "[lines 1-16 of 16; a view of the cells; raw=true shows the JSON text]"
    )
    assert (await read(work, "a.ipynb", raw=True)).startswith('     1\t{"cells": [')


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": 3}', '{"cells": [1, null]}', "[" * 100_000])
async def test_a_broken_notebook_is_shown_as_text_or_as_far_as_it_goes(
    work: Work, text: str
) -> None:
    put(work, {"a.ipynb": text})
    assert (await call("read_file", work, path="a.ipynb")).ok


async def test_b10_a_huge_file_is_read_in_part(work: Work) -> None:
    root = put(work, {"a.csv": ""})
    with open(root / "a.csv", "wb") as file:
        for _ in range(12):
            file.write(b"".join(b"%09d,x\n" % n for n in range(100_000)))
    output = await read(work, "a.csv", offset=100_001, limit=2)
    assert output == (
        "100001\t000000000,x\n100002\t000000001,x\n"
        "[lines 100001-100002 of the file; continue with offset=100003;"
        " the file is large (13.7 MB), so its lines are not counted]"
    )


@pytest.mark.skipif(os.name == "nt", reason="sparse files of POSIX")
async def test_b10_a_huge_line_and_a_sparse_file_take_little(work: Work) -> None:
    root = put(work, {"line.txt": "x" * 20_000_000, "sparse": ""})
    os.truncate(root / "sparse", 10 * 1024**3)
    output = await read(work, "line.txt")
    assert len(output) < 5000
    assert "cut at 2,000 characters" in output
    with pytest.raises(FileUnreadable, match="binary file"):
        await read(work, "sparse")


@pytest.mark.parametrize(
    ("data", "kind", "what"),
    [
        (png(30, 20), "png", "PNG image, 30 × 20 pixels"),
        (JPEG, "jpeg", "JPEG image, 3 × 2 pixels"),
        (WEBP, "webp", "WebP image, 1 × 1 pixels"),
        (GIF, "gif", "GIF image, 1 × 1 pixels"),
    ],
)
async def test_an_image_is_shown_to_a_model_that_sees(
    work: Work, data: bytes, kind: str, what: str
) -> None:
    put(work, {"plots/a.dat": data})
    result = await call("read_file", replace(work, sees_images=True), path="plots/a.dat")
    assert result.images == (url(data, kind),)
    assert result.output.startswith(f"plots/a.dat is a {what}, {len(data)} B; it is shown")
    assert (result.ok, result.summary) == (True, what)


async def test_a_model_that_can_not_see_is_told_what_the_image_is(work: Work) -> None:
    put(work, {"a.png": png(30, 20)})
    result = await call("read_file", work, path="a.png")
    assert result.images == ()
    assert "a.png is a PNG image, 30 × 20 pixels" in result.output
    assert "can't see images: ask the user to choose one that can" in result.output
    assert not result.ok


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (png(700, 400, noise=1), r"bytes; an image may have 1,048,576 \(1 MB\)\. Save a smaller"),
        (png(4097, 1), r"4,097 × 1 pixels; an image may have 4,096 on its longer side"),
        (png(30, 20)[:-4] + b"\0\0\0\0", "damaged or cut off"),
        (JPEG[:-2], "damaged or cut off"),
        (GIF[:-1], "damaged or cut off"),
        (WEBP[:-4], "damaged or cut off"),
    ],
)
async def test_an_image_that_the_api_would_refuse_is_refused_here(
    work: Work, data: bytes, said: str
) -> None:
    put(work, {"a.png": data})
    with pytest.raises(FileUnreadable, match=said):
        await call("read_file", replace(work, sees_images=True), path="a.png")
