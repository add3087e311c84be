"""Presence, applied: rows read, rules asked, rows written, others told."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, case, or_, select, update
from sqlalchemy.orm import contains_eager

from muster_platform.db.chunks import chunks
from muster_platform.devices import presence_rules as rules
from muster_platform.devices.hooks import DeviceHooks, NoHooks
from muster_platform.devices.models import Device, Lease, Presence
from muster_platform.devices.presence_rules import Belief, Terms
from muster_platform.devices.rows import add_event
from muster_platform.outbox import Live
from muster_platform.unit import Unit
from muster_protocol.states import REACHABLE, PresenceState

HEARD_STEP_MS = 1_000
"""heard_at is exact to this: a chatty device costs one write a second, not one a message."""
INGEST_LEASE = "ingest"
"""Name of the lease that the role ingest holds while it listens."""


class PresenceService:
    """Applies events to the presence of devices, within the caller's transaction."""

    def __init__(self, unit: Unit, hooks: DeviceHooks | None = None) -> None:
        self._unit = unit
        self._session = unit.session
        self._hooks = hooks or NoHooks()
        self._gone: list[int] = []
        """Devices that went OFFLINE and whose children have not been looked at yet."""

    def apply(self, device: Device, event: rules.Event) -> Belief:
        """Apply one event; give what is believed then. A disabled device's words do not count."""
        after = self._apply(device, self._locked(device), event)
        self._suspect_children()
        return after

    def heard(self, heard_at: Mapping[int, int]) -> None:
        """Note that messages (no hello, no presence) of devices were received.

        Args:
            heard_at: newest received_at (ms since the epoch) by device key.
        """
        by_step: dict[int, list[int]] = defaultdict(list)
        for key, at in sorted(heard_at.items()):
            by_step[at // HEARD_STEP_MS * HEARD_STEP_MS].append(key)
        away: list[int] = []
        for at, keys in by_step.items():
            for part in chunks(keys):
                away += self._note_heard(part, at)
        for part in chunks(sorted(away)):
            statement = self._devices().where(Presence.device_key.in_(part))
            locked = statement.with_for_update(of=Presence)
            for device in self._session.scalars(locked).unique().all():
                event = rules.Heard(heard_at[device.id], self._unit.now())
                self._apply(device, device.presence, event)

    def sweep(self, limit: int = 500) -> int:
        """Judge the silence of those that are due; give how many were looked at.

        While no ingest listens nothing is judged: then it is we who are deaf. When one listens
        again, silence counts from then, since what devices said meanwhile is still to be read.
        """
        listening_since = self._listening_since()
        if listening_since is None:
            return 0
        now = self._unit.now()
        statement = (
            self._devices()
            .where(Presence.check_at <= now)
            .order_by(Presence.check_at)
            .limit(limit)
            .with_for_update(of=Presence, skip_locked=True)
        )
        devices = self._session.scalars(statement).unique().all()
        for device in devices:
            earliest = rules.earliest_judgement(listening_since, self.terms(device))
            if earliest > now:
                device.presence.check_at = earliest
            else:
                self._apply(device, device.presence, rules.Tick(now))
        return len(devices)

    def way_lost(self, device_keys: Sequence[int], reason: str) -> None:
        """Suspect those that are ONLINE: their gateway, broker or site is gone."""
        for part in chunks(sorted(device_keys)):
            statement = self._devices().where(
                Presence.device_key.in_(part), Presence.state == PresenceState.ONLINE
            )
            locked = statement.with_for_update(of=Presence)
            for device in self._session.scalars(locked).unique().all():
                event = rules.WayLost(self._unit.now(), reason)
                self._apply(device, device.presence, event)

    def disabled(self, device: Device) -> None:
        """Hold a device that was just disabled for gone."""
        self._force(device, rules.DISABLED)

    def enabled(self, device: Device) -> None:
        """Let anything that a device, enabled again, says bring it back."""
        self._force(device, rules.SILENT)

    def terms(self, device: Device) -> Terms:
        """Give what is expected of a device."""
        return Terms(
            periodic=device.profile.contact == "periodic",
            expect_every_ms=device.profile.expect_every_s * 1000,
            grace_ms=self._unit.settings.presence_grace_s * 1000,
            plain=device.plain,
        )

    def _apply(self, device: Device, row: Presence, event: rules.Event) -> Belief:
        """Apply an event to a row that is held."""
        belief = belief_of(row)
        if device.disabled_at is not None:
            row.check_at = None
            return belief
        after = rules.decide(belief, self.terms(device), event)
        self._store(device, row, belief, after)
        return after

    def _note_heard(self, keys: Sequence[int], at: int) -> Sequence[int]:
        """Move heard_at alone, and give the keys of those that are not ONLINE.

        When silence is next judged the sweep sees for itself.
        """
        older = or_(Presence.heard_at.is_(None), Presence.heard_at < at)
        away = Presence.state != PresenceState.ONLINE
        rows = self._session.execute(
            update(Presence)
            .where(Presence.device_key.in_(keys), or_(older, away))
            .values(heard_at=case((older, at), else_=Presence.heard_at))
            .returning(Presence.device_key, Presence.state),
            execution_options={"synchronize_session": False},
        )
        return [row.device_key for row in rows if row.state != PresenceState.ONLINE]

    def _force(self, device: Device, reason: str) -> None:
        row = self._locked(device)
        before = belief_of(row)
        after = Belief(
            state=PresenceState.OFFLINE,
            since=self._unit.now(),
            reason=reason,
            session=before.session,
            heard_at=before.heard_at,
            hello_at=before.hello_at,
        )
        self._store(device, row, before, after)
        self._suspect_children()

    def _locked(self, device: Device) -> Presence:
        """Read the row anew and hold it: sweep and ingest may meet at one device."""
        return self._session.get_one(
            Presence, device.id, with_for_update=True, populate_existing=True
        )

    def _devices(self) -> Select[Any]:
        return (
            select(Device)
            .join(Presence, Presence.device_key == Device.id)
            .options(contains_eager(Device.presence))
            .where(Device.deleted_at.is_(None))
            .execution_options(populate_existing=True)
        )

    def _listening_since(self) -> int | None:
        """Give since when an ingest has listened; None where one did and none does now."""
        lease = self._session.get(Lease, INGEST_LEASE, populate_existing=True)
        if lease is None:
            return 0
        return lease.since if lease.until >= self._unit.now() else None

    def _store(self, device: Device, row: Presence, before: Belief, after: Belief) -> None:
        row.state, row.reason, row.since = str(after.state), after.reason, after.since
        row.session, row.ended, row.until = after.session, after.ended, after.until
        row.heard_at, row.hello_at = after.heard_at, after.hello_at
        row.check_at = rules.check_at(after, self.terms(device))
        if (before.state, before.reason) == (after.state, after.reason):
            return
        self._tell(device, before, after)
        if before.state is after.state:
            return
        if (after.state in REACHABLE) and (before.state not in REACHABLE):
            self._hooks.on_reachable(self._unit, device.id)
        if (after.state not in REACHABLE) and (before.state in REACHABLE):
            self._hooks.on_unreachable(self._unit, device.id)
        if after.state is PresenceState.OFFLINE:
            self._gone.append(device.id)

    def _suspect_children(self) -> None:
        gone, self._gone = self._gone, []
        for part in chunks(gone):
            children = self._session.scalars(
                select(Device.id).where(Device.gateway_id.in_(part), Device.deleted_at.is_(None))
            ).all()
            if children:
                self.way_lost(children, rules.GATEWAY)

    def _tell(self, device: Device, before: Belief, after: Belief) -> None:
        data = {
            "state": str(after.state),
            "reason": after.reason,
            "since": after.since,
            "until": after.until,
            "heard_at": after.heard_at,
        }
        path = device.group.path
        self._unit.outbox.add(Live(f"device:{device.id}", "presence", path, data))
        fleet = {"device": device.device_id, "before": str(before.state), **data}
        self._unit.outbox.add(Live("fleet", "presence", path, fleet))
        add_event(
            self._unit,
            device,
            "presence",
            f"{after.state} ({after.reason})" if after.reason else str(after.state),
            {"before": str(before.state), "session": after.session, **data},
            at=after.since if before.state is not after.state else None,
        )


def belief_of(row: Presence) -> Belief:
    """Read a row."""
    return Belief(
        state=PresenceState(row.state),
        since=row.since,
        reason=row.reason,
        session=row.session,
        ended=row.ended,
        until=row.until,
        heard_at=row.heard_at,
        hello_at=row.hello_at,
    )
