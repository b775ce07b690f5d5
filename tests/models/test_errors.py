"""Each answer of the API: its kind, its words, and what to do."""

from __future__ import annotations

import json

import pytest

from kimi_jupyter.models.errors import from_body
from kimi_jupyter.protocol.errors import ModelError
from tests.moonshot import script
from tests.moonshot.script import Failure

URL = "https://user:hunter2@api.moonshot.ai/v1?key=secret"


def _error(failure: Failure) -> ModelError:
    body = {"error": {"message": failure.message, "type": failure.type}}
    return from_body(failure.status, failure.html or json.dumps(body), failure.headers, url=URL)


def _refusal(status: int, type: str, message: str = "Words of the API") -> Failure:
    return Failure(status, type, message)


TOO_LONG = "Invalid request: Your request exceeded model token limit: 262144 (requested: 274613)"
QUOTA = "You exceeded your current token quota: <org-1> 0, please check your account balance"


@pytest.mark.parametrize(
    ("failure", "fault", "retry", "advice"),
    [
        (_refusal(401, "invalid_authentication_error"), "bad_key", False, "platform.moonshot.ai"),
        (_refusal(401, "incorrect_api_key_error"), "bad_key", False, "api.moonshot.cn"),
        (_refusal(401, ""), "bad_key", False, "Check the API key"),
        (_refusal(403, "permission_denied_error"), "forbidden", False, "your account"),
        (
            _refusal(404, "resource_not_found_error", "Not found the model x or Permission denied"),
            "unknown_model",
            False,
            "another model",
        ),
        (_refusal(400, "invalid_request_error"), "bad_request", False, "new task"),
        (_refusal(400, "invalid_request_error", TOO_LONG), "too_long", False, "send less"),
        (
            _refusal(400, "invalid_request_error", "Input token length too long"),
            "too_long",
            False,
            "send less",
        ),
        (
            _refusal(413, "unknown", "Request exceeds the maximum size"),
            "too_long",
            False,
            "send less",
        ),
        (script.high_risk(), "content_filter", False, "other words"),
        (script.rate_limited(), "rate_limit", True, "Wait a little"),
        (script.rate_limited("max concurrency: 1"), "rate_limit", True, "Wait a little"),
        (script.daily_limit(), "daily_limit", False, "tomorrow"),
        (script.overloaded(), "overloaded", True, "some minutes"),
        (script.no_money(), "quota", False, "Top up"),
        (_refusal(429, "exceeded_current_quota_error", QUOTA), "quota", False, "Top up"),
        (_refusal(403, "exceeded_current_quota_error"), "quota", False, "Top up"),
        (script.server_error(), "server", True, "some minutes"),
        (_refusal(500, "server_error"), "server", True, "some minutes"),
        (_refusal(503, "server_unavailable"), "server", True, "some minutes"),
        (script.gateway_timeout(), "server", True, "answered 504"),
        (_refusal(429, "something_else"), "rate_limit", True, "Wait a little"),
        (_refusal(418, "something_else"), "bad_request", False, "new task"),
    ],
)
def test_kind_words_and_advice(failure: Failure, fault: str, retry: bool, advice: str) -> None:
    error = _error(failure)
    assert (error.fault, error.retry) == (fault, retry)
    assert failure.message in str(error)
    assert advice in str(error)


def test_the_least_wait_is_taken_from_headers_or_words() -> None:
    assert _error(script.rate_limited(retry_after=7)).retry_after == 7
    assert (
        _error(
            Failure(429, "rate_limit_reached_error", "please try again after 9 seconds")
        ).retry_after
        == 9
    )
    assert _error(script.overloaded()).retry_after == 0
    assert (
        _error(
            Failure(429, "rate_limit_reached_error", "", {"Retry-After": "Wed, 21 Oct"})
        ).retry_after
        == 0
    )


def test_a_page_where_the_api_should_be_names_the_base_url() -> None:
    error = _error(Failure(404, html="<html>Not here</html>"))
    assert error.fault == "unreachable"
    assert "https://api.moonshot.ai/v1" in str(error)
    assert "kimi.baseUrl" in str(error)


def test_a_redirect_is_named_and_not_followed() -> None:
    error = _error(
        Failure(302, html="moved", headers={"Location": "https://x.org/login?token=abc"})
    )
    assert "https://x.org/login" in str(error)
    assert (error.fault, error.retry) == ("unreachable", False)


def test_the_request_id_is_in_the_text() -> None:
    error = _error(Failure(500, "server_error", "no", {"Msh-Request-Id": "5995686c-e7f2"}))
    assert str(error).endswith("(Msh-Request-Id: 5995686c-e7f2)")


def test_no_secret_is_in_the_text() -> None:
    key = "sk-0123456789abcdef0123456789abcdef"
    words = f"Incorrect key {key}; Authorization: Bearer {key}"
    for failure in (
        _refusal(401, "incorrect_api_key_error", words),
        Failure(302, html="x", headers={"Location": "https://me:hunter2@x.org/?token=secret"}),
        Failure(504, html="x"),
        Failure(404, html="x"),
    ):
        text = str(_error(failure))
        assert all(secret not in text for secret in (key, "hunter2", "secret")), text


@pytest.mark.parametrize(
    "body", ["", "null", "[]", '"x"', '{"error": null}', "{", b"\xff\xfe", '{"error": []}']
)
def test_any_body_gives_an_error(body: str | bytes) -> None:
    assert from_body(500, body, {}, url=URL).fault == "server"
    assert from_body(400, body, {}, url=URL).fault == "unreachable"


def test_words_that_never_end_are_cut() -> None:
    assert len(str(_error(_refusal(400, "invalid_request_error", "x" * 100_000)))) < 1000
