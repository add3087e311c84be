"""The headers that protect a browser are on every answer: pages, API, files, errors."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from muster_platform.errors import NotAuthenticated
from muster_platform.web.api import ROUTES
from tests.integration.web.conftest import ADMIN, World
from tests.integration.web.page_samples import rules, url_of
from tests.integration.web.samples import fresh, path_of
from tests.integration.web.test_page_matrix import signed_in
from tests.services.database import MigratedSqlite

ALWAYS = {
    "X-Content-Type-Options": r"nosniff",
    "Referrer-Policy": r"same-origin|no-referrer",
    "X-Frame-Options": r"DENY",
    "Cross-Origin-Opener-Policy": r"same-origin",
    "Cross-Origin-Resource-Policy": r"same-origin",
    "Permissions-Policy": r".*camera=\(\).*",
    "X-Request-ID": r"[A-Za-z0-9._-]{1,64}",
}
PAGE = {
    "default-src": {"'self'", "'none'"},
    "object-src": {"'none'"},
    "base-uri": {"'none'"},
    "form-action": {"'self'"},
    "frame-ancestors": {"'none'"},
}


@pytest.fixture
def world(make_world: Callable[..., World], migrated_sqlite: MigratedSqlite) -> World:
    return make_world(migrated_sqlite.copy(), pages=True, cookie_secure=True)


@pytest.fixture
def client(world: World) -> FlaskClient:
    """Give a browser that came over HTTPS: the cookies are for that alone."""
    client = signed_in(world, ADMIN)
    client.environ_base["wsgi.url_scheme"] = "https"
    return client


def directives(policy: str) -> dict[str, list[str]]:
    parts = [part.split() for part in policy.split(";")]
    return {words[0]: words[1:] for words in parts if words}


def lacking(answer: TestResponse, *, kept: bool = False) -> Iterator[str]:
    """Say what is wrong with the headers of an answer.

    Args:
        kept: a file that browsers may keep.
    """
    for name, pattern in ALWAYS.items():
        if not re.fullmatch(pattern, answer.headers.get(name, "")):
            yield f"{name}: {answer.headers.get(name)!r}"
    if "max-age=31536000" not in answer.headers.get("Strict-Transport-Security", ""):
        yield "no HSTS"
    yield from loose(answer)
    if not kept and "no-store" not in answer.headers.get("Cache-Control", ""):
        yield f"may be kept: {answer.headers.get('Cache-Control')!r}"


def loose(answer: TestResponse) -> Iterator[str]:
    """Say what a policy lets in."""
    policy = answer.headers.get("Content-Security-Policy", "")
    if "unsafe" in policy or "*" in policy or "http:" in policy:
        yield f"a loose policy: {policy}"
    found = directives(policy)
    if answer.content_type.startswith("text/html"):
        for name, allowed in PAGE.items():
            if not set(found.get(name, ["missing"])) <= allowed:
                yield f"{name}: {found.get(name)}"
        if not re.search(r"'nonce-[\w-]{16,}'", policy):
            yield "no nonce"
    elif found.get("default-src") not in (["'none'"], ["'self'"]):
        yield f"no policy: {policy}"


def test_on_every_page_and_file(world: World, client: FlaskClient) -> None:
    names, wrong = fresh(world), []
    for rule in rules(world.app, "GET"):
        url = url_of(rule, names)
        answer = client.get(url, base_url="https://localhost")
        answer.get_data()
        wrong += [f"{url} {answer.status_code}: {line}" for line in lacking(answer)]
    asset = re.search(r'href="(/assets/[^"]+\.css)"', client.get("/admin/sign-in").text)
    stylesheet = (
        asset.group(1)
        if asset
        else re.search(
            r'href="(/assets/[^"]+\.css)"', client.get("/admin/", base_url="https://localhost").text
        ).group(1)
    )  # type: ignore[union-attr]
    with client.get(stylesheet, base_url="https://localhost") as answer:
        assert answer.status_code == 200
        wrong += [f"{stylesheet}: {line}" for line in lacking(answer, kept=True)]
    assert not wrong, "\n".join(wrong)


def test_on_every_route_of_the_api(world: World) -> None:
    names, wrong = fresh(world), []
    for route in ROUTES:
        for who in (ADMIN, None):
            # Without body or query: a good answer or a refusal, both must carry them.
            answer = world.call(
                "GET" if route.method == "GET" else "PUT", path_of(route, names), who
            )
            line = f"{answer.request.method} {route.path} {answer.status_code}"
            wrong += [f"{line}: {fault}" for fault in lacking(answer)]
    for path in ("/api/v1/openapi.json", "/health/live", "/health/ready", "/metrics"):
        answer = world.app.test_client().get(path)
        wrong += [f"{path}: {fault}" for fault in lacking(answer)]
    assert not wrong, "\n".join(wrong)


def fail() -> None:
    raise ZeroDivisionError


def unauthenticated() -> None:
    raise NotAuthenticated("no")


@pytest.mark.parametrize("prefix", ["/api/v1/broken", "/broken"])
@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/nowhere", {}, 404),
        ("DELETE", "/fail", {}, 405),
        ("POST", "/echo", {"data": b"x" * 2_000}, 413),
        ("GET", "/fail", {}, 500),
    ],
)
def test_on_errors_of_every_kind(
    make_world: Callable[..., World],
    sqlite_url: str,
    prefix: str,
    method: str,
    path: str,
    options: dict[str, Any],
    status: int,
) -> None:
    world = make_world(sqlite_url, pages=True, cookie_secure=True)
    app = world.app

    def echo() -> str:
        from flask import request

        request.max_content_length = 1_000
        return request.get_data(as_text=True)

    app.add_url_rule(f"{prefix}/fail", "fail", fail)
    app.add_url_rule(f"{prefix}/echo", "echo", echo, methods=["POST"])
    answer = app.test_client().open(prefix + path, method=method, **options)
    assert answer.status_code == status, answer.text
    assert not list(lacking(answer))
    assert "ZeroDivisionError" not in answer.text
    assert "Traceback" not in answer.text


def test_a_nonce_is_never_given_twice(world: World, client: FlaskClient) -> None:
    found = {
        re.search(
            r"'nonce-([\w-]+)'", client.get("/admin/sign-in").headers["Content-Security-Policy"]
        ).group(1)  # type: ignore[union-attr]
        for _ in range(20)
    }
    assert len(found) == 20


def test_cookies_of_the_session_are_for_https_and_not_for_scripts(world: World) -> None:
    client = signed_in(world, ADMIN)
    for name in ("access_token_cookie", "refresh_token_cookie"):
        cookie = client.get_cookie(name)
        assert cookie is not None
        assert (cookie.secure, cookie.http_only, cookie.same_site) == (True, True, "Lax")


def test_without_https_no_browser_is_told_to_insist_on_it(
    make_world: Callable[..., World], sqlite_url: str
) -> None:
    world = make_world(sqlite_url, pages=True)
    answer = world.app.test_client().get("/admin/sign-in")
    assert "Strict-Transport-Security" not in answer.headers
