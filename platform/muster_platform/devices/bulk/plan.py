"""The plan of a bulk change: who is in, who is out and why. Changes nothing."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import select

from muster_platform.db.chunks import chunks
from muster_platform.devices.bulk.acts import ACTS, AGAINST, OFFERED, Act, Args
from muster_platform.devices.models import Device
from muster_platform.devices.selection import Selection, candidates
from muster_platform.errors import InvalidInput
from muster_platform.unit import Unit

SHOWN = 500
"""Devices listed in a plan; its counts are always of all."""


@dataclass(frozen=True, slots=True)
class In:
    """A device that would be changed."""

    key: int
    device_id: str
    display_name: str
    group_path: str
    group: str


@dataclass(frozen=True, slots=True)
class Out:
    """A device that is left out.

    Attributes:
        code: a key of `acts.AGAINST`.
    """

    device_id: str
    code: str

    @property
    def why(self) -> str:
        """Give the reason as text."""
        return AGAINST[self.code]


@dataclass(frozen=True, slots=True)
class BulkPlan:
    """Who is in, who is out and why.

    Attributes:
        args: as the act reads them.
        digest: of act, arguments and everybody who is in: the change is made only while a new
            plan has the same.
    """

    act: str
    args: Args
    included: tuple[In, ...]
    excluded: tuple[Out, ...]
    digest: str

    @property
    def excluded_by_code(self) -> dict[str, int]:
        """Count who is out by the reason."""
        return dict(Counter(item.code for item in self.excluded))


def act_of(name: str) -> Act:
    """Give an act that people choose, by its name.

    Raises:
        InvalidInput: there is none of that name.
    """
    if name not in OFFERED:
        raise InvalidInput(f"an act is one of {', '.join(OFFERED)}", where="act")
    return ACTS[name]


def plan(unit: Unit, selection: Selection, name: str, args: Args) -> BulkPlan:
    """Find out who a change would be for.

    Raises:
        InvalidInput: act, arguments or selection do not fit, or there are too many devices.
        NotFound: a group that is not there for the actor.
        PermissionDenied: without the act's permission anywhere, or on the group to move to.
    """
    act = act_of(name)
    unit.actor.require_somewhere(act.permission)
    checked = act.check(unit, args)
    rows = candidates(unit, selection, act.permission)
    gateways = _with_children(unit, rows) if name == "delete" else frozenset()
    climbing = act.climbs(unit, {row.group_path for row in rows}, checked)
    included, excluded = [], []
    for row in rows:
        code = _against(row, act, checked, gateways)
        if not code and row.group_path in climbing:
            code = "would_gain"
        if code:
            excluded.append(Out(row.device_id, code))
        else:
            included.append(
                In(row.id, row.device_id, row.display_name, row.group_path, row.group_name)
            )
    known = {row.device_id for row in rows}
    excluded += [Out(name, "unknown") for name in selection.devices if name not in known]
    return BulkPlan(
        name, checked, tuple(included), tuple(excluded), _digest(name, checked, included)
    )


def _against(row: Any, act: Act, args: Args, gateways: frozenset[int]) -> str:
    if not row.may:
        return "no_permission"
    if row.id in gateways:
        return "has_children"
    return "same" if act.same(row, args) else ""


def _with_children(unit: Unit, rows: list[Any]) -> frozenset[int]:
    found: set[int] = set()
    for part in chunks([row.id for row in rows]):
        statement = select(Device.gateway_id).where(
            Device.gateway_id.in_(part), Device.deleted_at.is_(None)
        )
        found.update(key for key in unit.session.scalars(statement) if key is not None)
    return frozenset(found)


def _digest(act: str, args: Args, included: list[In]) -> str:
    whole = msgspec.json.encode([act, args, [item.key for item in included]], order="sorted")
    return hashlib.sha256(whole).hexdigest()[:32]
