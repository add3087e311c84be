"""Rules on telemetry: a value beyond a limit, a value that does not come any more."""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta
from sqlalchemy import ColumnElement, Select, and_, or_, select

from muster_platform.access.permissions import Permission
from muster_platform.alerts.kinds.base import (
    DAY_S,
    Finding,
    Look,
    MetricName,
    Params,
    Seconds,
    value,
)
from muster_platform.alerts.kinds.devices import DeviceKind, devices, subject_of
from muster_platform.alerts.rules import ORDERED, Band, Comparison, duration_words
from muster_platform.devices.models import Device, Presence
from muster_platform.devices.stream_models import LatestValue, Metric, telemetry
from muster_platform.errors import InvalidInput
from muster_protocol.states import PresenceState

LOOK_BACK_MS = 7 * DAY_S * 1000
"""How far before a duration the value is looked for that was in force when it began."""

Number = Annotated[float, Meta(ge=-1e300, le=1e300)]


class ThresholdParams(Params, frozen=True, kw_only=True):
    """A value beyond a limit.

    Attributes:
        duration_s: for how long every value must have been beyond it.
        hysteresis: how far it must come back until the alarm clears.
    """

    metric: MetricName
    comparison: Comparison
    value: Number
    duration_s: Seconds = 0
    hysteresis: Annotated[float, Meta(ge=0, le=1e300)] = 0.0

    def check(self) -> None:
        """See Params."""
        if self.hysteresis and self.comparison not in ORDERED:
            raise InvalidInput(
                "a hysteresis goes with <, <=, > and >=; leave it out", where="params.hysteresis"
            )

    @property
    def band(self) -> Band:
        """Give limit and hysteresis."""
        return Band(self.comparison, self.value, self.hysteresis)


class AbsentParams(Params, frozen=True, kw_only=True):
    """A value that a device has sent before and sends no more.

    Attributes:
        only_online: only of devices that are ONLINE; what is offline sends nothing anyhow.
    """

    metric: MetricName
    for_s: Annotated[int, Meta(ge=10, le=30 * DAY_S)]
    only_online: bool = True


def latest(look: Look, metric: str) -> Select[Any]:
    """Select the devices that have sent a metric, with `num`, `txt`, `ts` of the newest value."""
    return (
        devices(look, LatestValue.num, LatestValue.txt, LatestValue.ts)
        .join(LatestValue, LatestValue.device_key == Device.id)
        .join(Metric, Metric.id == LatestValue.metric_id)
        .where(Metric.name == metric)
    )


class Threshold(DeviceKind[ThresholdParams]):
    """Telemetry threshold."""

    name, title = "telemetry_threshold", "Telemetry threshold"
    needs, params = Permission.TELEMETRY_READ, ThresholdParams

    def words(self, params: ThresholdParams) -> str:
        """See Kind."""
        return f"{params.metric} {params.band.words()}{_lasting(params)}"

    def holding(self, look: Look, params: ThresholdParams) -> Select[Any]:
        """See DeviceKind."""
        chosen = latest(look, params.metric).where(params.band.begins(LatestValue.num))
        if not params.duration_s:
            return chosen
        begun = look.now - params.duration_s * 1000
        return chosen.where(or_(LatestValue.ts <= begun, _ever_since(params.band, begun)))

    def lasting(self, look: Look, params: ThresholdParams) -> Select[Any]:
        """See DeviceKind."""
        back: Any = params.band.ends(LatestValue.num)
        return latest(look, params.metric).where(LatestValue.num.is_not(None), ~back)

    def finding(self, params: ThresholdParams, row: Any) -> Finding:
        """See DeviceKind."""
        limit = f"{params.band.limit_words()}{_lasting(params)}"
        return Finding(
            subject=subject_of(row),
            title=f"{row.name}: {params.metric} is {row.num:g} ({limit})",
            since=row.ts,
            evidence={"values": [value(params.metric, row.num, row.ts)]},
        )

    def ended_words(
        self, look: Look, params: ThresholdParams, keys: Sequence[int]
    ) -> dict[int, str]:
        """See DeviceKind."""
        rows = look.unit.session.execute(latest(look, params.metric).where(Device.id.in_(keys)))
        return {row.key: f"{params.metric} is {_shown(row)}" for row in rows}


def _lasting(params: ThresholdParams) -> str:
    return f" for {duration_words(params.duration_s)}" if params.duration_s else ""


class Absent(DeviceKind[AbsentParams]):
    """Telemetry absent."""

    name, title = "telemetry_absent", "Telemetry absent"
    needs, params = Permission.TELEMETRY_READ, AbsentParams

    def words(self, params: AbsentParams) -> str:
        """See Kind."""
        online = ", while online" if params.only_online else ""
        return f"no {params.metric} for {duration_words(params.for_s)}{online}"

    def holding(self, look: Look, params: AbsentParams) -> Select[Any]:
        """See DeviceKind."""
        chosen = self.lasting(look, params)
        return (
            chosen.where(Presence.state == PresenceState.ONLINE) if params.only_online else chosen
        )

    def lasting(self, look: Look, params: AbsentParams) -> Select[Any]:
        """See DeviceKind."""
        return latest(look, params.metric).where(LatestValue.ts <= look.now - params.for_s * 1000)

    def finding(self, params: AbsentParams, row: Any) -> Finding:
        """See DeviceKind."""
        return Finding(
            subject=subject_of(row),
            title=f"{row.name}: {self.words(params)}",
            since=row.ts,
            evidence={"values": [value(f"last {params.metric}", _plain(row), row.ts)]},
        )

    def ended_words(self, look: Look, params: AbsentParams, keys: Sequence[int]) -> dict[int, str]:
        """See DeviceKind."""
        rows = look.unit.session.execute(latest(look, params.metric).where(Device.id.in_(keys)))
        return {row.key: f"{params.metric} came again: {_shown(row)}" for row in rows}


def _ever_since(band: Band, begun: int) -> ColumnElement[bool]:
    """Give the condition that no value since then, nor the one then in force, was within.

    Args:
        begun: ms since the epoch; the newest value is after it.
    """
    told = (
        telemetry.c.device_key == Device.id,
        telemetry.c.metric_id == LatestValue.metric_id,
        telemetry.c.num.is_not(None),
    )
    within: Any = band.begins(telemetry.c.num)
    other = select(telemetry.c.ts).where(*told, telemetry.c.ts > begun, ~within)
    in_force = (
        select(telemetry.c.num)
        .where(*told, telemetry.c.ts <= begun, telemetry.c.ts > begun - LOOK_BACK_MS)
        .order_by(telemetry.c.ts.desc())
        .limit(1)
        .correlate(Device, LatestValue)
        .scalar_subquery()
    )
    found: ColumnElement[bool] = and_(
        band.begins(in_force), ~other.correlate(Device, LatestValue).exists()
    )
    return found


def _plain(row: Any) -> Any:
    return row.txt if row.num is None else row.num


def _shown(row: Any) -> str:
    return f"{row.num:g}" if row.num is not None else str(row.txt)[:100]
