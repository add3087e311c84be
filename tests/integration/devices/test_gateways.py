"""Gateways and children: attached, moved, detached; what each may and may not."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from sqlalchemy import select

from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.credentials import CredentialService, verify
from muster_platform.devices.filters import DeviceFilter
from muster_platform.devices.gateways import GatewayService
from muster_platform.devices.models import Outbound
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.service import DeviceService
from muster_platform.devices.settings_service import SettingsService
from muster_platform.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from muster_platform.paging import PageRequest
from tests.services.database import ADMIN, TestPlatform, actor


@pytest.fixture
def family(platform, fleet):
    """gw-1 in Hall speaks for kid-1 and kid-2; gw-2 in Rome for nobody."""
    with platform.unit(ADMIN) as unit:
        devices = DeviceService(unit)
        devices.register("gw-1", "camera", fleet.hall.id)
        devices.register("gw-2", "camera", fleet.rome.id)
        for name in ("kid-1", "kid-2"):
            devices.register(name, "camera", fleet.hall.id, gateway="gw-1")
    return fleet


def _ids(unit, **wanted):
    return [
        d.device_id for d in DeviceService(unit).list(DeviceFilter(**wanted), PageRequest()).items
    ]


def test_the_filter_knows_gateways_children_and_those_that_connect_themselves(platform, family):
    with platform.unit(ADMIN, write=False) as unit:
        assert _ids(unit, kind="gateway") == ["gw-1"]
        assert _ids(unit, kind="child") == _ids(unit, gateway="gw-1") == ["kid-1", "kid-2"]
        assert _ids(unit, kind="direct") == ["cam-1", "cam-2", "gw-1", "gw-2"]
        with pytest.raises(InvalidInput, match="kind is one of"):
            _ids(unit, kind="aunt")


def test_moving_a_child_takes_its_topics_along(platform, family):
    with platform.unit(ADMIN) as unit:
        SettingsService(unit).set_desired("kid-1", {"every_s": 5})
        unit.session.query(Outbound).delete()
        GatewayService(unit).attach("kid-1", "gw-2", hooks=DEVICE_HOOKS)
        assert GatewayService(unit).gateway_of("kid-1") == "gw-2"
        rows = unit.session.scalars(select(Outbound).order_by(Outbound.id)).all()
    assert [(row.topic, bool(row.payload), row.retain) for row in rows] == [
        ("muster/1/gw-1/up/presence/kid-1", False, True),
        ("muster/1/gw-1/down/settings/kid-1", False, True),
        ("muster/1/gw-2/down/settings/kid-1", True, True),
    ]


def test_a_device_that_becomes_a_child_loses_its_secrets_and_its_connection(platform, family):
    with platform.unit(ADMIN) as unit:
        secret = CredentialService(unit).rotate("cam-1")
        unit.session.query(Outbound).delete()
        GatewayService(unit).attach("cam-1", "gw-1", hooks=DEVICE_HOOKS)
        assert verify(unit.session, "cam-1", secret, unit.now()) is None
        first = unit.session.scalars(select(Outbound).order_by(Outbound.id)).first()
        assert first.payload == '{"device_id":"cam-1","forget":true}'
        with pytest.raises(Conflict, match="is a child"):
            CredentialService(unit).rotate("cam-1")
    with platform.unit(ADMIN) as unit:
        GatewayService(unit).detach("cam-1", hooks=DEVICE_HOOKS)
        assert verify(unit.session, "cam-1", secret, unit.now()) is None
        again = CredentialService(unit).rotate("cam-1")
        assert verify(unit.session, "cam-1", again, unit.now()).device_id == "cam-1"


def test_there_is_one_level_and_no_circle(platform, family):
    with platform.unit(ADMIN) as unit:
        service = GatewayService(unit)
        for device, gateway, kind in (
            ("cam-1", "kid-1", InvalidInput),
            ("cam-1", "cam-1", InvalidInput),
            ("gw-1", "gw-2", Conflict),
            ("cam-1", "nobody", NotFound),
        ):
            with pytest.raises(kind):
                service.attach(device, gateway, hooks=DEVICE_HOOKS)
        with pytest.raises(Conflict, match="no child"):
            service.detach("cam-1", hooks=DEVICE_HOOKS)


def test_a_gateway_with_children_names_them_instead_of_going(platform, family):
    with platform.unit(ADMIN) as unit:
        with pytest.raises(Conflict, match=r"2 children \(kid-1, kid-2\)"):
            DeviceService(unit).delete("gw-1", hooks=DEVICE_HOOKS)
        GatewayService(unit).attach("kid-1", "gw-2", hooks=DEVICE_HOOKS)
        DeviceService(unit).delete("kid-2", hooks=DEVICE_HOOKS)
        DeviceService(unit).delete("gw-1", hooks=DEVICE_HOOKS)


def test_a_device_that_gets_a_child_in_this_moment_is_not_deleted(migrated_postgres, tmp_path):
    platform = TestPlatform(migrated_postgres.empty(), tmp_path)  # SQLite has one writer anyhow

    def delete():
        with platform.unit(ADMIN) as unit:
            DeviceService(unit).delete("gw", hooks=DEVICE_HOOKS)

    try:
        with platform.unit(ADMIN) as unit:
            ProfileService(unit).create("camera", "Camera")
            for name in ("gw", "kid"):
                DeviceService(unit).register(name, "camera")
        with ThreadPoolExecutor(1) as pool:
            with platform.unit(ADMIN) as unit:
                GatewayService(unit).attach("kid", "gw", hooks=DEVICE_HOOKS)
                deleted = pool.submit(delete)
                wait([deleted], timeout=1)
            with pytest.raises(Conflict, match=r"1 children \(kid\)"):
                deleted.result(timeout=30)
    finally:
        platform.close()


def test_both_groups_must_allow_it(platform, family):
    with platform.unit(actor("operator", family.hall.path)) as unit:
        with pytest.raises(NotFound):
            GatewayService(unit).attach("kid-1", "gw-2", hooks=DEVICE_HOOKS)
        GatewayService(unit).attach("cam-1", "gw-1", hooks=DEVICE_HOOKS)
    with platform.unit(actor("viewer")) as unit, pytest.raises(PermissionDenied):
        GatewayService(unit).detach("kid-1", hooks=DEVICE_HOOKS)
