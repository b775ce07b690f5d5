"""Images by their bytes: what they are, how large, and that no bytes break the look at them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kimi_jupyter.protocol.errors import FileUnreadable
from kimi_jupyter.safety import pictures
from tests.pictures import GIF, JPEG, WEBP, png, url

WHOLE = {"png": png(7, 5), "jpeg": JPEG, "webp": WEBP, "gif": GIF}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_whole_image_goes_to_its_url_and_back(kind: str) -> None:
    data = WHOLE[kind]
    assert pictures.is_image(data[:16])
    assert pictures.data_url(data) == url(data, kind)
    assert pictures.of_url(url(data, kind)) == pictures.measured(data, "a")


@pytest.mark.parametrize("kind", WHOLE)
def test_an_image_that_is_cut_off_anywhere_is_refused(kind: str) -> None:
    data = WHOLE[kind]
    for end in range(12, len(data)):
        with pytest.raises(FileUnreadable, match="damaged or cut off"):
            pictures.measured(data[:end], "a")


def test_the_pixels_of_every_form_of_webp_are_read() -> None:
    extended = b"VP8X" + (10).to_bytes(4, "little") + bytes(4) + b"\x63\0\0\x31\0\0"
    lossless = b"VP8L" + (9).to_bytes(4, "little") + b"\x2f" + (99 | 49 << 14).to_bytes(4, "little")
    for body in (extended, lossless.ljust(30, b"\0")):
        data = b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WEBP" + body
        assert str(pictures.measured(data, "a")) == "WebP image, 100 × 50 pixels"


@pytest.mark.parametrize(
    "start", [b"", b"BM", b"<svg", b"GIF8", b"\0\0\0\x1cftypavif", b"II*\0", b"RIFF\0\0\0\0WAVE"]
)
def test_other_files_are_no_images(start: bytes) -> None:
    assert not pictures.is_image(start)


@given(st.sampled_from(sorted(WHOLE)), st.data())
@settings(max_examples=400, deadline=None)
def test_no_bytes_break_the_look_at_an_image(kind: str, draw: st.DataObject) -> None:
    data = bytearray(WHOLE[kind])
    for _ in range(draw.draw(st.integers(1, 6))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    data += draw.draw(st.binary(max_size=40))
    if not pictures.is_image(bytes(data)):
        return
    try:
        picture = pictures.measured(bytes(data), "a")
    except FileUnreadable:
        return
    assert 0 < max(picture.width, picture.height) <= pictures.MOST_EDGE
    assert pictures.of_url(pictures.data_url(bytes(data))) == picture
