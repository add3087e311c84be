"""Enrolment, credentials, and what a broker is told about them."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from sqlalchemy import select

from muster_broker.accounts.contract import CheckRequest, ConnectRequest
from muster_platform.access.models import AuditEntry
from muster_platform.devices.connections import answer_check, answer_connect
from muster_platform.devices.credentials import CredentialService, verify
from muster_platform.devices.enrolment import EnrolmentService
from muster_platform.devices.hooks import NoHooks
from muster_platform.devices.models import Credential, Outbound
from muster_platform.devices.service import DeviceService
from muster_platform.errors import Conflict, InvalidInput, NotAuthenticated, NotFound
from tests.integration.devices.conftest import load
from tests.services.database import ADMIN

REPEAT_S = 600


@pytest.fixture
def token(platform, fleet):
    """Give a function that makes a token for cameras in Berlin and gives its text."""

    def make(mode="allow_new", **more):
        with platform.unit(ADMIN) as unit:
            return EnrolmentService(unit).create_token(
                "t", "camera", fleet.berlin.id, mode, **more
            )[1]

    return make


def _enrol(platform, token, device_id="new-1", install_id="i1"):
    with platform.unit(ADMIN) as unit:
        return EnrolmentService(unit).enrol(token, device_id, install_id)


def _works(platform, device_id, secret):
    with platform.unit(ADMIN, write=False) as unit:
        return verify(unit.session, device_id, secret, unit.now()) is not None


def test_a_new_device_gets_a_home_and_a_secret_that_works(platform, fleet, token):
    result = _enrol(platform, token())
    device = load(platform, "new-1")
    assert (result.created, device.group.name, device.profile.name) == (True, "Berlin", "camera")
    assert device.enrolled_at == platform.clock.now_ms()
    assert _works(platform, "new-1", result.secret)
    assert not _works(platform, "new-1", result.secret + "x")
    assert not _works(platform, "cam-1", result.secret)


def test_neither_secret_nor_token_is_stored(platform, fleet, token):
    text = token()
    secret = _enrol(platform, text).secret
    with platform.unit(ADMIN, write=False) as unit:
        row = unit.session.scalars(select(Credential)).one()
        written = [repr(vars(entry)) for entry in unit.session.scalars(select(AuditEntry))]
    assert row.hash.startswith("$7$101$")
    assert not any(text in entry or secret in entry for entry in [*written, row.hash])


def test_only_registered_devices_enrol_with_a_token_for_those(platform, fleet, token):
    text = token("pre_registered")
    with pytest.raises(Conflict) as caught:
        _enrol(platform, text, "stranger")
    assert caught.value.code == "not_registered"
    assert not _enrol(platform, text, "cam-1").created


def test_a_lost_answer_is_made_up_for_within_ten_minutes(platform, fleet, token):
    text = token(max_uses=1)
    first = _enrol(platform, text).secret
    platform.time.advance(s=REPEAT_S)
    second = _enrol(platform, text).secret
    assert not _works(platform, "new-1", first)
    assert _works(platform, "new-1", second)


@pytest.mark.parametrize(("wait_s", "install"), [(0, "i2"), (REPEAT_S + 1, "i1")])
def test_whoever_holds_the_token_cannot_take_over_a_device(platform, fleet, token, wait_s, install):
    text = token()
    secret = _enrol(platform, text).secret
    platform.time.advance(s=wait_s)
    with pytest.raises(Conflict) as caught:
        _enrol(platform, text, install_id=install)
    assert caught.value.code == "already_enrolled"
    assert _works(platform, "new-1", secret)
    with platform.unit(ADMIN) as unit:
        assert CredentialService(unit).revoke_all("new-1") == 1
    assert _works(platform, "new-1", _enrol(platform, text, install_id=install).secret)


def test_of_two_at_the_same_moment_only_one_enrols(platform, fleet, token):
    text = token("pre_registered")

    def late():
        with pytest.raises(Conflict, match="enrolled already"):
            _enrol(platform, text, "cam-1", "the-other")

    with ThreadPoolExecutor(1) as other:
        with platform.unit(ADMIN) as unit:
            EnrolmentService(unit).enrol(text, "cam-1", "i1")
            ended = other.submit(late)
            wait([ended], timeout=0.5)
        ended.result()


def test_a_token_may_allow_enrolling_again(platform, fleet, token):
    text = token(reenrol=True)
    first = _enrol(platform, text).secret
    second = _enrol(platform, text, install_id="i2").secret
    assert not _works(platform, "new-1", first)
    assert _works(platform, "new-1", second)
    with platform.unit(ADMIN, write=False) as unit:
        assert [row.topic for row in unit.session.scalars(select(Outbound))] == [
            "$muster/disconnect"
        ]


def test_a_token_is_for_its_profile_and_group_only(platform, fleet, token):
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).register("ph-1", "phone", fleet.berlin.id)
        DeviceService(unit).register("kid", "camera", fleet.berlin.id, gateway="cam-1")
        DeviceService(unit).disable("cam-1", hooks=NoHooks())
    text = token("pre_registered")
    for device_id, code in (
        ("ph-1", "other_scope"),
        ("cam-2", "other_scope"),
        ("kid", "child"),
        ("cam-1", "disabled"),
    ):
        with pytest.raises(Conflict) as caught:
            _enrol(platform, text, device_id)
        assert caught.value.code == code


def test_a_token_ends(platform, fleet, token):
    used_up = token(max_uses=1)
    _enrol(platform, used_up)
    expiring = token(expires_at=platform.clock.now_ms() + 1)
    platform.time.advance(ms=1)
    with platform.unit(ADMIN) as unit:
        row, revoked = EnrolmentService(unit).create_token("r", "camera", fleet.berlin.id)
        EnrolmentService(unit).revoke(row.id)
    for text, why in (
        (used_up, "used up"),
        (expiring, "expired"),
        (revoked, "revoked"),
        ("mst_guess", "not known"),
    ):
        with pytest.raises(NotAuthenticated, match=why):
            _enrol(platform, text, "new-2")
    with platform.unit(ADMIN, write=False) as unit, pytest.raises(NotFound):
        DeviceService(unit).get("new-2")


def test_what_does_not_fit_names_the_field(platform, fleet, token):
    text = token()
    with platform.unit(ADMIN) as unit:
        service = EnrolmentService(unit)
        for act, where in (
            (lambda: service.enrol(text, "bad id", "i"), "device_id"),
            (lambda: service.enrol(text, "x", ""), "install_id"),
            (lambda: service.create_token("", "camera", 1), "name"),
            (lambda: service.create_token("n", "camera", 1, "open"), "mode"),
            (lambda: service.create_token("n", "camera", 1, max_uses=0), "max_uses"),
            (lambda: service.create_token("n", "camera", 1, expires_at=1), "expires_at"),
        ):
            with pytest.raises(InvalidInput) as caught:
                act()
            assert caught.value.where == where


def test_rotation_lets_the_old_secret_work_until_the_overlap_ends(platform, fleet):
    with platform.unit(ADMIN) as unit:
        old = CredentialService(unit).rotate("cam-1")
        platform.time.advance(ms=1)
        new = CredentialService(unit).rotate("cam-1", overlap_s=60)
    assert _works(platform, "cam-1", old)
    platform.time.advance(s=60)
    assert not _works(platform, "cam-1", old)
    assert _works(platform, "cam-1", new)
    with platform.unit(ADMIN) as unit:
        credentials = CredentialService(unit)
        newest, _ = credentials.list("cam-1")
        credentials.revoke("cam-1", newest.id)
        with pytest.raises(NotFound):
            credentials.revoke("cam-2", newest.id)
    assert not _works(platform, "cam-1", new)


def test_a_child_has_no_credential(platform, fleet):
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).register("kid", "camera", gateway="cam-1")
        with pytest.raises(Conflict):
            CredentialService(unit).rotate("kid")
    assert not _works(platform, "kid", "")


def test_the_broker_is_told_who_may_connect(platform, fleet):
    with platform.unit(ADMIN) as unit:
        secret = CredentialService(unit).rotate("cam-1")
        CredentialService(unit).rotate("cam-2")

    def ask(client_id="cam-1", username="cam-1", password=secret):
        request = ConnectRequest(client_id=client_id, username=username, password=password)
        with platform.unit(ADMIN, write=False) as unit:
            answer = answer_connect(unit, request)
        return answer.allow, answer.reason

    assert ask() == (True, "")
    assert ask(password="wrong") == (False, "bad_credentials")
    assert ask(client_id="cam-2") == (False, "bad_credentials")
    assert ask("cam-2", "cam-2") == (False, "bad_credentials")
    assert ask("ghost", "ghost") == (False, "bad_credentials")
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).disable("cam-1", hooks=NoHooks())
        DeviceService(unit).delete("cam-2", hooks=NoHooks())
    assert ask() == (False, "not_allowed")
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).register("cam-3", "camera")
        asked = CheckRequest(device_ids=["cam-1", "cam-2", "cam-3", "ghost"])
        assert answer_check(unit, asked).refused == ["cam-1", "cam-2", "ghost"]
