"""Redaction: what goes, and what must stay."""

from __future__ import annotations

import pytest

from kimi_jupyter.safety.redact import MARK, redact

KEY = "sk-aB3dE6gH9jK2mN5pQ8sT1vW4yZ7aB3dE6gH9jK2mN5pQ8"


def test_e5_danger_an_environment_and_a_trace_hold_the_key() -> None:
    """The weak stub takes out lines that name a key, and leaves what stands anywhere else."""
    found = f"PATH=/bin\nTOOL_CONFIG={KEY}\n  File 'a.py', line 1\nValueError: {KEY}\n"
    naive = "\n".join(line for line in found.splitlines() if "API_KEY" not in line)
    assert KEY in naive
    assert KEY not in redact(found)


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
def test_e5_a_secret_is_taken_out(text: str, left: str) -> None:
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
        "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "550e8400-e29b-41d4-a716-446655440000",
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
        "git+ssh://git@host/x.git@v1.0#egg=x",
        "http://localhost:8888/lab/tree/a@b.ipynb",
        "postgresql://host:5432/db?user=me",
        "headers={'Authorization': f'Bearer {token}'}",
        "Authorization: Bearer $TOKEN",
        "def authorization(request): return request.headers.get('authorization')",
        "class SkLearnEstimator: pass  # sk-learn, sk-image, task-runner-0123456789-abcdefghij",
        "https://example.org/sk-some-page-name-about-risk-management-2024",
        "bearer: HttpBearer = Depends(oauth2_scheme)",
        "x = 1  # kimi-k2.6, moonshot-v1-128k-vision-preview",
        "accuracy@10: 0.98 (user:item) //comment a:b@c",
    ],
)
def test_e5_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


def test_e5_given_secrets_go_in_every_form() -> None:
    assert redact('a pp/w"1 b pp%2Fw%221 c pp/w\\"1', ['pp/w"1']) == f"a {MARK} b {MARK} c {MARK}"
    assert redact("a short one", ["a"]) == "a short one"
