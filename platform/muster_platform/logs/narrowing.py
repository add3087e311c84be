"""From what people ask for to what a store is asked: of the devices that they may see."""

from typing import Any

from sqlalchemy import Select, select

from muster_platform.access.permissions import Permission
from muster_platform.devices.filters import DeviceFilter, conditions
from muster_platform.devices.find import find_device, visible
from muster_platform.devices.models import Device
from muster_platform.errors import InvalidInput
from muster_platform.logs.filter import LogFilter
from muster_platform.logs.store import LogQuery
from muster_platform.logs.text_query import parse
from muster_platform.unit import Unit
from muster_protocol.messages import LEVEL_NUMBER


def readable(unit: Unit) -> Select[Any]:
    """Select the keys of the devices whose logs the actor may read.

    Raises:
        PermissionDenied: without logs:read on any group at all.
    """
    unit.actor.require_somewhere(Permission.LOGS_READ)
    return select(Device.id).where(visible(unit.actor, Permission.LOGS_READ))


def devices(unit: Unit, wanted: LogFilter) -> Select[Any]:
    """Select the keys of the devices of a filter whose logs the actor may read.

    Raises:
        PermissionDenied: without logs:read on the device's group, or on any group at all.
        NotFound: the filter names a device or group that is not there for the actor.
    """
    keys = readable(unit)
    if wanted.device_id is not None:
        device = find_device(unit, wanted.device_id, Permission.LOGS_READ)
        keys = keys.where(Device.id == device.id)
    chosen = DeviceFilter(
        group_id=wanted.group_id,
        profile=wanted.profile,
        tag=wanted.tag,
        component=wanted.component,
    )
    if chosen != DeviceFilter():
        keys = keys.where(*conditions(unit, chosen, Permission.LOGS_READ))
    return keys


def narrowed(unit: Unit, wanted: LogFilter) -> LogQuery:
    """Give the question to a store.

    Raises:
        PermissionDenied, NotFound: as `devices`.
        InvalidInput: the text cannot be read, or the range ends before it begins.
    """
    if wanted.since is not None and wanted.until is not None and wanted.since >= wanted.until:
        raise InvalidInput(
            "the range ends before it begins: since is not below until", where="since"
        )
    return LogQuery(
        devices=devices(unit, wanted),
        terms=parse(wanted.text),
        levels=_levels(wanted),
        logger=wanted.logger,
        exception_type=wanted.exception_type,
        fingerprint=wanted.fingerprint,
        log_session=wanted.log_session,
        fields=wanted.fields,
        since=wanted.since,
        until=wanted.until,
    )


def _levels(wanted: LogFilter) -> frozenset[int] | None:
    if not wanted.levels and wanted.min_level is None:
        return None
    least = LEVEL_NUMBER[wanted.min_level] if wanted.min_level else 0
    named = wanted.levels or LEVEL_NUMBER.keys()
    return frozenset(LEVEL_NUMBER[level] for level in named if LEVEL_NUMBER[level] >= least)
