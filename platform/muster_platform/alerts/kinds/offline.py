"""Rules on presence: devices that are offline, and sites whose devices are away together.

A device is asked for again before anybody is woken: its presence is read anew, under the lock of
its row, in the transaction that raises. While no ingest listens nothing is raised: then it is the
platform that is deaf.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta
from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import aliased

from muster_platform.access.permissions import Permission
from muster_platform.alerts.kinds.base import (
    ACTIVE_STATES,
    Finding,
    Look,
    Params,
    Seconds,
    active,
    group_subject,
    value,
)
from muster_platform.alerts.kinds.devices import DeviceKind, devices, subject_of
from muster_platform.alerts.models import Alarm
from muster_platform.alerts.rules import Count, duration_words, lost_sites, rolled_up
from muster_platform.devices.models import Device, Lease, Presence
from muster_platform.devices.presence import INGEST_LEASE
from muster_protocol.states import PresenceState

OFFLINE = str(PresenceState.OFFLINE)
AWAY = (OFFLINE, str(PresenceState.SUSPECT))


class OfflineParams(Params, frozen=True, kw_only=True):
    """A device that is offline.

    Attributes:
        for_s: for how long.
        site_share: share of a group's devices that, away together, are one alarm of the group;
            0: never.
        site_least: how many of them at least.
    """

    for_s: Seconds = 300
    site_share: Annotated[float, Meta(ge=0, le=1)] = 0.5
    site_least: Annotated[int, Meta(ge=2, le=1_000_000)] = 10


class Offline(DeviceKind[OfflineParams]):
    """Device offline."""

    name, title = "device_offline", "Device offline"
    needs, params = Permission.DEVICES_READ, OfflineParams

    def words(self, params: OfflineParams) -> str:
        """See Kind."""
        return f"offline for {duration_words(params.for_s)}"

    def holding(self, look: Look, params: OfflineParams) -> Select[Any]:
        """See DeviceKind; gateways come first, so that their children find their alarms."""
        chosen = self.lasting(look, params)
        return chosen.where(Presence.since <= look.now - params.for_s * 1000).order_by(
            Device.gateway_id.is_not(None)
        )

    def lasting(self, look: Look, params: OfflineParams) -> Select[Any]:  # noqa: ARG002
        """See DeviceKind."""
        told = (Presence.state, Presence.reason, Presence.since, Presence.heard_at)
        return devices(look, *told, Device.gateway_id).where(Presence.state == OFFLINE)

    def finding(self, params: OfflineParams, row: Any) -> Finding:  # noqa: ARG002
        """See DeviceKind."""
        seen = [value("presence", f"{row.state} ({row.reason})", row.since)]
        if row.heard_at is not None:
            seen.append(value("last heard", row.heard_at, row.heard_at))
        return Finding(
            subject=subject_of(row),
            title=f"{row.name} is offline",
            since=row.since,
            evidence={"values": seen},
        )

    def ended_words(
        self,
        look: Look,
        params: OfflineParams,  # noqa: ARG002
        keys: Sequence[int],
    ) -> dict[int, str]:
        """See DeviceKind."""
        rows = look.unit.session.execute(
            devices(look, Presence.state).where(Device.id.in_(keys), Presence.state != OFFLINE)
        )
        return {row.key: f"It is {row.state}" for row in rows}

    def found(self, look: Look, params: OfflineParams, limit: int) -> list[Finding]:
        """See Kind."""
        if not _listening(look):
            return []
        found = super().found(look, params, limit)
        return [*(self._sites(look, params) if found else []), *found]

    def over(self, look: Look, params: OfflineParams, limit: int) -> list[tuple[Alarm, str]]:
        """See Kind."""
        sites = active(look, None, "group")
        lost = _lost(look, params, sites) if sites else {}
        back = "Most of its devices are back"
        ended = [(alarm, back) for alarm in sites if alarm.group_path not in lost]
        return [*ended, *super().over(look, params, limit)]

    def confirmed(self, look: Look, findings: Sequence[Finding]) -> list[Finding]:
        """See Kind: their rows are held, so that nobody comes back before the alarm is there."""
        keys = [one.subject.device_key for one in findings if one.subject.kind == "device"]
        rows = look.unit.session.execute(
            select(Presence.device_key, Presence.state)
            .where(Presence.device_key.in_(keys))
            .order_by(Presence.device_key)
            .with_for_update(of=Presence, read=True)
        )
        gone = {key for key, state in rows if state == OFFLINE}
        return [f for f in findings if f.subject.kind != "device" or f.subject.device_key in gone]

    def explain(self, look: Look, findings: Sequence[Finding]) -> dict[str, str]:
        """See Kind: by the alarm of its site, else of its gateway."""
        sites = [(alarm.group_path, alarm.id) for alarm in active(look, None, "group")]
        keys = [one.subject.device_key for one in findings if one.subject.device_key is not None]
        gateways = self._gateways(look, keys)
        found: dict[str, str] = {}
        for one in findings:
            if one.subject.kind != "device":
                continue
            site = next((key for path, key in sites if one.subject.group_path.startswith(path)), "")
            explained = site or gateways.get(one.subject.device_key or 0, "")
            if explained:
                found[one.subject.key] = explained
        return found

    def hide(self, look: Look, limit: int) -> list[tuple[Alarm, str]]:
        """See Kind."""
        shown = (
            Alarm.rule_id == look.rule_id,
            Alarm.state.in_(ACTIVE_STATES),
            Alarm.subject_kind == "device",
            Alarm.hidden_by.is_(None),
        )
        found: list[tuple[Alarm, str]] = []
        for site in active(look, None, "group"):
            inside = Alarm.group_path.startswith(site.group_path, autoescape=True)
            rows = look.unit.session.scalars(select(Alarm).where(*shown, inside).limit(limit))
            found += [(alarm, site.id) for alarm in rows]
        if found:
            return found
        parent = aliased(Alarm)
        pairs = look.unit.session.execute(
            select(Alarm, parent.id)
            .join(Device, Device.id == Alarm.device_key)
            .join(parent, parent.device_key == Device.gateway_id)
            .where(*shown, parent.rule_id == look.rule_id, parent.state.in_(ACTIVE_STATES))
            .limit(limit)
        )
        return [(alarm, explained) for alarm, explained in pairs]

    def _gateways(self, look: Look, keys: Sequence[int]) -> dict[int, str]:
        """Give the active alarms of the gateways of some devices: {device key: alarm id}."""
        rows = look.unit.session.execute(
            select(Device.id, Alarm.id)
            .join(Alarm, Alarm.device_key == Device.gateway_id)
            .where(
                Device.id.in_(keys),
                Alarm.rule_id == look.rule_id,
                Alarm.state.in_(ACTIVE_STATES),
            )
        )
        return {row[0]: row[1] for row in rows}

    def _sites(self, look: Look, params: OfflineParams) -> list[Finding]:
        known = active(look, None, "group")
        open_paths = {alarm.group_path for alarm in known}
        found = []
        for path, count in _lost(look, params, known).items():
            if path in open_paths:
                continue
            subject = group_subject(look, path)
            title = f"{subject.name}: {count.away} of {count.devices} devices are away"
            seen = [value("devices", count.devices), value("away", count.away)]
            found.append(
                Finding(subject=subject, title=title, since=look.now, evidence={"values": seen})
            )
        return found


def _lost(look: Look, params: OfflineParams, known: Sequence[Alarm]) -> dict[str, Count]:
    if not params.site_share:
        return {}
    within = devices(look, _flag(Presence.state.in_(AWAY)).label("away")).subquery()
    rows = look.unit.session.execute(
        select(within.c.path, func.count(), func.sum(within.c.away)).group_by(within.c.path)
    )
    own = {path: Count(number, int(away or 0)) for path, number, away in rows}
    return lost_sites(
        rolled_up(own, look.group_path),
        share=params.site_share,
        least=params.site_least,
        before=[alarm.group_path for alarm in known],
    )


def _flag(condition: ColumnElement[bool]) -> ColumnElement[int]:
    found: ColumnElement[int] = case((condition, 1), else_=0)
    return found


def _listening(look: Look) -> bool:
    """Say whether an ingest listens, or none ever did (then silence is judged by nobody)."""
    lease = look.unit.session.get(Lease, INGEST_LEASE, populate_existing=True)
    return lease is None or lease.until >= look.now
