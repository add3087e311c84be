"""Calls are tried again when that does no harm, and only then."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from muster_client import UNSET, ClientError, InvalidInput, Muster, NotAuthenticated, each
from muster_client.auth import ApiToken, Auth, Nobody, Session
from muster_client.core import Caller, part
from muster_client.errors import (
    ApiError,
    ConfigError,
    Conflict,
    PermissionDenied,
    PreconditionFailed,
    RateLimited,
    ServerFault,
    Unavailable,
    Unreachable,
)
from muster_client.generated.operations import Operations
from muster_client.transport import Request

Given = tuple[int, Any] | tuple[int, Any, dict[str, str]] | Exception


class Canned:
    """An answer."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self._body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._headers = headers or {}

    def header(self, name: str) -> str:
        return self._headers.get(name, "")

    def read(self) -> bytes:
        return self._body

    def chunks(self) -> Iterator[bytes]:
        yield from (self._body[i : i + 3] for i in range(0, len(self._body), 3))

    def close(self) -> None:
        self._body = b""


class Script:
    """A transport that answers what it was told, and remembers what it was asked."""

    server = "script"

    def __init__(self, *answers: Given) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []

    def send(self, request: Request) -> Canned:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Canned(*answer)

    def close(self) -> None:
        pass


def caller(*answers: Given, auth: Auth | None = None) -> tuple[Operations, Script, list[float]]:
    script, waits = Script(*answers), list[float]()
    return Operations(script, auth or Nobody(), sleep=waits.append), script, waits


def problem(code: str, **more: Any) -> dict[str, Any]:
    return {"type": f"urn:muster:problem:{code}", "detail": code, **more}


def tokens(n: int, life_s: int = 900) -> tuple[int, dict[str, Any]]:
    return 200, {"access_token": f"a{n}", "refresh_token": f"r{n}", "expires_in_s": life_s}


def test_too_many_requests_are_sent_again_when_the_server_says() -> None:
    api, script, waits = caller((429, problem("rate_limited", retry_after_s=7)), (200, {"id": 1}))
    api.create_group(name="A")
    assert waits == [7.0]
    assert len(script.asked) == 2


def test_a_wait_that_is_too_long_is_not_waited() -> None:
    api, _, waits = caller((429, problem("rate_limited", retry_after_s=3600)))
    with pytest.raises(RateLimited) as caught:
        api.list_groups()
    assert (caught.value.code, waits) == ("rate_limited", [])


def test_retry_after_of_a_proxy_counts_as_well() -> None:
    api, _, waits = caller((503, b"<html>", {"Retry-After": "3"}), (200, {"items": []}))
    api.list_groups()
    assert waits == [3.0]


def test_the_same_idempotency_key_goes_with_every_attempt() -> None:
    api, script, _ = caller(Unreachable("gone"), (503, problem("unavailable")), (201, {"id": 1}))
    api.create_group(name="A")
    keys = {request.headers["Idempotency-Key"] for request in script.asked}
    assert len(script.asked) == 3
    assert len(keys) == 1


def test_two_calls_have_two_keys_and_a_given_one_is_kept() -> None:
    api, script, _ = caller((201, {}), (201, {}), (201, {}))
    api.create_group(name="A")
    api.create_group(name="A")
    api.create_group(name="A", idempotency_key="mine")
    first, second, third = (request.headers["Idempotency-Key"] for request in script.asked)
    assert first != second
    assert third == "mine"


def test_what_may_have_been_done_is_not_sent_again() -> None:
    api, script, _ = caller(Unreachable("gone"))
    with pytest.raises(Unreachable):
        api.update_group(1, name="B")
    assert len(script.asked) == 1


def test_a_first_request_still_running_is_waited_for() -> None:
    api, script, _ = caller((409, problem("request_running")), (201, {"id": 1}))
    assert api.create_group(name="A") == {"id": 1}
    assert len(script.asked) == 2


def test_trying_ends() -> None:
    api, script, _ = caller(*[Unreachable("gone")] * 9)
    with pytest.raises(Unreachable):
        api.list_groups()
    assert len(script.asked) == 4


@pytest.mark.parametrize(
    ("status", "kind", "exit_code"),
    [
        (401, NotAuthenticated, 3),
        (403, PermissionDenied, 4),
        (409, Conflict, 6),
        (412, PreconditionFailed, 6),
        (418, InvalidInput, 2),
        (422, InvalidInput, 2),
        (500, ServerFault, 1),
        (507, ServerFault, 1),
    ],
)
def test_an_error_has_a_class_of_its_own(status: int, kind: type[ApiError], exit_code: int) -> None:
    told = problem("word", where="$.name", request_id="r-1")
    api, _, _ = caller((status, told))
    with pytest.raises(kind) as caught:
        api.update_group(1, name="B")
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.code, error.where, error.request_id) == (
        *(status, "word"),
        *("$.name", "r-1"),
    )
    assert error.exit_code == exit_code


def test_an_answer_that_is_no_muster_says_so() -> None:
    api, _, _ = caller((200, b"<html>", {"Content-Type": "text/html"}))
    with pytest.raises(ClientError, match="text/html"):
        api.me()
    api, _, _ = caller((502, b"bad gateway"), *[(502, b"bad gateway")] * 3)
    with pytest.raises(Unavailable, match="bad gateway"):
        api.me()


