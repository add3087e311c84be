"""Who may connect to Mosquitto follows the database; what was deleted leaves nothing behind."""

import os
import stat
import subprocess

import pytest

from muster_broker.accounts.files import read_accounts
from muster_broker.receiver import ReceiverError
from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.credentials import CredentialService
from muster_platform.devices.gateways import GatewayService
from muster_platform.devices.restore import DeletedService
from muster_platform.devices.service import DeviceService
from muster_platform.outbox import WAKE_ACCOUNTS, Wake
from muster_platform.stream import keeper
from muster_platform.stream.mosquitto import pid_file
from tests.integration.mosquitto.conftest import Installation, eventually
from tests.services import base
from tests.services.database import ADMIN

REFUSED = 5


def presence(device_id: str) -> str:
    return f"muster/1/{device_id}/up/presence"


def test_a_device_comes_in_with_the_secret_it_was_given(installed: Installation):
    secret = installed.device("pump-1")
    assert installed.code("pump-1", secret) == REFUSED
    assert installed.role.step()
    assert installed.code("pump-1", secret) == 0
    assert installed.code("pump-1", "wrong") == REFUSED
    assert installed.role.health() == "ok; 1 devices in Mosquitto's file"
    assert not installed.role.step(), "nothing changed, nothing is written"


