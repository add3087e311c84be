"""Import of a list of devices: planned by line, done whole or not at all."""

import pytest
from sqlalchemy import func, select

from muster_platform.access.groups import GroupService
from muster_platform.access.models import AuditEntry
from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.credentials import verify
from muster_platform.devices.import_plan import Options
from muster_platform.devices.importing import ImportService
from muster_platform.devices.models import Device, DeviceEvent
from muster_platform.devices.service import DeviceService
from muster_platform.devices.settings_layers import LayerService
from muster_platform.devices.settings_service import SettingsService
from muster_platform.errors import InvalidInput, NotFound, PermissionDenied
from muster_platform.worker.registry import clean_imports
from tests.integration.devices.conftest import load
from tests.services.database import ADMIN, actor

HEADER = "device_id,profile,group,display_name,tags,gateway\n"


def _plan(platform, text, who=ADMIN, **options):
    with platform.unit(who, write=False) as unit:
        return ImportService(unit, DEVICE_HOOKS).plan(text, Options(**options))


def _apply(platform, text, who=ADMIN, **options):
    with platform.unit(who) as unit:
        return ImportService(unit, DEVICE_HOOKS).apply(text, Options(**options), "list.csv")


def _devices(platform):
    with platform.unit(ADMIN, write=False) as unit:
        return unit.session.scalar(select(func.count(Device.id)))


def _why(report):
    return [(row.line, row.status, row.column) for row in report.rows]


def test_a_list_becomes_devices_with_all_that_belongs_to_them(platform, fleet):
    text = (
        HEADER + 'new-1,camera,Fleet / Berlin / Hall,Back door,"site=berlin;spare",\n'
        "new-2,camera,Rome,,,new-3\n\nnew-3,camera,Rome,,,\n"
    )
    assert _plan(platform, text).counts == {
        "new": 3,
        "change": 0,
        "same": 0,
        "exists": 0,
        "invalid": 0,
    }
    assert _devices(platform) == 2
    report = _apply(platform, text)
    assert (report.applied, report.secrets) == (True, {})
    one, two = load(platform, "new-1"), load(platform, "new-2")
    assert (one.group_id, one.display_name, one.search) == (
        fleet.hall.id,
        "Back door",
        "new-1 back door",
    )
    assert {tag.name: tag.value for tag in one.tags} == {"site": "berlin", "spare": ""}
    assert (one.presence.state, one.plain) == ("UNKNOWN", True)
    assert two.gateway_id == load(platform, "new-3").id
    with platform.unit(ADMIN) as unit:
        assert SettingsService(unit).get("new-1").version == 0
        entry = unit.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert (entry.action, entry.after["counts"]["new"]) == ("device.import", 3)
        lines = unit.session.scalars(
            select(DeviceEvent.summary).where(DeviceEvent.device_key == one.id)
        ).all()
        assert lines == ["Registered by test (import)"]


def test_imported_and_moved_devices_inherit_the_settings_of_their_group(platform, fleet):
    with platform.unit(ADMIN) as unit:
        LayerService(unit).set_desired(fleet.rome.id, {"every_s": 7})
    text = HEADER + "new-1,camera,Rome,,,\ncam-1,camera,Rome,,,\n"
    _apply(platform, text, update_existing=True)
    with platform.unit(ADMIN, write=False) as unit:
        for device_id in ("new-1", "cam-1"):
            assert SettingsService(unit).get(device_id).desired == {"every_s": 7}


def test_one_bad_line_and_nothing_is_done(platform, fleet):
    text = HEADER + "new-1,camera,Rome,,,\nnew 2,camera,Rome,,,\nnew-3,pump,Nowhere,,,\n"
    report = _apply(platform, text)
    assert not report.applied
    assert _why(report) == [
        (2, "new", ""),
        (3, "invalid", "device_id"),
        (4, "invalid", "profile"),
    ]
    assert _devices(platform) == 2


@pytest.mark.parametrize(
    ("cells", "column", "why"),
    [
        ("new-1,camera,Nowhere,,,", "group", "no such group"),
        ("new-1,camera,Rome,,,nobody", "gateway", "no such device"),
        ("new-1,camera,Rome,,,new-1", "gateway", "its own gateway"),
        ("new-1,camera,Rome,,a b=1,", "tags", "tag's name"),
        ("new-1,camera,Rome,,=1,", "tags", "without a name"),
        (f"new-1,camera,Rome,{'x' * 200},,", "display_name", "at most"),
        ("cam-1,phone,Hall,,,", "profile", "never changes"),
        ("_ingest,camera,Rome,,,", "device_id", "not a device id"),
        ("new-1,camera,Rome,,,,,extra", "", "not quoted"),
    ],
)
def test_each_mistake_is_named_with_its_column(platform, fleet, cells, column, why):
    (row,) = _plan(platform, HEADER + cells + "\n").rows
    assert (row.status, row.column) == ("invalid", column)
    assert why in row.why


def test_the_same_device_twice_in_a_list_is_a_mistake(platform, fleet):
    report = _plan(platform, HEADER + "new-1,camera,Rome,,,\nnew-1,camera,Hall,,,\n")
    assert _why(report) == [(2, "new", ""), (3, "invalid", "device_id")]
    assert "line 2" in report.rows[1].why