def test_a_session_signs_in_once_and_renews_when_it_is_refused() -> None:
    kept: list[Any] = []
    auth = Session("a@b.c", "secret", keep=kept.append)
    api, script, _ = caller(
        tokens(1), (200, {}), (401, problem("rights_changed")), tokens(2), (200, {}), auth=auth
    )
    api.me()
    api.me()
    assert [request.target for request in script.asked] == [
        "/api/v1/auth/sign-in",
        "/api/v1/me",
        "/api/v1/me",
        "/api/v1/auth/refresh",
        "/api/v1/me",
    ]
    sent = [request.headers.get("Authorization") for request in script.asked]
    assert sent == [None, "Bearer a1", "Bearer a1", "Bearer r1", "Bearer a2"]
    assert [found.refresh for found in kept] == ["r1", "r2"]


def test_a_token_about_to_run_out_is_exchanged_before_it_is_refused() -> None:
    api, script, _ = caller(tokens(1, life_s=5), (200, {}), tokens(2), (200, {}),
                            auth=Session("a@b.c", "secret"))  # fmt: skip
    api.me()
    api.me()
    assert [request.target for request in script.asked][2] == "/api/v1/auth/refresh"


def test_a_session_that_was_ended_is_begun_anew_with_the_password() -> None:
    api, script, _ = caller(
        tokens(1), (401, problem("ended")), (401, problem("ended")), tokens(2), (200, {}),
        auth=Session("a@b.c", "secret"),
    )  # fmt: skip
    api.me()
    assert [request.target.rpartition("/")[2] for request in script.asked] == [
        *("sign-in", "me", "refresh"),
        *("sign-in", "me"),
    ]


def test_a_wrong_password_is_told_and_not_tried_again() -> None:
    api, script, _ = caller((401, problem("not_authenticated")), auth=Session("a@b.c", "x"))
    with pytest.raises(NotAuthenticated):
        api.me()
    assert len(script.asked) == 1


def test_an_api_token_that_is_refused_is_not_tried_again() -> None:
    api, script, _ = caller((401, problem("not_authenticated")), auth=ApiToken("mst_x"))
    with pytest.raises(NotAuthenticated):
        api.me()
    assert len(script.asked) == 1


@pytest.mark.parametrize("token", ["", " ", "a\r\nX-Evil: 1", "schlüssel"])
def test_a_token_that_could_be_no_header_is_refused(token: str) -> None:
    with pytest.raises(ConfigError):
        ApiToken(token)


def test_pages_follow_each_other_to_the_end() -> None:
    api, script, _ = caller(
        (200, {"items": [1, 2], "next_cursor": "x y"}), (200, {"items": [3], "next_cursor": None})
    )
    assert list(each(api.list_devices, search="pump", limit=2)) == [1, 2, 3]
    assert [request.target for request in script.asked] == [
        "/api/v1/devices?search=pump&limit=2",
        "/api/v1/devices?search=pump&cursor=x+y&limit=2",
    ]


def test_a_query_leaves_out_none_and_writes_lists_and_yes_or_no_as_the_api_reads_them() -> None:
    api, script, _ = caller((200, {"items": [], "next_cursor": None}))
    api.list_devices(search=None, presence=["ONLINE", "OFFLINE"], disabled=True)
    assert script.asked[0].target == (
        "/api/v1/devices?presence=ONLINE&presence=OFFLINE&disabled=true"
    )


def test_a_field_that_is_not_given_is_not_sent_and_none_is_null() -> None:
    api, script, _ = caller((200, {}), (200, {}))
    api.update_device("a", display_name=None)
    api.update_device("a", display_name=UNSET, if_match=3)
    assert [json.loads(request.body or b"") for request in script.asked] == [
        {"display_name": None},
        {},
    ]
    assert script.asked[1].headers["If-Match"] == '"3"'


@pytest.mark.parametrize(
    ("value", "written"), [("a/b", "a%2Fb"), ("ü?#", "%C3%BC%3F%23"), ("%2e", "%252e"), (7, "7")]
)
def test_a_part_of_a_path_stays_one_part(value: str | int, written: str) -> None:
    assert part(value) == written


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_part_that_would_climb_is_refused(value: str) -> None:
    api, script, _ = caller()
    with pytest.raises(ClientError):
        api.get_device(value)
    assert script.asked == []


def test_lines_come_whole_however_they_were_cut() -> None:
    script = Script((200, "a;ä\nb;2\nlast".encode()))
    with Caller(script, Nobody()).call("GET", "/x", lines=True) as lines:
        assert list(lines) == ["a;ä\n", "b;2\n", "last"]


@pytest.mark.parametrize(
    "server",
    [
        "",
        "muster",
        "ftp://a",
        "http://",
        "https://a?x",
        "https://u:p@a",
        "http://a:99999",
        "http:a",
    ],
)
def test_an_address_that_is_none_is_refused_without_its_secrets(server: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Muster(server, token="t")
    assert "u:p" not in str(caught.value)
