"""Deleting: gone at once for everybody, kept for a time, brought back, then purged in pieces."""

import pytest
from sqlalchemy import func, select

from muster_platform.access.models import AuditEntry
from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.db.base import Base
from muster_platform.devices.credentials import CredentialService, verify
from muster_platform.devices.gateways import GatewayService
from muster_platform.devices.models import Device, DeviceEvent, Outbound
from muster_platform.devices.purge import purge_step
from muster_platform.devices.restore import DeletedService
from muster_platform.devices.service import DeviceService
from muster_platform.devices.stream_models import Metric, telemetry
from muster_platform.errors import Conflict, NotFound, PermissionDenied
from muster_platform.jobs.models import Execution
from muster_platform.jobs.service import JobService
from muster_platform.logs.models import LogRecord
from muster_platform.paging import PageRequest
from muster_platform.worker import registry
from muster_platform.worker.registry import purge_deleted
from tests.integration.devices.conftest import load
from tests.services.database import ADMIN, actor


def _say(platform, key, values=250):
    """Store values, log records and lines of the timeline of a device."""
    with platform.unit(ADMIN) as unit:
        names = [Metric(name=f"m{key}.{index}", kind="number") for index in range(2)]
        unit.session.add_all(names)
        unit.session.flush()
        rows = [
            {"device_key": key, "metric_id": metric.id, "ts": 1_000 + ts // 2, "num": 1.0}
            for metric in names
            for ts in range(values)
        ]
        unit.session.execute(telemetry.insert(), rows)
        for number in range(values):
            unit.session.add(
                LogRecord(
                    id=f"{key}.b.{number}.0",
                    device_key=key,
                    ts=number,
                    received_at=number,
                    level=30,
                    logger="app",
                    message="said",
                )
            )
            unit.session.add(DeviceEvent(device_key=key, at=1, kind="hello", summary="hello"))


def _delete(platform, device_id="cam-1", **options):
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).delete(device_id, hooks=DEVICE_HOOKS, **options)


def _counts(platform, key):
    with platform.unit(ADMIN, write=False) as unit:
        return {
            table.name: unit.session.scalar(
                select(func.count()).select_from(table).where(table.c.device_key == key)
            )
            for table in Base.metadata.tables.values()
            if "device_key" in table.c and table.name not in ("audit_entries", "executions")
        }


def test_a_deleted_device_is_gone_for_everybody_and_its_data_is_kept(platform, fleet):
    key = load(platform, "cam-1").id
    _say(platform, key)
    with platform.unit(ADMIN) as unit:
        secret = CredentialService(unit).rotate("cam-1")
        JobService(unit).create_command("ping", target={"devices": ["cam-1"]})
    _delete(platform)
    with platform.unit(ADMIN, write=False) as unit:
        assert verify(unit.session, "cam-1", secret, unit.now()) is None
        with pytest.raises(NotFound):
            DeviceService(unit).get("cam-1")
        assert unit.session.scalars(select(Execution.state)).all() == ["REMOVED"]
    assert purge_deleted(platform) == 0
    kept = _counts(platform, key)
    assert (kept["telemetry"], kept["log_records"]) == (500, 250)


def test_restoring_brings_group_tags_and_data_back_and_no_secret(platform, fleet):
    before = load(platform, "cam-1")
    _say(platform, before.id)
    with platform.unit(ADMIN) as unit:
        secret = CredentialService(unit).rotate("cam-1")
    _delete(platform, reason="stolen")
    platform.time.advance(s=6 * 86_400)
    with platform.unit(ADMIN) as unit:
        service = DeletedService(unit)
        listed = service.list("cam", PageRequest()).items
        assert [(d.device_id, d.deleted_by) for d in listed] == [("cam-1", "test")]
        service.restore(before.id, "found again")
        assert service.list("", PageRequest()).items == []
    back = load(platform, "cam-1")
    assert (back.id, back.group_id, [tag.name for tag in back.tags]) == (
        before.id,
        fleet.hall.id,
        ["site"],
    )
    assert _counts(platform, back.id)["telemetry"] == 500
    with platform.unit(ADMIN, write=False) as unit:
        assert verify(unit.session, "cam-1", secret, unit.now()) is None
        acts = unit.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert acts[-2:] == ["device.delete", "device.restore"]
    platform.time.advance(s=30 * 86_400)
    assert purge_deleted(platform) == 0


def test_a_device_is_not_restored_over_one_that_took_its_id(platform, fleet):
    old = load(platform, "cam-1").id
    _delete(platform)
    with platform.unit(ADMIN) as unit:
        new = DeviceService(unit).register("cam-1", "camera")
        assert new.id != old
        with pytest.raises(Conflict) as caught:
            DeletedService(unit).restore(old)
        assert caught.value.code == "exists"


def test_of_a_restore_and_a_registration_in_one_moment_one_is_refused(platform, fleet, monkeypatch):
    key = load(platform, "cam-1").id
    _delete(platform)
    with platform.unit(ADMIN) as unit:
        DeviceService(unit).register("cam-1", "camera")
    # As seen by who looked a moment before.
    monkeypatch.setattr("muster_platform.devices.restore.live_device", lambda *_: None)
    with platform.unit(ADMIN) as unit:
        with pytest.raises(Conflict, match="another device cam-1"):
            DeletedService(unit).restore(key)
        assert len(DeletedService(unit).list("", PageRequest()).items) == 1


