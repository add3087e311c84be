"""Approval enrolment: devices wait, people decide, a secret is given once."""

import pytest
from sqlalchemy import func, select

from muster_platform.access.models import AuditEntry
from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.approval import ATTRIBUTE_BYTES, ApprovalService, Told
from muster_platform.devices.credentials import verify
from muster_platform.devices.enrolment import (
    EnrolmentResult,
    EnrolmentService,
    EnrolmentWaiting,
)
from muster_platform.devices.enrolment_models import EnrolmentRequest
from muster_platform.devices.models import Device
from muster_platform.devices.service import DeviceService
from muster_platform.errors import Conflict, InvalidInput, NotFound, RateLimited, Rejected
from muster_platform.paging import PageRequest
from muster_platform.worker.registry import expire_requests
from tests.integration.devices.conftest import load
from tests.services.database import ADMIN, actor


@pytest.fixture
def token(platform, fleet):
    with platform.unit(ADMIN) as unit:
        _, text = EnrolmentService(unit).create_token(
            "Berlin", "camera", fleet.berlin.id, mode="approve"
        )
    return text


def _ask(platform, token, device_id="new-1", install_id="i-1", **told):
    with platform.unit(ADMIN) as unit:
        return EnrolmentService(unit).enrol(token, device_id, install_id, Told(**told))


def _pending(platform, who=ADMIN):
    with platform.unit(who, write=False) as unit:
        return ApprovalService(unit).list("PENDING", PageRequest()).items


def _approve(platform, *ids, **options):
    with platform.unit(ADMIN) as unit:
        return ApprovalService(unit).approve(ids, **options)


def test_a_device_waits_and_asking_again_is_the_same_request(platform, token):
    first = _ask(platform, token, address="10.0.0.7", attributes={"model": "X"})
    assert first == EnrolmentWaiting("new-1", platform.settings.enrolment_retry_s)
    platform.time.advance(s=60)
    assert isinstance(_ask(platform, token, address="10.0.0.8"), EnrolmentWaiting)
    (row,) = _pending(platform)
    assert (row.count, row.address, row.last_asked_at - row.first_asked_at) == (
        2,
        "10.0.0.8",
        60_000,
    )
    with platform.unit(ADMIN, write=False) as unit:
        assert unit.session.scalar(select(func.count(Device.id))) == 2  # nobody was registered


def test_after_approval_it_gets_its_secret_once_and_again_where_the_answer_was_lost(
    platform, fleet, token
):
    _ask(platform, token)
    (row,) = _pending(platform)
    _approve(platform, row.id, group_id=fleet.hall.id, display_name="Back door")
    device = load(platform, "new-1")
    assert (device.group_id, device.display_name) == (fleet.hall.id, "Back door")
    given = _ask(platform, token)
    assert isinstance(given, EnrolmentResult)
    again = _ask(platform, token)
    with platform.unit(ADMIN, write=False) as unit:
        assert verify(unit.session, "new-1", given.secret, unit.now()) is None
        assert verify(unit.session, "new-1", again.secret, unit.now()) is not None
    platform.time.advance(s=platform.settings.enrolment_repeat_s + 1)
    with pytest.raises(Conflict) as caught:
        _ask(platform, token)
    assert caught.value.code == "already_enrolled"
    assert _pending(platform) == []


def test_another_installation_is_another_question(platform, token):
    _ask(platform, token, install_id="i-1")
    _ask(platform, token, install_id="i-2")
    first = next(row for row in _pending(platform) if row.install_id == "i-1")
    _approve(platform, first.id)
    assert isinstance(_ask(platform, token, install_id="i-2"), EnrolmentWaiting)


def test_an_approval_counts_once_also_after_the_secrets_were_revoked(platform, token):
    from muster_platform.devices.credentials import CredentialService

    _ask(platform, token)
    _approve(platform, _pending(platform)[0].id)
    _ask(platform, token)
    with platform.unit(ADMIN) as unit:
        CredentialService(unit).revoke_all("new-1")
    assert isinstance(_ask(platform, token), EnrolmentWaiting)
    assert len(_pending(platform)) == 1


