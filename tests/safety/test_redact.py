"""Redaction: what goes, and what must stay."""

from __future__ import annotations

import pytest

from kimi_jupyter.safety.redact import MARK, redact

KEY = "sk-aB3dE6gH9jK2mN5pQ8sT1vW4yZ7aB3dE6gH9jK2mN5pQ8"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"key={KEY}.", f"key={MARK}."),
        ("sk-proj-aB3dE6gH9jK2mN5pQ8sT-x_y", MARK),
        ("Authorization: Bearer abcdef12345", f"Authorization: Bearer {MARK}"),
        ('{"authorization": "Basic dXNlcjpwdw=="}', f'{{"authorization": "Basic {MARK}"}}'),
        ("curl -H 'Authorization: token ghp_abcdefgh'", f"curl -H 'Authorization: token {MARK}'"),
        ("git clone https://user:pw@host/x.git", f"git clone https://{MARK}@host/x.git"),
        ("https://ghp_0123456789abcdefghij@github.com/x", f"https://{MARK}@github.com/x"),
        ("sent bearer 0123456789abcdefXYZ", f"sent bearer {MARK}"),
    ],
)
def test_a_secret_is_taken_out(text: str, left: str) -> None:
    assert redact(text) == left


@pytest.mark.parametrize(
    "text",
    [
        '<div class="sk-toggleable__content fitted sk-estimator-doc-link">',
        "pip install sk-learn-extra-something-long-name",
        "ssh://git@github.com/x.git and mailto:me@example.org",
        "the bearer of this letter; authorization: required",
        "task-0123456789abcdef0123456789",
        "https://example.org/a:b@c",
        "TOKEN = get_token()",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


def test_given_secrets_go_in_every_form() -> None:
    assert redact('a pp/w"1 b pp%2Fw%221 c pp/w\\"1', ['pp/w"1']) == f"a {MARK} b {MARK} c {MARK}"
    assert redact("a short one", ["a"]) == "a short one"
