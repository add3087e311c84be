"""The quarantine read again: stored once, at its own time; refused again with the reason."""

import json

import pytest
from sqlalchemy import select, text

from muster_platform.access.models import AuditEntry
from muster_platform.devices.models import Device
from muster_platform.devices.quarantine import QuarantineFilter, QuarantineService
from muster_platform.devices.service import DeviceService
from muster_platform.errors import NotFound, PermissionDenied
from muster_platform.stream.messages import Reader
from muster_platform.stream.replay import Replayer
from muster_platform.stream.wiring import appliers
from tests.integration.stream.helpers import ACTOR, Store, register
from tests.services.database import ADMIN, actor

BOOT = "01890000-0000-7000-8000-000000000001"


@pytest.fixture
def again(store: Store):
    """Give a function that asks for all to be read again, and does it."""
    replayer = Replayer(
        store.platform.units,
        ACTOR,
        appliers(),
        store.lease,
        Reader(),
        monotonic=lambda: 1e9 + store.clock.now_ms(),
    )

    def run(**wanted):
        with store.platform.unit(ADMIN) as unit:
            marked = QuarantineService(unit).replay_all(QuarantineFilter(**wanted))
        store.clock.advance(s=3)
        assert replayer.step() == marked
        return marked

    return run


def _telemetry(number, value=1):
    points = [{"ts": 1_699_999_999_000, "values": {"v": value}}]
    return json.dumps({"boot": BOOT, "seq": number, "points": points})


def _device(unit, device_id):
    return unit.session.scalars(select(Device).where(Device.device_id == device_id)).unique().one()


def _quarantine(store):
    return store.rows("SELECT reason, detail, replay_at FROM quarantine ORDER BY id")


def _values(store):
    return [row[0] for row in store.rows("SELECT num FROM telemetry ORDER BY num")]


def test_what_came_before_its_device_was_registered_is_stored_at_its_own_time(store, again):
    store.write(store.message("later", "telemetry", _telemetry(1, 5), age_ms=60_000))
    received = store.rows("SELECT received_at FROM quarantine")[0][0]
    store.write(store.message("later", "logs", '{"level":"ERROR","message":"early"}', age_ms=1))
    assert [row[0] for row in _quarantine(store)] == ["unknown_device", "unknown_device"]
    register(store.platform, "later")
    assert again() == 2
    assert _quarantine(store) == []
    assert _values(store) == [5.0]
    assert store.rows("SELECT message FROM log_records") == [("early",)]
    assert store.rows("SELECT highest, stored, quarantined FROM ledger") == [(1, 1, 0)]
    assert received < store.clock.now_ms()


def test_what_the_device_has_sent_again_meanwhile_is_not_stored_twice(store, again):
    store.write(store.message("later", "telemetry", _telemetry(1)))
    register(store.platform, "later")
    store.write(store.message("later", "telemetry", _telemetry(1)))
    again()
    assert _values(store) == [1.0]
    assert _quarantine(store) == []


def test_what_its_ledger_has_counted_is_not_taken_for_a_double(store, again):
    register(store.platform, "pump")
    store.write(store.message("pump", "commands", _report("foreign")))
    assert store.rows("SELECT stored, quarantined FROM ledger") == [(1, 1)]
    with store.platform.unit(ACTOR) as unit:
        _device(unit, "pump").disabled_at = 1
    store.write(store.message("pump", "events", _event(2)))
    store.write(store.message("pump", "telemetry", _telemetry(1)))
    again(reason="foreign_execution")
    assert [row[0] for row in _quarantine(store)] == ["foreign_execution"]
    assert "read again" in _quarantine(store)[0][1]
    assert store.rows("SELECT stored, quarantined FROM ledger WHERE channel = 'commands'") == [
        (1, 1)
    ]