def test_devices_that_are_there_stay_or_change_as_chosen(platform, fleet):
    text = HEADER + "cam-1,camera,Hall,Door,site=berlin,\ncam-2,,Berlin,New name,site=b,\n"
    report = _apply(platform, text)
    assert [row.status for row in report.rows] == ["same", "exists"]
    assert load(platform, "cam-2").display_name == "Gate"
    planned = _plan(platform, text, update_existing=True)
    assert planned.rows[1].changes == {
        "display_name": ("Gate", "New name"),
        "group": ("Rome", "Berlin"),
        "tags": ({"site": "rome"}, {"site": "b"}),
    }
    _apply(platform, text, update_existing=True)
    changed = load(platform, "cam-2")
    assert (changed.display_name, changed.group_id, changed.version) == (
        "New name",
        fleet.berlin.id,
        2,
    )
    assert [tag.value for tag in changed.tags] == ["b"]


def test_an_empty_cell_leaves_what_is_there(platform, fleet):
    report = _apply(platform, HEADER + "cam-1,camera,,,,\n", update_existing=True)
    assert [row.status for row in report.rows] == ["same"]


def test_spreadsheets_of_any_country_are_read(platform, fleet):
    text = '\ufeffdevice_id;profile;group;presence;tags\r\nnew-1;camera;Rome;ONLINE;"a=1;b=2"\r\n'
    assert _apply(platform, text).counts["new"] == 1
    assert len(load(platform, "new-1").tags) == 2


def test_what_an_export_made_harmless_is_read_as_it_was(platform, fleet):
    _apply(platform, HEADER + "new-1,camera,Rome,'=1+1,note=-x,\n")
    assert load(platform, "new-1").display_name == "=1+1"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "first line"),
        ("a,b\n1,2\n", "device_id"),
        ("device_id,profile,colour\nx,y,z\n", "unknown columns: 'colour'"),
        (HEADER, "no devices"),
        ("device_id,profile,profile\nx,y,z\n", "twice"),
        ('device_id,profile\n"x,y\n', "line 2 is not CSV"),
    ],
)
def test_what_is_no_list_is_refused_with_the_reason(platform, fleet, text, why):
    with pytest.raises(InvalidInput, match=why):
        _plan(platform, text)


def test_a_list_that_is_too_long_says_so(platform, fleet):
    platform.configure(import_rows_max=2)
    with pytest.raises(InvalidInput, match="more than 2 devices"):
        _plan(platform, HEADER + "".join(f"n-{i},camera,Rome,,,\n" for i in range(3)))


def test_names_of_groups_that_fit_several_ask_for_the_path(platform, fleet):
    with platform.unit(ADMIN) as unit:
        GroupService(unit).create("Hall", fleet.rome.id)
    (row,) = _plan(platform, HEADER + "new-1,camera,Hall,,,\n").rows
    assert "give the path" in row.why
    assert _plan(platform, HEADER + "new-1,camera,Rome/Hall,,,\n").counts["new"] == 1


def test_nobody_imports_where_they_may_not_enrol(platform, fleet):
    operator = actor("operator", fleet.berlin.path)
    text = HEADER + "new-1,camera,Hall,,,\nnew-2,camera,Rome,,,\ncam-2,camera,,X,,\n"
    report = _plan(platform, text, operator, update_existing=True)
    assert _why(report) == [
        (2, "new", ""),
        (3, "invalid", "group"),
        (4, "invalid", "device_id"),
    ]
    with pytest.raises(PermissionDenied):
        _plan(platform, text, actor("viewer"))


def test_secrets_are_made_for_those_that_connect_by_themselves(platform, fleet):
    text = HEADER + "new-1,camera,Rome,,,\nkid,camera,Rome,,,new-1\n"
    report = _apply(platform, text, make_secrets=True)
    assert report.secrets.keys() == {"new-1"}
    with platform.unit(ADMIN, write=False) as unit:
        assert verify(unit.session, "new-1", report.secrets["new-1"], unit.now()) is not None


def test_a_kept_list_is_its_owner_s_alone_and_goes_after_a_day(platform, fleet):
    with platform.unit(ADMIN) as unit:
        row = ImportService(unit, DEVICE_HOOKS).keep(HEADER, Options(make_secrets=True), "x.csv")
    with platform.unit(ADMIN, write=False) as unit:
        assert ImportService(unit, DEVICE_HOOKS).kept(row.id)[1].make_secrets
    with platform.unit(actor("administrator"), write=False) as unit, pytest.raises(NotFound):
        ImportService(unit, DEVICE_HOOKS).kept(row.id)
    platform.time.advance(s=86_401)
    assert clean_imports(platform) == 1


def test_a_gateway_of_a_present_device_can_be_given_in_the_list(platform, fleet):
    report = _apply(platform, HEADER + "cam-2,camera,,,,cam-1\n", update_existing=True)
    assert report.counts["change"] == 1
    assert load(platform, "cam-2").gateway_id == load(platform, "cam-1").id
    with platform.unit(ADMIN, write=False) as unit:
        assert DeviceService(unit).get("cam-2").version > 1
