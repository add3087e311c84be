"""Which domain function takes which message: the composition of ingest."""

from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.ingest import registry
from muster_platform.devices.models import Device
from muster_platform.errors import Conflict
from muster_platform.jobs.reports import FOREIGN_EXECUTION, Outcome, apply_report
from muster_platform.logs.fingerprint import fingerprint
from muster_platform.stream.appliers import Appliers
from muster_platform.unit import Unit
from muster_protocol.messages import Hello, HelloAnswer, InventoryReport, Presence, Report


def appliers() -> Appliers:
    """Give what the domains do with each message."""
    hooks = DEVICE_HOOKS

    def hello(unit: Unit, device: Device, message: Hello, received_at: int) -> HelloAnswer:
        return registry.apply_hello(unit, device, message, received_at, hooks)

    def presence(
        unit: Unit, device: Device, message: Presence, received_at: int, kept: bool
    ) -> None:
        registry.apply_presence(unit, device, message, received_at, hooks, kept=kept)

    def inventory(unit: Unit, device: Device, message: InventoryReport, received_at: int) -> None:
        registry.apply_inventory(unit, device, message, received_at, hooks)

    def heard(unit: Unit, heard_at: dict[int, int]) -> None:
        registry.heard(unit, heard_at, hooks)

    return Appliers(
        hello=hello,
        presence=presence,
        inventory=inventory,
        settings=registry.apply_settings_report,
        event=registry.apply_event,
        report=_report,
        heard=heard,
        fingerprint=fingerprint,
    )


def _report(unit: Unit, device: Device, report: Report, received_at: int) -> None:
    if apply_report(unit, device, report, received_at) is Outcome.FOREIGN:
        raise Conflict(
            f"{device.device_id} has no execution {report.execution}", code=FOREIGN_EXECUTION
        )
