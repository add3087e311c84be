"""Secrets: recognised, their use noted seldom, rotated with an overlap; tags and raw messages."""

import pytest
from sqlalchemy import select

from muster_broker.accounts.contract import CheckRequest, ConnectRequest
from muster_platform.access.models import AuditEntry
from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.connections import answer_check, decide_connect
from muster_platform.devices.credentials import CredentialService, note_use, verify
from muster_platform.devices.enrolment import EnrolmentService
from muster_platform.devices.gateways import GatewayService
from muster_platform.devices.models import Credential
from muster_platform.devices.raw import CAPTURE_MAX_S, RawFilter, RawService
from muster_platform.devices.service import DeviceService
from muster_platform.devices.tag_names import TagService
from muster_platform.errors import InvalidInput, NotFound, PermissionDenied
from muster_platform.paging import PageRequest
from tests.integration.devices.conftest import load
from tests.services.database import ADMIN, actor


def _connect(platform, secret):
    """Answer a broker's question as the web process does."""
    asked = ConnectRequest(client_id="cam-1", username="cam-1", password=secret)
    with platform.unit(ADMIN, write=False) as unit:
        decided = decide_connect(unit, asked)
    if decided.used is not None:
        with platform.unit(ADMIN) as unit:
            note_use(unit, decided.used)
    return decided


def _rows(platform):
    with platform.unit(ADMIN, write=False) as unit:
        return CredentialService(unit).list("cam-1")


def test_a_use_is_noted_once_an_hour(platform, fleet):
    with platform.unit(ADMIN) as unit:
        secret = CredentialService(unit).rotate("cam-1")
    first = platform.clock.now_ms()
    assert _connect(platform, secret).used is not None
    assert _connect(platform, secret).used is None
    assert _rows(platform)[0].last_used_at == first
    assert _rows(platform)[0].prefix == secret[:6]
    platform.time.advance(s=3_600)
    assert _connect(platform, secret).used is not None
    assert _rows(platform)[0].last_used_at == first + 3_600_000
    assert not _connect(platform, "wrong").answer.allow


def test_the_secret_that_was_used_is_the_one_that_is_noted(platform, fleet):
    with platform.unit(ADMIN) as unit:
        old = CredentialService(unit).rotate("cam-1")
    platform.time.advance(s=1)
    with platform.unit(ADMIN) as unit:
        new = CredentialService(unit).rotate("cam-1", overlap_s=60)
    _connect(platform, old)
    assert [row.last_used_at is None for row in _rows(platform)] == [True, False]
    platform.time.advance(s=61)
    assert not _connect(platform, old).answer.allow
    assert _connect(platform, new).answer.allow


def test_a_credential_tells_the_token_it_came_from(platform, fleet):
    with platform.unit(ADMIN) as unit:
        _, text = EnrolmentService(unit).create_token("Doors", "camera", fleet.berlin.id)
        EnrolmentService(unit).enrol(text, "cam-1", "i-1")
    with platform.unit(ADMIN, write=False) as unit:
        service = CredentialService(unit)
        rows = service.list("cam-1")
        assert service.sources(rows) == {rows[0].enrolment_token_id: "Doors"}


def test_every_change_of_secrets_is_in_the_audit_without_a_secret(platform, fleet):
    with platform.unit(ADMIN) as unit:
        service = CredentialService(unit)
        secret = service.rotate("cam-1", overlap_s=60)
        service.revoke("cam-1", unit.session.scalar(select(Credential.id)))
        service.revoke_all("cam-1")
    with platform.unit(ADMIN, write=False) as unit:
        entries = unit.session.scalars(
            select(AuditEntry).where(AuditEntry.action.startswith("credential"))
        ).all()
        assert sorted(entry.action.partition(".")[2] for entry in entries) == [
            "revoke",
            "revoke_all",
            "rotate",
        ]
        assert not any(secret in str((entry.before, entry.after)) for entry in entries)


def test_a_device_that_became_a_child_may_not_stay_connected(platform, fleet):
    with platform.unit(ADMIN) as unit:
        secret = CredentialService(unit).rotate("cam-1")
        assert answer_check(unit, CheckRequest(device_ids=["cam-1"])).refused == []
        GatewayService(unit).attach("cam-1", "cam-2", hooks=DEVICE_HOOKS)
        assert answer_check(unit, CheckRequest(device_ids=["cam-1"])).refused == ["cam-1"]
        assert verify(unit.session, "cam-1", secret, unit.now()) is None


def test_tags_are_counted_as_far_as_one_sees(platform, fleet):
    with platform.unit(ADMIN) as unit:
        devices = DeviceService(unit)
        devices.register("cam-3", "camera", fleet.rome.id, tags={"site": "rome", "floor": "2"})
        devices.register("gone", "camera", fleet.rome.id, tags={"old": "1"})
        devices.delete("gone", hooks=DEVICE_HOOKS)
        found = {tag.name: (tag.devices, tag.values) for tag in TagService(unit).list()}
    assert found == {"site": (3, {"rome": 2, "berlin": 1}), "floor": (1, {"2": 1})}
    assert list(found["site"][1]) == ["rome", "berlin"]
    with platform.unit(actor("viewer", fleet.berlin.path), write=False) as unit:
        assert [(t.name, t.values) for t in TagService(unit).list()] == [("site", {"berlin": 1})]
    with platform.unit(actor("viewer", "/99/"), write=False) as unit:
        assert TagService(unit).list() == []


def test_capturing_ends_by_itself_and_takes_its_permission(platform, fleet):
    with platform.unit(ADMIN) as unit:
        RawService(unit).capture("cam-1", 60)
        with pytest.raises(InvalidInput):
            RawService(unit).capture("cam-1", CAPTURE_MAX_S + 1)
    assert load(platform, "cam-1").capture_until == platform.clock.now_ms() + 60_000
    with platform.unit(actor("viewer")) as unit:
        with pytest.raises(PermissionDenied):
            RawService(unit).capture("cam-1", 0)
        with pytest.raises(PermissionDenied):
            RawService(unit).list("cam-1", RawFilter(), PageRequest())
    with platform.unit(ADMIN) as unit, pytest.raises(NotFound):
        RawService(unit).get("cam-1", 1)
