"""What people decide about a fault: whose it is, that it is resolved, ignored, open again.

The decision is one for everybody who sees the fault, so it takes logs:write wherever it was seen:
who may act in one group only cannot ignore what fails in another.
"""

from dataclasses import dataclass

from msgspec import UNSET, UnsetType
from sqlalchemy import select

from muster_platform.access import audit
from muster_platform.access.models import Group, User
from muster_platform.access.permissions import Permission
from muster_platform.db.text import clean
from muster_platform.devices.models import Device
from muster_platform.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
)
from muster_platform.logs.fingerprint_models import (
    VERSION_CHARS,
    Fingerprint,
    FingerprintAct,
    FingerprintDay,
)
from muster_platform.logs.fingerprint_rules import FingerprintState
from muster_platform.logs.fingerprint_views import FingerprintView
from muster_platform.logs.fingerprints import FingerprintService
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7

NOTE_CHARS = 4_000

_ACT_OF = {
    FingerprintState.OPEN: "reopened",
    FingerprintState.RESOLVED: "resolved",
    FingerprintState.IGNORED: "ignored",
}
_AUDIT_OF = {"reopened": "reopen", "resolved": "resolve", "ignored": "ignore"}

Side = dict[str, str | None]
Changes = list[tuple[str, str, Side, Side, dict[str, str]]]
"""Act, action of the audit, before, after, what the history tells."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be changed; UNSET leaves it as it is.

    Attributes:
        state: OPEN, RESOLVED or IGNORED.
        resolved_in: version of the app that no longer has it; only with RESOLVED.
        assignee_id: id of a user, None for nobody.
        note: for everybody who sees the fault.
    """

    state: FingerprintState | UnsetType = UNSET
    resolved_in: str = ""
    assignee_id: str | UnsetType | None = UNSET
    note: str | UnsetType = UNSET
    reason: str = ""


class FingerprintActs:
    """Changes faults."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def decide(
        self, fingerprint: str, decision: Decision, *, if_version: int | None = None
    ) -> FingerprintView:
        """Change what people have decided about a fault.

        Args:
            if_version: refuse if somebody else changed it since.

        Raises:
            NotFound: no such fault for the actor, or no such assignee.
            PermissionDenied: without logs:write in every group where it was seen.
            PreconditionFailed: it is of another version by now.
            Conflict: it is in that state already.
            InvalidInput: nothing to change, a state that only ingest gives, a text too long.
        """
        view = FingerprintService(self._unit).get(fingerprint)
        self._require(fingerprint)
        fault = self._session.get_one(Fingerprint, fingerprint, with_for_update=True)
        if if_version is not None and fault.version != if_version:
            raise PreconditionFailed(
                "somebody else has decided about this fingerprint meanwhile; look again"
            )
        changes = [
            *self._assign(fault, decision, view.assignee_name),
            *self._note(fault, decision),
            *self._state(fault, decision),
        ]
        if not changes:
            raise InvalidInput("say what to change: state, assignee_id or note")
        for act, action, before, after, told in changes:
            self._record(fault, act, action, before, after, told, decision.reason)
        fault.version += 1
        self._session.flush()
        return FingerprintService(self._unit).get(fingerprint)

    # ---------------------------------------------------------------------------------------

    def _require(self, fingerprint: str) -> None:
        seen = (
            select(Group.path, Group.name)
            .join(Device, Device.group_id == Group.id)
            .join(FingerprintDay, FingerprintDay.device_key == Device.id)
            .where(FingerprintDay.fingerprint == fingerprint, Device.deleted_at.is_(None))
            .distinct()
        )
        actor = self._unit.actor
        for path, name in self._session.execute(seen):
            if not actor.may(Permission.LOGS_WRITE, path):
                known = actor.may(Permission.GROUPS_READ, path)
                raise PermissionDenied(
                    Permission.LOGS_WRITE, name if known else "every group where it was seen"
                )

    def _assign(self, fault: Fingerprint, decision: Decision, before: str | None) -> Changes:
        wanted = decision.assignee_id
        if isinstance(wanted, UnsetType) or wanted == fault.assignee_id:
            return []
        name = self._person(wanted) if wanted is not None else None
        fault.assignee_id = wanted
        act = "unassigned" if wanted is None else "assigned"
        told = {"assignee": name} if name else {}
        return [(act, "assign", {"assignee": before}, {"assignee": name}, told)]

    def _person(self, user_id: str) -> str:
        """Give the name of who may be assigned: oneself, or anybody where one may see people."""
        actor = self._unit.actor
        if user_id != actor.id and not actor.may(Permission.USERS_READ):
            raise PermissionDenied(Permission.USERS_READ)
        user = self._session.get(User, user_id)
        if user is None or user.disabled_at is not None:
            raise NotFound("user", user_id)
        return user.name

    def _note(self, fault: Fingerprint, decision: Decision) -> Changes:
        if isinstance(decision.note, UnsetType):
            return []
        text = clean(decision.note.strip())
        if len(text) > NOTE_CHARS:
            raise InvalidInput(f"a note has at most {NOTE_CHARS} characters", where="note")
        if text == fault.note:
            return []
        before, fault.note = fault.note, text
        return [("noted", "note", {"note": before}, {"note": text}, {})]

    def _state(self, fault: Fingerprint, decision: Decision) -> Changes:
        state = decision.state
        if isinstance(state, UnsetType):
            if decision.resolved_in:
                raise InvalidInput("resolved_in goes with the state RESOLVED", where="resolved_in")
            return []
        if state not in _ACT_OF:
            raise InvalidInput(
                "state is one of OPEN, RESOLVED, IGNORED; REGRESSED comes of itself", where="state"
            )
        version = clean(decision.resolved_in.strip())
        if version and state is not FingerprintState.RESOLVED:
            raise InvalidInput("resolved_in goes with the state RESOLVED", where="resolved_in")
        if len(version) > VERSION_CHARS:
            raise InvalidInput(f"at most {VERSION_CHARS} characters", where="resolved_in")
        if fault.state == state and fault.resolved_in == version:
            raise Conflict(f"this fingerprint is {state} already")
        before: Side = {"state": fault.state, "resolved_in": fault.resolved_in}
        fault.state, fault.resolved_in = str(state), version
        is_resolved = state is FingerprintState.RESOLVED
        fault.resolved_at = self._unit.now() if is_resolved else None
        if state is FingerprintState.OPEN:
            fault.regressed_at = None
        act = _ACT_OF[state]
        after: Side = {"state": fault.state, "resolved_in": version}
        told = {"version": version} if version else {}
        return [(act, _AUDIT_OF[act], before, after, told)]

    def _record(
        self,
        fault: Fingerprint,
        act: str,
        action: str,
        before: Side,
        after: Side,
        told: dict[str, str],
        reason: str,
    ) -> None:
        self._session.add(
            FingerprintAct(
                id=uuid7(),
                fingerprint=fault.id,
                at=self._unit.now(),
                actor_name=clean(self._unit.actor.name)[: audit.NAME_CHARS],
                act=act,
                data=dict(told),
                reason=clean(reason),
            )
        )
        audit.record(
            self._unit,
            f"fingerprint.{action}",
            "fingerprint",
            fault.id,
            fault.title,
            before=before,
            after=after,
            reason=reason or None,
        )
