"""The client against a web process as it runs."""

import csv
import time
from collections.abc import Iterator

import pytest

from muster_client import (
    Conflict,
    InvalidInput,
    Muster,
    NotAuthenticated,
    NotFound,
    PreconditionFailed,
    each,
)
from muster_client.auth import Session, Tokens
from muster_client.core import Caller
from muster_client.generated.operations import Operations
from muster_client.http import HttpTransport
from tests.integration.client.conftest import EMAIL, PASSWORD, Server


@pytest.fixture
def muster(server: Server) -> Iterator[Muster]:
    with server.muster() as found:
        yield found


def test_a_list_is_walked_page_by_page(muster: Muster) -> None:
    muster.create_profile(name="pages")
    made = {f"page-{n}" for n in range(5)}
    for name in made:
        muster.register_device(device_id=name, profile="pages", tags={"n": name})
    found = [device["device_id"] for device in each(muster.list_devices, profile="pages", limit=2)]
    assert len(found) == 5
    assert set(found) == made


def test_the_second_of_two_editors_is_told(muster: Muster) -> None:
    muster.create_profile(name="edited")
    version = muster.get_profile("edited")["version"]
    muster.update_profile("edited", title="One", if_match=version)
    with pytest.raises(PreconditionFailed) as caught:
        muster.update_profile("edited", title="Two", if_match=version)
    assert caught.value.problem["version"] == version + 1
    assert muster.get_profile("edited")["title"] == "One"


def test_the_same_key_makes_one_thing(muster: Muster) -> None:
    first = muster.create_group(name="Once", idempotency_key="key-1")
    assert muster.create_group(name="Once", idempotency_key="key-1") == first
    with pytest.raises(Conflict):
        muster.create_group(name="Once")


def test_errors_say_what_and_where(muster: Muster) -> None:
    with pytest.raises(InvalidInput) as wrong:
        muster.create_profile(name="a/b")
    assert wrong.value.where == "$.name"
    with pytest.raises(NotFound) as missing:
        muster.get_device("ü / ?#%2F")
    assert missing.value.request_id


def test_csv_comes_as_lines(muster: Muster) -> None:
    muster.create_profile(name="csv")
    muster.register_device(device_id="csv-1", profile="csv", display_name='a "quoted", ü name')
    with muster.export_devices(profile="csv") as lines:
        (row,) = csv.DictReader(lines)
    assert row["device_id"] == "csv-1"
    assert row["display_name"] == 'a "quoted", ü name'


def test_a_session_renews_itself_and_the_old_refresh_token_is_not_used_again(
    server: Server,
) -> None:
    kept: list[Tokens] = []
    session = Session(EMAIL, PASSWORD, keep=kept.append)
    transport = HttpTransport(server.url)
    api = Operations(transport, session)
    api.sign_in_now()
    # As if it had run out: the server would refuse it, or the clock says so.
    session._tokens = Tokens("run.out.token", kept[0].refresh, time.time() + 600)
    assert api.me()["name"]
    assert len(kept) == 2
    assert kept[1].refresh != kept[0].refresh
    transport.close()


def test_whoever_signed_out_is_not_signed_in_again_without_the_password(server: Server) -> None:
    kept: list[Tokens] = []
    with server.muster() as muster:
        muster.acting_as(Session(EMAIL, PASSWORD, keep=kept.append)).sign_out()
        later = muster.acting_as(Session(tokens=kept[0]))
        with pytest.raises(NotAuthenticated):
            later.me()


def test_an_api_token_works_until_it_is_revoked(server: Server, muster: Muster) -> None:
    made = muster.create_api_token(name="integrator", scopes=[{"permissions": ["devices:read"]}])
    with Muster(server.url, token=made["token"]) as integrator:
        assert integrator.me()["id"]
        muster.revoke_api_token(made["id"])
        with pytest.raises(NotAuthenticated):
            integrator.me()


def test_what_has_no_method_can_be_called(muster: Muster) -> None:
    caller: Caller = muster
    assert caller.call("GET", "/openapi.json", signed_in=False)["openapi"] == "3.1.0"