def test_the_files_are_its_owners_alone_and_whole(installed: Installation):
    installed.device("pump-1")
    installed.role.step()
    for path in installed.settings.mosquitto_files.iterdir():
        if path.is_file() and path.suffix not in (".pid", ".log"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert not list(installed.settings.mosquitto_files.glob(".*")), "nothing half-written is left"


def disable(unit):
    DeviceService(unit).disable("pump-1", hooks=DEVICE_HOOKS)


def delete(unit):
    DeviceService(unit).delete("pump-1", hooks=DEVICE_HOOKS)


def revoke(unit):
    CredentialService(unit).revoke_all("pump-1")


def rotate(unit):
    CredentialService(unit).rotate("pump-1", overlap_s=0)


def attach(unit):
    DeviceService(unit).register("gateway-1", "pump")
    GatewayService(unit).attach("pump-1", "gateway-1", hooks=DEVICE_HOOKS)


@pytest.mark.parametrize("act", [disable, delete, revoke, rotate, attach])
def test_who_may_not_any_more_is_put_off_while_connected(kept: Installation, act):
    secret = kept.device("pump-1")
    eventually(lambda: kept.code("pump-1", secret) == 0, "it may connect")
    command = [*("-h", "127.0.0.1", "-p", str(kept.port), "-i", "pump-1", "-u", "pump-1")]
    listener = subprocess.Popen(
        [base.program("mosquitto_sub"), *command, "-P", secret, "-t", "muster/1/pump-1/down/#"],
        stderr=subprocess.PIPE,
    )
    kept.platform.signals.sent.clear()
    with kept.platform.unit(ADMIN) as unit:
        act(unit)
    assert Wake(WAKE_ACCOUNTS) in kept.platform.signals.sent
    # It connects again by itself and is refused then: that ends it.
    _, said = listener.communicate(timeout=20)
    assert b"not authorised" in said
    assert kept.code("pump-1", secret) == REFUSED


def test_enabled_and_restored_devices_come_in_again(installed: Installation):
    secret = installed.device("pump-1")
    with installed.platform.unit(ADMIN) as unit:
        disable(unit)
    installed.role.step()
    with installed.platform.unit(ADMIN) as unit:
        DeviceService(unit).enable("pump-1")
    installed.role.step()
    assert installed.code("pump-1", secret) == 0
    with installed.platform.unit(ADMIN) as unit:
        key = DeviceService(unit).get("pump-1").id
        delete(unit)
    installed.role.step()
    with installed.platform.unit(ADMIN) as unit:
        DeletedService(unit).restore(key)
        again = CredentialService(unit).rotate("pump-1")
    installed.role.step()
    assert installed.code("pump-1", secret) == REFUSED, "its secrets stay revoked"
    assert installed.code("pump-1", again) == 0


def test_of_several_secrets_the_newest_counts(installed: Installation):
    old = installed.device("pump-1")
    installed.role.step()
    installed.platform.time.advance(s=1)
    with installed.platform.unit(ADMIN) as unit:
        new = CredentialService(unit).rotate("pump-1", overlap_s=3600)
    installed.role.step()
    assert (installed.code("pump-1", old), installed.code("pump-1", new)) == (REFUSED, 0)


def test_deleting_leaves_no_session_no_will_and_nothing_retained(installed: Installation):
    secret = installed.device("pump-1")
    other = installed.device("pump-2")
    installed.role.step()
    device = installed.connect(
        "pump-1", secret, clean=False, will=(presence("pump-1"), b"lost", 1, True)
    )
    device.subscribe("muster/1/pump-1/down/#")
    for topic in (presence("pump-1"), "muster/1/pump-1/up/x/own", presence("pump-1") + "/child"):
        device.publish(topic, b"kept", retain=True)
    neighbour = installed.connect("pump-2", other, clean=False)
    neighbour.publish(presence("pump-2"), b"kept", retain=True)
    platform = installed.platform_client("_dispatch")
    platform.publish("muster/1/pump-1/down/settings", b"{}", retain=True)
    with installed.platform.unit(ADMIN) as unit:
        delete(unit)
    installed.role.step()
    device.closed()
    platform.subscribe("muster/1/#")
    assert [(p.topic, p.payload) for p in platform.pending()] == [(presence("pump-2"), b"kept")]
    neighbour.ping()
    again = installed.device("pump-1")  # the same id is another device
    installed.role.step()
    assert not installed.open(installed.port).connect("pump-1", again, clean=False), "no session"


def test_who_is_deleted_and_made_again_between_two_looks_inherits_nothing(
    installed: Installation,
):
    secret = installed.device("pump-1")
    installed.role.step()
    device = installed.connect("pump-1", secret, clean=False)
    device.subscribe("muster/1/pump-1/down/#")
    device.publish(presence("pump-1"), b"of the old one", retain=True)
    with installed.platform.unit(ADMIN) as unit:
        delete(unit)
    again = installed.device("pump-1")
    platform = installed.platform_client("_dispatch")
    platform.publish("muster/1/pump-1/down/settings", b"of the new one", retain=True)
    installed.role.step()
    device.closed()
    platform.subscribe("muster/1/#")
    assert [p.payload for p in platform.pending()] == [b"of the new one"]
    assert not installed.open(installed.port).connect("pump-1", again, clean=False), "no session"
    installed.role.step()
    kept = installed.open(installed.port)
    assert kept.connect("pump-1", again, clean=False), "it is forgotten once, not again"


def test_a_disabled_devices_session_stays(installed: Installation):
    secret = installed.device("pump-1")
    installed.role.step()
    device = installed.connect("pump-1", secret, clean=False)
    device.subscribe("muster/1/pump-1/down/#")
    with installed.platform.unit(ADMIN) as unit:
        disable(unit)
    installed.role.step()
    device.closed()
    with installed.platform.unit(ADMIN) as unit:
        DeviceService(unit).enable("pump-1")
    installed.role.step()
    assert installed.open(installed.port).connect("pump-1", secret, clean=False)


def test_killed_before_it_forgot_the_next_one_does(
    installed: Installation, monkeypatch: pytest.MonkeyPatch
):
    secret = installed.device("pump-1")
    installed.role.step()
    installed.connect("pump-1", secret).publish(presence("pump-1"), b"kept", retain=True)
    with installed.platform.unit(ADMIN) as unit:
        delete(unit)
    with monkeypatch.context() as patch:
        patch.setattr(keeper.broker_memory, "forget", killed)
        with pytest.raises(KeyboardInterrupt):
            installed.role.step()
    keeper.KeeperRole(installed.platform).step()
    platform = installed.platform_client()
    platform.subscribe("muster/1/#")
    assert platform.pending() == []


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_mosquitto_that_does_not_read_again_is_said(
    installed: Installation, monkeypatch: pytest.MonkeyPatch
):
    installed.role.step()
    monkeypatch.setattr(keeper, "IN_FORCE_S", 0.2)
    pid_file(installed.settings).write_text(str(os.getpid()))  # somebody else, who stays alive
    installed.device("pump-1")
    with pytest.raises(ReceiverError, match=r"has not read .* again"):
        installed.role.step()


def test_damage_in_the_file_is_written_over(installed: Installation):
    secret = installed.device("pump-1")
    path = installed.settings.mosquitto_files / "devices.passwords"
    path.write_text("not an account")
    installed.role.step()
    assert set(read_accounts(path)) == {"pump-1"}
    assert installed.code("pump-1", secret) == 0