def test_a_message_of_a_disabled_device_counts_once_it_is_enabled(store, again):
    register(store.platform, "pump")
    hello = (
        f'{{"boot":"{BOOT}","seq":1,"session":5,"install_id":"i","agent":{{"name":"a",'
        '"version":"1"},"profile":"p"}'
    )
    with store.platform.unit(ACTOR) as unit:
        _device(unit, "pump").disabled_at = 1
    store.sink._appliers = appliers()
    store.write(store.message("pump", "hello", hello))
    assert [row[0] for row in _quarantine(store)] == ["refused"]
    again()
    assert [row[0] for row in _quarantine(store)] == ["refused"]
    with store.platform.unit(ACTOR) as unit:
        _device(unit, "pump").disabled_at = None
    again()
    assert _quarantine(store) == []
    assert store.rows("SELECT agent FROM devices WHERE NOT plain") == [("a 1",)]
    assert store.rows("SELECT stored, quarantined FROM ledger") == [(1, 0)]


def test_what_cannot_be_read_stays_and_says_so(store, again):
    register(store.platform, "pump")
    store.write(store.message("pump", "telemetry", f'{{"boot":"{BOOT}","seq":1,"points":7}}'))
    again()
    ((reason, detail, replay_at),) = _quarantine(store)
    assert (reason, replay_at) == ("field", None)
    assert detail.startswith("read again: ")
    assert store.rows("SELECT stored, quarantined FROM ledger") == [(1, 1)]


def test_an_old_word_is_no_sign_of_life(store, again):
    store.write(store.message("later", "telemetry", '{"v": 1}', age_ms=1_000))
    register(store.platform, "later")
    with store.platform.unit(ACTOR) as unit:
        row = _device(unit, "later").presence
        row.state, row.reason = "OFFLINE", "silent"
    again()
    assert _values(store) == [1.0]
    with store.platform.unit(ACTOR, write=False) as unit:
        assert _device(unit, "later").presence.state == "OFFLINE"


def test_a_device_that_took_the_id_of_a_deleted_one_gets_none_of_its_words(store, again):
    from muster_platform.bootstrap import DEVICE_HOOKS

    register(store.platform, "pump")
    store.write(store.message("pump", "commands", _report("foreign")))
    (number,) = store.rows("SELECT id FROM quarantine")[0]
    with store.platform.unit(ADMIN) as unit:
        QuarantineService(unit).replay(number)
        DeviceService(unit).delete("pump", hooks=DEVICE_HOOKS)
    register(store.platform, "pump")
    Replayer(store.platform.units, ACTOR, appliers(), store.lease, Reader()).step()
    assert _quarantine(store)[0][1:] == ("read again: its device was deleted", None)


def test_a_foreign_gateway_s_unreadable_message_is_not_entered_for_the_child(store, again):
    register(store.platform, "gate", "thief")
    register(store.platform, "kid-2", gateway="gate")
    store.write(
        store.message("thief", "telemetry/kid-2", f'{{"boot":"{BOOT}","seq":1,"points":7}}')
    )
    assert [row[0] for row in _quarantine(store)] == ["foreign_child"]
    assert store.rows("SELECT * FROM ledger") == []
    store.write(store.message("gate", "telemetry/kid-2", _telemetry(1, 3)))
    assert _values(store) == [3.0]


def _change(store, statement):
    with store.platform.unit(ACTOR) as unit:
        unit.session.execute(text(statement))


def test_a_message_read_again_while_its_child_is_elsewhere_is_not_lost(store, again):
    _change(store, "UPDATE profiles SET message_bytes_max = 20")
    store.write(store.message("gw", "telemetry/kid", _telemetry(1, 7)))
    assert [row[0] for row in _quarantine(store)] == ["limit"]
    gateway = "UPDATE devices SET gateway_id = {} WHERE device_id = 'kid'"
    _change(store, gateway.format(store.key("a")))
    again()
    assert "not the gateway" in _quarantine(store)[0][1]
    _change(store, gateway.format(store.key("gw")))
    _change(store, "UPDATE profiles SET message_bytes_max = 0")
    again()
    assert (_quarantine(store), _values(store)) == ([], [7.0])
    assert store.rows("SELECT stored, quarantined FROM ledger") == [(1, 0)]