def test_after_its_time_the_data_goes_in_short_transactions_and_cannot_come_back(platform, fleet):
    key = load(platform, "cam-1").id
    other = load(platform, "cam-2").id
    _say(platform, key)
    _say(platform, other)
    before = _counts(platform, other)
    _delete(platform)
    platform.time.advance(s=7 * 86_400)
    with platform.unit(ADMIN) as unit, pytest.raises(Conflict, match="being purged"):
        DeletedService(unit).restore(key)
    steps = []
    while True:
        with platform.unit(ADMIN) as unit:
            count = purge_step(unit, DEVICE_HOOKS, 100)
        if not count:
            break
        steps.append(count)
    # Values of one time are not parted: two here.
    assert max(steps) <= 101
    assert len(steps) > 8
    assert set(_counts(platform, key).values()) == {0}
    assert _counts(platform, other) == before
    with platform.unit(ADMIN) as unit:
        assert unit.session.get_one(Device, key).device_id == "cam-1"
        with pytest.raises(NotFound):
            DeletedService(unit).restore(key)


def test_with_kafka_a_device_is_purged_when_no_batch_from_there_can_still_write_of_it(
    platform, fleet
):
    platform.configure(kafka_brokers=("kafka:9092",))
    key = load(platform, "cam-1").id
    _delete(platform, purge=True)
    purge_deleted(platform)
    _say(platform, key)  # a batch that was begun before it was deleted
    platform.time.advance(s=601)
    purge_deleted(platform)
    assert set(_counts(platform, key).values()) == {0}


def test_a_pass_that_has_much_to_delete_leaves_the_rest_to_the_next(platform, fleet, monkeypatch):
    key = load(platform, "cam-1").id
    _say(platform, key)
    _delete(platform, purge=True)
    monkeypatch.setattr(registry, "ROWS", 100)
    monkeypatch.setattr(registry, "PASS_S", 0.0)
    assert 0 < purge_deleted(platform) <= 101
    monkeypatch.setattr(registry, "PASS_S", 30.0)
    purge_deleted(platform)
    assert set(_counts(platform, key).values()) == {0}


def test_delete_with_all_data_leaves_nothing_to_restore(platform, fleet):
    key = load(platform, "cam-1").id
    _say(platform, key)
    _delete(platform, purge=True)
    with platform.unit(ADMIN) as unit:
        assert DeletedService(unit).list("", PageRequest()).items == []
    purge_deleted(platform)
    assert set(_counts(platform, key).values()) == {0}


def test_a_kept_device_can_be_purged_before_its_time(platform, fleet):
    key = load(platform, "cam-1").id
    _delete(platform)
    with platform.unit(ADMIN) as unit:
        DeletedService(unit).purge(key, "asked for by its owner")
    assert purge_deleted(platform) > 0
    assert set(_counts(platform, key).values()) == {0}


def test_deleted_devices_are_shown_to_those_who_may_delete_there(platform, fleet):
    key = load(platform, "cam-1").id
    _delete(platform)
    with platform.unit(actor("operator")) as unit:
        with pytest.raises(PermissionDenied):
            DeletedService(unit).list("", PageRequest())
        with pytest.raises(PermissionDenied):
            DeletedService(unit).restore(key)
    with platform.unit(actor("administrator", fleet.rome.path)) as unit:
        assert DeletedService(unit).list("", PageRequest()).items == []
        with pytest.raises(NotFound):
            DeletedService(unit).restore(key)


def test_a_restored_child_of_a_deleted_gateway_is_a_device_of_its_own(platform, fleet):
    with platform.unit(ADMIN) as unit:
        kid = DeviceService(unit).register("kid", "camera", gateway="cam-1").id
    _delete(platform, "kid")
    _delete(platform, "cam-1")
    with platform.unit(ADMIN) as unit:
        assert DeletedService(unit).restore(kid).gateway_id is None


def test_a_restored_child_of_what_is_a_child_now_is_a_device_of_its_own(platform, fleet):
    with platform.unit(ADMIN) as unit:
        kid = DeviceService(unit).register("kid", "camera", gateway="cam-1").id
    _delete(platform, "kid")
    with platform.unit(ADMIN) as unit:
        GatewayService(unit).attach("cam-1", "cam-2", hooks=DEVICE_HOOKS)
    with platform.unit(ADMIN) as unit:
        assert DeletedService(unit).restore(kid).gateway_id is None


def test_restoring_gives_the_broker_the_desired_settings_again(platform, fleet):
    from muster_platform.devices.settings_service import SettingsService

    key = load(platform, "cam-1").id
    with platform.unit(ADMIN) as unit:
        SettingsService(unit).set_desired("cam-1", {"every_s": 5})
    _delete(platform)
    with platform.unit(ADMIN) as unit:
        DeletedService(unit).restore(key)
        sent = unit.session.scalars(select(Outbound).order_by(Outbound.id)).all()
        ours = [(row.topic, bool(row.payload)) for row in sent if "settings" in row.topic]
    assert ours[-2:] == [
        ("muster/1/cam-1/down/settings", False),
        ("muster/1/cam-1/down/settings", True),
    ]