def test_an_approved_device_that_was_deleted_asks_anew(platform, token):
    _ask(platform, token)
    _approve(platform, _pending(platform)[0].id)
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).delete("new-1", hooks=DEVICE_HOOKS)
    assert isinstance(_ask(platform, token), EnrolmentWaiting)


def test_a_rejected_device_is_told_why_until_somebody_changes_their_mind(platform, token):
    _ask(platform, token)
    (row,) = _pending(platform)
    with platform.unit(ADMIN) as unit:
        ApprovalService(unit).reject([row.id], "not ours")
    with pytest.raises(Rejected, match="not ours"):
        _ask(platform, token)
    _approve(platform, row.id)
    assert isinstance(_ask(platform, token), EnrolmentResult)
    with platform.unit(ADMIN, write=False) as unit:
        acts = unit.session.scalars(
            select(AuditEntry.action).where(AuditEntry.subject_kind == "enrolment_request")
        ).all()
    assert acts == ["enrolment_request.reject", "enrolment_request.approve"]


def test_many_are_approved_together_or_not_at_all(platform, fleet, token):
    for name in ("new-1", "new-2", "new-3"):
        _ask(platform, token, name)
    ids = [row.id for row in _pending(platform)]
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).register("new-2", "phone", fleet.hall.id)
    with pytest.raises(Conflict, match="another profile"):
        _approve(platform, *ids)
    assert len(_pending(platform)) == 3
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).delete("new-2", hooks=DEVICE_HOOKS)
    assert len(_approve(platform, *ids)) == 3


def test_a_flood_is_bounded_and_does_not_push_out_those_that_wait(platform, token):
    platform.configure(enrolment_requests_max=3)
    for number in range(3):
        _ask(platform, token, f"flood-{number}")
    with pytest.raises(RateLimited):
        _ask(platform, token, "flood-3")
    assert isinstance(_ask(platform, token, "flood-0"), EnrolmentWaiting)


def test_what_a_stranger_tells_of_itself_is_bounded(platform, token):
    _ask(platform, token, attributes={"big": "x" * 100_000, "model": "X\0Y", "n": 1})
    (row,) = _pending(platform)
    assert row.attributes.keys() == {"model", "n"}
    assert "\0" not in row.attributes["model"]
    _ask(platform, token, attributes={f"a{i}": "x" * 1_000 for i in range(50)})
    assert len(str(_pending(platform)[0].attributes)) < ATTRIBUTE_BYTES + 200


def test_a_request_of_a_device_that_stopped_asking_expires(platform, token):
    _ask(platform, token)
    (row,) = _pending(platform)
    platform.time.advance(s=platform.settings.enrolment_request_s + 1)
    assert expire_requests(platform) == 1
    with pytest.raises(Conflict, match="EXPIRED"):
        _approve(platform, row.id)
    assert isinstance(_ask(platform, token), EnrolmentWaiting)
    assert [r.id for r in _pending(platform)] != [row.id]


def test_only_those_who_may_enrol_into_the_token_s_group_see_and_decide(platform, fleet, token):
    _ask(platform, token)
    (row,) = _pending(platform)
    assert _pending(platform, actor("operator", fleet.rome.path)) == []
    assert len(_pending(platform, actor("operator", fleet.berlin.path))) == 1
    with platform.unit(actor("operator", fleet.rome.path)) as unit, pytest.raises(NotFound):
        ApprovalService(unit).approve([row.id])
    with pytest.raises(InvalidInput, match="not inside"):
        _approve(platform, row.id, group_id=fleet.rome.id)
    with platform.unit(actor("viewer")) as unit:
        assert ApprovalService(unit).waiting() == 0


def test_what_asks_for_a_device_id_that_is_none_leaves_nothing(platform, token):
    with pytest.raises(InvalidInput, match="not a device id"):
        _ask(platform, token, "_ingest")
    with platform.unit(ADMIN, write=False) as unit:
        assert unit.session.scalar(select(func.count(EnrolmentRequest.id))) == 0