@pytest.mark.parametrize(
    ("channel", "said", "found"),
    [
        (
            "settings",
            '"version":{},"reported":{{"rate":{}}}',
            "SELECT reported FROM device_settings",
        ),
        (
            "inventory",
            '"inventory":[{{"component":"app{0}","version":"{1}"}}]',
            "SELECT version FROM inventory_items",
        ),
    ],
)
def test_a_state_that_the_device_has_told_anew_since_stays(store, again, channel, said, found):
    store.sink._appliers = appliers()
    _change(store, "UPDATE devices SET disabled_at = 1 WHERE device_id = 'a'")
    store.write(store.message("a", channel, f'{{"boot":"{BOOT}","seq":1,{said.format(1, 1)}}}'))
    assert [row[0] for row in _quarantine(store)] == ["refused"]
    _change(store, "UPDATE devices SET disabled_at = NULL")
    store.clock.advance(s=1)
    store.write(store.message("a", channel, f'{{"boot":"{BOOT}","seq":2,{said.format(2, 2)}}}'))
    newest = store.rows(found)
    again()
    assert [row[0] for row in _quarantine(store)] == ["overtaken"]
    assert store.rows(found) == newest
    assert store.rows("SELECT stored, quarantined FROM ledger") == [(2, 1)]


def test_what_is_unreadable_still_is_entered_once_its_device_is_known(store, again):
    store.write(store.message("later", "telemetry", f'{{"boot":"{BOOT}","seq":1,"points":7}}'))
    register(store.platform, "later")
    assert store.rows("SELECT * FROM ledger") == []
    for _ in range(2):
        again()
        assert [row[0] for row in _quarantine(store)] == ["field"]
        assert store.rows("SELECT highest, stored, quarantined FROM ledger") == [(1, 1, 1)]


def test_replaying_and_deleting_need_their_permission_and_leave_a_trace(store):
    register(store.platform, "pump")
    store.write(store.message("pump", "commands", _report("foreign")))
    (number,) = store.rows("SELECT id FROM quarantine")[0]
    with store.platform.unit(actor("operator")) as unit:
        with pytest.raises(PermissionDenied):
            QuarantineService(unit).replay(number)
        with pytest.raises(PermissionDenied):
            QuarantineService(unit).delete_all(QuarantineFilter())
    with store.platform.unit(actor("viewer")) as unit, pytest.raises(NotFound):
        QuarantineService(unit).delete(number)
    with store.platform.unit(ADMIN) as unit:
        QuarantineService(unit).replay(number, "registered by now")
        QuarantineService(unit).delete(number)
    with store.platform.unit(ADMIN, write=False) as unit:
        acts = unit.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert acts == ["quarantine.replay", "quarantine.delete"]
    assert _quarantine(store) == []


def test_while_one_looks_messages_are_kept_as_they_came(store):
    register(store.platform, "pump")
    with store.platform.unit(ACTOR) as unit:
        _device(unit, "pump").capture_until = store.clock.now_ms() + 1_000
    store.write(store.message("pump", "telemetry", _telemetry(1)))
    store.clock.advance(s=2)
    store.write(store.message("pump", "telemetry", _telemetry(2)))
    kept = store.rows("SELECT topic, payload FROM raw_messages")
    assert [(topic, bytes(payload)) for topic, payload in kept] == [
        ("muster/1/pump/up/telemetry", _telemetry(1).encode())
    ]
    assert len(_values(store)) == 2


def _report(execution):
    return f'{{"boot":"{BOOT}","seq":1,"execution":"{execution}","state":"SUCCEEDED","ts":1}}'


def _event(seq):
    return f'{{"boot":"{BOOT}","seq":{seq},"name":"e"}}'
