"""What every answer has: a request id, headers that protect, errors in one form."""

import dataclasses
import logging

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from muster_platform.bootstrap import build
from muster_platform.errors import InvalidInput, PermissionDenied, RateLimited, Unavailable
from muster_platform.settings import Settings
from muster_platform.web.app import create_app


def test_an_unknown_address_is_a_problem_document_with_the_request_id(client: FlaskClient) -> None:
    answer = client.get("/api/v1/nothing", headers={"X-Request-ID": "mine-1"})
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    assert answer.json is not None
    assert answer.json["type"] == "urn:muster:problem:not_found"
    assert answer.json["request_id"] == answer.headers["X-Request-ID"] == "mine-1"


@pytest.mark.parametrize("given", ["a b", "x" * 65, "<script>", ""])
def test_a_request_id_unfit_for_a_log_is_replaced(client: FlaskClient, given: str) -> None:
    answer = client.get("/health/live", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] not in ("", given)


def test_a_wrong_method_names_the_right_ones(client: FlaskClient) -> None:
    answer = client.delete("/api/v1/auth/sign-in")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_a_body_too_large_is_refused_before_it_is_read(client: FlaskClient) -> None:
    answer = client.post(
        "/api/v1/auth/sign-in", data=b" " * 20_000, content_type="application/json"
    )
    assert answer.status_code == 413
    assert answer.json is not None
    assert "16384" in answer.json["detail"]


@pytest.mark.parametrize(
    ("error", "status", "members"),
    [
        (InvalidInput("bad", where="$.name"), 422, {"where": "$.name", "detail": "bad"}),
        (
            PermissionDenied("devices:write", "Berlin"),
            403,
            {"permission": "devices:write", "group": "Berlin"},
        ),
        (RateLimited("too many", 12), 429, {"retry_after_s": 12}),
        (Unavailable("away"), 503, {}),
    ],
)
def test_each_error_has_its_status_and_says_what_to_do(
    app: Flask, error: Exception, status: int, members: dict[str, object]
) -> None:
    def fail() -> None:
        raise error

    app.add_url_rule("/api/v1/fail", "fail", fail)
    answer = app.test_client().get("/api/v1/fail")
    assert answer.status_code == status
    assert answer.json is not None
    assert members.items() <= answer.json.items()
    if status in (429, 503):
        assert int(answer.headers["Retry-After"]) > 0


def test_a_bug_is_told_without_its_details_and_logged_with_them(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("secret inside")

    app.add_url_rule("/api/v1/fail", "fail", fail)
    with caplog.at_level(logging.ERROR):
        answer = app.test_client().get("/api/v1/fail", headers={"X-Request-ID": "r-1"})
    assert answer.status_code == 500
    assert b"secret inside" not in answer.data
    assert "r-1" in caplog.text
    assert "secret inside" in caplog.text


def test_api_answers_carry_no_page_and_are_not_kept(client: FlaskClient) -> None:
    headers = client.get("/health/live").headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_may_load_from_its_own_host_alone(app: Flask) -> None:
    app.add_url_rule("/page", "page", lambda: "hello")
    client = app.test_client()
    policies = [client.get("/page").headers["Content-Security-Policy"] for _ in range(2)]
    assert policies[0] != policies[1], "the nonce is of this answer alone"
    for policy in policies:
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "ws://live.example:8081" in policy
        assert "ws://localhost:8081" in policy, "the live process beside the host in use"


def test_a_host_header_cannot_write_policy(app: Flask) -> None:
    app.add_url_rule("/page", "page", lambda: "hello")
    answer = app.test_client().get("/page", headers={"Host": "x;script-src *"})
    assert "script-src *" not in answer.headers.get("Content-Security-Policy", "")


def test_proxies_are_believed_only_where_they_are_configured(settings: Settings) -> None:
    for hops, seen in ((0, "127.0.0.1"), (1, "10.1.2.3")):
        app = create_app(build(dataclasses.replace(settings, trusted_proxies=hops)), pages=False)
        app.add_url_rule("/api/ip", "ip", lambda: request.remote_addr or "")
        answer = app.test_client().get("/api/ip", headers={"X-Forwarded-For": "10.1.2.3"})
        assert answer.text == seen


def test_requests_are_counted_by_route_and_not_by_path(client: FlaskClient) -> None:
    client.get("/health/live")
    client.get("/api/v1/never/heard/of")
    figures = client.get("/metrics").text
    assert 'route="/health/live"' in figures
    assert "never/heard" not in figures


def test_metrics_ask_for_their_token_where_one_is_set(settings: Settings) -> None:
    app = create_app(build(dataclasses.replace(settings, metrics_token="scrape")), pages=False)
    client = app.test_client()
    assert client.get("/metrics").status_code == 401
    given = {"Authorization": "Bearer scrape"}
    assert client.get("/metrics", headers=given).status_code == 200


def test_health_live_needs_nothing_and_ready_says_what_is_missing(client: FlaskClient) -> None:
    assert client.get("/health/live").status_code == 200
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["ready"] is False
    assert "muster db upgrade" in answer.json["checks"]["migration"]
