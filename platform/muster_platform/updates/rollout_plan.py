"""Who a rollout would be for, in which phase, and who not and why; changes nothing."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from muster_platform.access.permissions import Permission
from muster_platform.db.chunks import chunks
from muster_platform.devices.models import InventoryItem
from muster_platform.devices.selection import require_few
from muster_platform.devices.version_order import version_key
from muster_platform.errors import InvalidInput
from muster_platform.jobs.counting import ENDED
from muster_platform.jobs.models import Execution, Job
from muster_platform.jobs.targets import Included, Target, rows_of
from muster_platform.jobs.views import Limits
from muster_platform.unit import Unit
from muster_platform.updates.catalog import CatalogRelease, release_ref
from muster_platform.updates.rollout_models import RolloutMember, RolloutPhase
from muster_platform.updates.rollout_rules import sizes
from muster_protocol.messages import UpdateMode
from muster_protocol.states import JOB_TERMINAL

UPDATE = "update"
AUTO = "auto"
MODES = (AUTO, str(UpdateMode.NOTIFY), str(UpdateMode.INSTALL))
PHASES_MAX = 20
SOAK_S_MAX = 90 * 86_400

EXCLUDED: dict[str, str] = {
    "unknown": "there is no such device, or it was deleted",
    "no_permission": "you lack rollouts:run on its group",
    "disabled": "it is disabled",
    "wrong_profile": "the release is not for its profile",
    "lacks_mode": "it announced no way to be updated in this mode",
    "has_version": "it has this version already",
    "newer": "it has a newer version",
    "open_update": "another update of it has not ended",
}
"""Why a device is left out: code -> text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseSpec:
    """A phase as its author asks for it; see RolloutPhase.

    Attributes:
        percent: of all devices that are in; or
        devices: their number; neither: all that are left, as the last phase always takes.
        error_percent: share of its devices that pauses the rollout; the least is one device.
        error_devices: the same as a number; it wins over the share.
    """

    percent: int | None = None
    devices: int | None = None
    success_percent: int = 90
    error_percent: int = 10
    error_devices: int | None = None
    soak_s: int = 0
    by_hand: bool = False

    def error_limit(self, size: int) -> int:
        """Give how many failures pause a phase of this size."""
        if self.error_devices is not None:
            return max(1, self.error_devices)
        return max(1, -(-size * self.error_percent // 100))


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutSpec:
    """What an author asks for.

    Attributes:
        mode: auto (install where the device can, else notify), notify or install.
        phases: none: one phase of all.
        downgrade: devices that have something newer are in, too.
        limits: None in any takes the usual of updates.
        verify_s: how long the inventory may take to prove what a device claims.
    """

    release_id: str
    target: Target
    mode: str = AUTO
    phases: tuple[PhaseSpec, ...] = ()
    downgrade: bool = False
    limits: Limits = field(default_factory=Limits)
    verify_s: int | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A device that is in."""

    device: Included
    mode: str
    phase: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A device that is out; `code` is a key of EXCLUDED."""

    device_id: str
    code: str

    @property
    def why(self) -> str:
        """Give the reason as text."""
        return EXCLUDED[self.code]


@dataclass(frozen=True, slots=True)
class PlannedPhase:
    """A phase of a plan."""

    number: int
    size: int
    spec: PhaseSpec


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """Who is in, who is out and why.

    Attributes:
        digest: of all of it: a rollout starts only as it was seen.
    """

    release: CatalogRelease
    phases: tuple[PlannedPhase, ...]
    members: tuple[Member, ...]
    excluded: tuple[LeftOut, ...]
    digest: str


def plan(unit: Unit, spec: RolloutSpec) -> RolloutPlan:
    """Make the plan.

    Which devices come first is decided by a hash of release and device: a phase is a mixture of
    the fleet and not its oldest corner, and planning twice gives the same.

    Raises:
        NotFound: no such release or group.
        Conflict: the release is not published.
        InvalidInput: what phases, mode or target say; `where` names the field.
    """
    check(spec)
    release = release_ref(unit.session, spec.release_id)
    rows = rows_of(unit, spec.target, Permission.ROLLOUTS_RUN)
    require_few(unit, len(rows))
    judge = Judge(unit.session, release, spec.mode, [row.id for row in rows], spec.downgrade)
    busy = busy_devices(unit.session)
    chosen, excluded = [], []
    for row in rows:
        code, mode = judge.of(row)
        code = code or ("open_update" if row.id in busy else "")
        if code:
            excluded.append(LeftOut(row.device_id, code))
        else:
            chosen.append((row, mode))
    known = {row.device_id for row in rows}
    excluded += [LeftOut(name, "unknown") for name in spec.target.devices if name not in known]
    chosen.sort(key=lambda pair: _place(release.id, pair[0].id))
    phases = _phases(spec, len(chosen))
    numbers = [one.number for one in phases for _ in range(one.size)]
    members = tuple(
        Member(included(row), mode, number)
        for (row, mode), number in zip(chosen, numbers, strict=True)
    )
    digest = _digest(spec, release, phases, members, excluded)
    return RolloutPlan(release, phases, members, tuple(excluded), digest)


def check(spec: RolloutSpec) -> None:
    """Refuse what no rollout can be.

    Raises:
        InvalidInput: `where` names the field.
    """
    if spec.mode not in MODES:
        raise InvalidInput(f"mode is one of {', '.join(MODES)}", where="mode")
    if len(spec.phases) > PHASES_MAX:
        raise InvalidInput(f"a rollout has at most {PHASES_MAX} phases", where="phases")
    for number, one in enumerate(spec.phases):
        _check_phase(one, f"phases[{number}]", last=number == len(spec.phases) - 1)


def _check_phase(one: PhaseSpec, where: str, *, last: bool) -> None:
    if one.percent is not None and one.devices is not None:
        raise InvalidInput("give percent or devices, not both", where=where)
    if one.percent is None and one.devices is None and not last:
        raise InvalidInput("only the last phase takes all that are left", where=where)
    for name, least, most in (
        ("percent", 1, 100),
        ("devices", 1, 10_000_000),
        ("success_percent", 0, 100),
        ("error_percent", 0, 100),
        ("error_devices", 1, 10_000_000),
        ("soak_s", 0, SOAK_S_MAX),
    ):
        value = getattr(one, name)
        if value is not None and not least <= value <= most:
            raise InvalidInput(f"{name} takes {least} to {most}", where=f"{where}.{name}")


class Judge:
    """Says of devices whether a release is for them; reads inventories once for many."""

    def __init__(
        self,
        session: Session,
        release: CatalogRelease,
        mode: str,
        keys: Collection[int],
        downgrade: bool = False,
    ) -> None:
        self._release, self._mode, self._downgrade = release, mode, downgrade
        self._wanted = wanted_of(release)
        self._have = inventories(session, keys, self._wanted)

    def of(self, row: Any) -> tuple[str, str]:
        """Give (code, mode) of a row of `rows_of`; the code is "" for a device that is in."""
        mode = _mode(self._mode, row.capabilities or ())
        have = self._have.get(row.id, {})
        reasons = (
            ("no_permission", not row.may),
            ("disabled", row.disabled_at is not None),
            ("wrong_profile", row.profile_id not in self._release.profile_ids),
            ("lacks_mode", not mode),
            ("has_version", all(have.get(n) == v for n, v in self._wanted.items())),
            ("newer", not self._downgrade and _newer(have, self._wanted)),
        )
        return next((code for code, holds in reasons if holds), ""), mode


def wanted_of(release: CatalogRelease) -> dict[str, str]:
    """Give {component: version} of a release."""
    return {item.component: item.version for item in release.ref.components}


def inventories(
    session: Session, keys: Collection[int], components: Collection[str]
) -> dict[int, dict[str, str]]:
    """Read {device key: {component: version}} of these components."""
    found: dict[int, dict[str, str]] = {}
    table = InventoryItem.__table__.c
    for part in chunks(sorted(keys)):
        rows = session.execute(
            select(table.device_key, table.component, table.version).where(
                table.device_key.in_(part), table.component.in_(list(components))
            )
        )
        for key, component, version in rows:
            found.setdefault(key, {})[component] = version
    return found


def busy_devices(session: Session, besides: str = "") -> set[int]:
    """Give devices with an update that has not ended, or that a running rollout plans.

    Args:
        besides: id of a job that does not count.
    """
    running = select(Execution.device_key).join(Job, Job.id == Execution.job_id)
    running = running.where(Job.kind == UPDATE, Execution.state.not_in(ENDED), Job.id != besides)
    planned = (
        select(RolloutMember.device_key)
        .join(Job, Job.id == RolloutMember.job_id)
        .join(
            RolloutPhase,
            (RolloutPhase.job_id == RolloutMember.job_id)
            & (RolloutPhase.number == RolloutMember.phase),
        )
        .where(
            Job.state.not_in([str(state) for state in JOB_TERMINAL]),
            Job.id != besides,
            Job.cancel_requested_at.is_(None),
            RolloutPhase.opened_at.is_(None),
        )
    )
    return {*session.scalars(running), *(() if besides else session.scalars(planned))}


def included(row: Any) -> Included:
    """Give what executions are made from."""
    return Included(
        *(row.id, row.device_id, row.display_name, row.group_path, row.plain),
        *(row.presence, row.since),
    )


def _mode(asked: str, capabilities: Collection[Any]) -> str:
    order = ("install", "notify") if asked == AUTO else (asked,)
    return next((mode for mode in order if mode in capabilities), "")


def _newer(have: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    pairs = [(have[name], version) for name, version in wanted.items() if name in have]
    return any(version_key(present) > version_key(version) for present, version in pairs)


def _phases(spec: RolloutSpec, total: int) -> tuple[PlannedPhase, ...]:
    specs = spec.phases or (PhaseSpec(),)
    cut = sizes(total, [(one.percent, one.devices) for one in specs])
    filled = [(one, size) for one, size in zip(specs, cut, strict=True) if size]
    return tuple(PlannedPhase(n, size, one) for n, (one, size) in enumerate(filled, 1))


def _place(release_id: str, key: int) -> bytes:
    return hashlib.blake2b(f"{release_id}:{key}".encode(), digest_size=8).digest()


def _digest(
    spec: RolloutSpec,
    release: CatalogRelease,
    phases: tuple[PlannedPhase, ...],
    members: tuple[Member, ...],
    excluded: list[LeftOut],
) -> str:
    known = hashlib.sha256()
    artifacts = [(item.name, item.sha256) for item in release.artifacts]
    out = sorted((one.device_id, one.code) for one in excluded)
    for part in (release.ref, artifacts, spec.mode, spec.limits, spec.verify_s, phases, out):
        known.update(repr(part).encode())
    for one in members:
        known.update(f"{one.device.key},{one.mode},{one.phase};".encode())
    return known.hexdigest()[:32]
