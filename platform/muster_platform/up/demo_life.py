"""What people would have done in the demonstration: tags, settings, commands, and demo_work."""

import logging
import threading

from sqlalchemy.exc import SQLAlchemyError

from muster_platform.access.actor import system_actor
from muster_platform.access.groups import GroupService
from muster_platform.bootstrap import Platform, build
from muster_platform.devices.filters import DeviceFilter
from muster_platform.devices.service import DeviceService
from muster_platform.devices.settings_layers import LayerService
from muster_platform.errors import MusterError
from muster_platform.jobs.service import JobService
from muster_platform.paging import PageRequest
from muster_platform.settings import Settings
from muster_platform.unit import Unit
from muster_platform.up import demo_work
from muster_platform.up.demo_work import OPERATOR, person

log = logging.getLogger(__name__)

TAGGED = 200
FLOORS = 3
PATIENCE_S = 60.0
ENOUGH = 0.8
"""Share of the devices that must have come."""
SITES = ("berlin", "lyon", "porto")
SETTINGS: tuple[tuple[str, dict[str, object]], ...] = (
    ("sensor", {"report_every_s": 10, "alarm_above_c": 28}),
    ("gateway", {"report_every_s": 5, "uplink": "lte"}),
)
"""Profile -> what is desired of its devices."""
COMMANDS = (
    ("calibrate", "Cold chain", "Calibrate after the move"),
    ("rotate_logs", "Depots", "Rotate logs"),
    ("show_message", "Drivers", "Tell drivers about the new gate"),
)
"""Command, group and title."""


class DemoLife(threading.Thread):
    """Waits for the fleet, then does it once."""

    def __init__(self, settings: Settings, devices: int) -> None:
        """Prepare.

        Args:
            devices: how many are simulated.
        """
        super().__init__(name="demo-life", daemon=True)
        self._settings, self._devices = settings, devices
        self._stop_asked = threading.Event()

    def stop(self) -> None:
        """Ask it to end."""
        self._stop_asked.set()

    def run(self) -> None:
        """Do it; what fails is missing from the demonstration and stops nothing."""
        platform = build(self._settings)
        try:
            if self._wait(platform):
                furnish(platform)
        except (MusterError, SQLAlchemyError) as error:
            log.warning("the demonstration is left as it is: %s", error)
        finally:
            platform.close()

    def _wait(self, platform: Platform) -> bool:
        """Wait for most of the devices; False when stopped."""
        waited = 0.0
        while waited < PATIENCE_S and not self._stop_asked.wait(1.0):
            waited += 1.0
            with platform.unit(system_actor("setup"), write=False) as unit:
                if sum(DeviceService(unit).count_by_presence().values()) >= ENOUGH * self._devices:
                    break
        return not self._stop_asked.is_set()


def furnish(platform: Platform) -> None:
    """Do what the demonstration's people would have done, each thing by itself."""
    for act in (
        *(_set, _tag_devices, _command),
        *(demo_work.go_on_call, demo_work.release, demo_work.watch_batteries),
    ):
        try:
            act(platform)
        except (MusterError, SQLAlchemyError, OSError) as error:
            log.warning("missing from the demonstration: %s: %s", act.__name__.strip("_"), error)


def _set(platform: Platform) -> None:
    with platform.unit(system_actor("setup")) as unit:
        for profile, desired in SETTINGS:
            LayerService(unit).set_desired(profile, desired)


def _tag_devices(platform: Platform) -> None:
    with platform.unit(person(platform, OPERATOR)) as unit:
        _tag(unit)


def _command(platform: Platform) -> None:
    with platform.unit(person(platform, OPERATOR)) as unit:
        groups = {group.name: group.id for group in GroupService(unit).list()}
        for name, group, title in COMMANDS:
            if DeviceService(unit).list(DeviceFilter(group_id=groups[group]), PageRequest(1)).items:
                JobService(unit).create_command(name, target={"group": groups[group]}, title=title)


def _tag(unit: Unit) -> None:
    service = DeviceService(unit)
    devices = service.list(DeviceFilter(), PageRequest(TAGGED)).items
    for number, device in enumerate(devices):
        service.tag(
            device.device_id,
            {"site": SITES[number % len(SITES)], "floor": str(number % FLOORS + 1)},
        )
