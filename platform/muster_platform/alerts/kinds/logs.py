"""Rules on logs: words that occur so often in a window, and faults that are new."""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta
from sqlalchemy import ColumnElement, Select, func, select

from muster_platform.access.groups import common_path
from muster_platform.access.models import Group
from muster_platform.access.permissions import Permission
from muster_platform.alerts.kinds.base import (
    FewKind,
    Finding,
    Look,
    Params,
    Window,
    value,
)
from muster_platform.alerts.kinds.devices import devices, subject_of
from muster_platform.alerts.models import Alarm
from muster_platform.alerts.raising import Subject
from muster_platform.alerts.rules import duration_words
from muster_platform.devices.models import Device
from muster_platform.errors import InvalidInput
from muster_platform.logs.fingerprint_models import Fingerprint, FingerprintDay
from muster_platform.logs.fingerprint_rules import FingerprintState
from muster_platform.logs.store import Facet, LogQuery
from muster_platform.logs.text_query import parse
from muster_platform.logs.views import LEVELS
from muster_protocol.messages import LEVEL_NUMBER, Level

RECORDS = 3
"""Records that the evidence shows."""
LATE_MS = 120_000
"""A fault is looked for again for this long: what ingest commits late has an older time."""
SEEN_GROUPS = 200


class LogMatchParams(Params, frozen=True, kw_only=True):
    """Records of one device that occur too often.

    Attributes:
        text: words as in the log search: all must occur, "phrases", -not.
        min_level: this level or worse.
        logger: its name begins so.
        count: so many records of a device within window_s.
    """

    text: Annotated[str, Meta(max_length=500)] = ""
    min_level: Level | None = None
    logger: Annotated[str, Meta(max_length=128)] = ""
    count: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    window_s: Window = 300

    def check(self) -> None:
        """See Params."""
        try:
            terms = parse(self.text)
        except InvalidInput as error:
            raise InvalidInput(error.detail, where="params.text") from error
        if not (terms or self.min_level or self.logger):
            raise InvalidInput("say which records: text, min_level or logger", where="params.text")


class NewFingerprintParams(Params, frozen=True, kw_only=True):
    """A fault that was never seen before, or is back after it was resolved.

    Attributes:
        min_level: its worst record is of this level or worse.
        max_level: and not worse than this one; None: however bad.
        profile: only of devices of this profile; "" for all.
    """

    min_level: Level = Level.ERROR
    max_level: Level | None = None
    profile: Annotated[str, Meta(max_length=64)] = ""

    def check(self) -> None:
        """See Params."""
        if self.max_level and LEVEL_NUMBER[self.max_level] < LEVEL_NUMBER[self.min_level]:
            raise InvalidInput("no level is between the two", where="params.max_level")


class LogMatch(FewKind[LogMatchParams]):
    """Log match."""

    name, title = "log_match", "Log match"
    needs, params = Permission.LOGS_READ, LogMatchParams

    def words(self, params: LogMatchParams) -> str:
        """See Kind."""
        what = [params.text] if params.text else []
        what += [f"{params.min_level} or worse"] if params.min_level else []
        what += [f"of {params.logger}"] if params.logger else []
        window = duration_words(params.window_s)
        return f"{', '.join(what)}: {params.count} or more in {window}"

    def all(self, look: Look, params: LogMatchParams, limit: int) -> list[Finding]:
        """See FewKind."""
        query = self._query(look, params, devices(look).with_only_columns(Device.id))
        counted = look.logs.counts(query, Facet.DEVICE, limit)
        many = {name: number for name, number in counted if number >= params.count}
        if not many:
            return []
        rows = look.unit.session.execute(devices(look).where(Device.device_id.in_(many)))
        return [self._finding(look, params, row, many[row.device_id]) for row in rows]

    def ended(self, look: Look, params: LogMatchParams, subjects: Sequence[str]) -> dict[str, str]:
        """See FewKind."""
        keys = devices(look).with_only_columns(Device.id).where(Device.device_id.in_(subjects))
        counted = dict(
            look.logs.counts(self._query(look, params, keys), Facet.DEVICE, len(subjects) or 1)
        )
        window = duration_words(params.window_s)
        return {
            name: f"{counted.get(name, 0)} records in the last {window}"
            for name in subjects
            if counted.get(name, 0) < params.count
        }

    def _query(self, look: Look, params: LogMatchParams, keys: Select[Any]) -> LogQuery:
        least = LEVEL_NUMBER[params.min_level] if params.min_level else 0
        levels = frozenset(number for number in LEVELS if number >= least)
        return LogQuery(
            devices=keys,
            terms=parse(params.text),
            levels=levels if least else None,
            logger=params.logger,
            since=look.now - params.window_s * 1000,
            until=look.now + 1,
        )

    def _finding(self, look: Look, params: LogMatchParams, row: Any, number: int) -> Finding:
        window = duration_words(params.window_s)
        return Finding(
            subject=subject_of(row),
            title=f"{row.name}: {number} records in {window} ({self.words(params)})",
            since=look.now,
            evidence={"values": [value("records", number)]},
        )

    def illustrate(self, look: Look, params: LogMatchParams, finding: Finding) -> dict[str, Any]:
        """See Kind."""
        key = select(Device.id).where(Device.id == finding.subject.device_key)
        found = look.logs.search(self._query(look, params, key), RECORDS, newest_first=True)
        records = [
            {"id": one.id, "ts": one.ts, "level": str(one.level), "message": one.message[:500]}
            for one in found
        ]
        return {**finding.evidence, "records": records}


class NewFingerprint(FewKind[NewFingerprintParams]):
    """New fingerprint."""

    name, title = "new_fingerprint", "New error"
    needs, params = Permission.LOGS_READ, NewFingerprintParams

    def words(self, params: NewFingerprintParams) -> str:
        """See Kind."""
        of = f" on {params.profile}" if params.profile else ""
        level = f"{params.min_level} or worse"
        if params.max_level:
            same = params.max_level == params.min_level
            level = str(params.min_level) + ("" if same else f" to {params.max_level}")
        return f"an error never seen before, {level}{of}"

    def all(self, look: Look, params: NewFingerprintParams, limit: int) -> list[Finding]:
        """See FewKind: new since the rule was made, or since it looked last."""
        since = max(look.created_at, int(look.remembered.get("until", 0)) - LATE_MS)
        if not look.rule_id:
            since = look.now - 24 * 3600 * 1000
        began = _began()
        raised = select(Alarm.id).where(
            Alarm.rule_id == look.rule_id,
            Alarm.subject_kind == "fingerprint",
            Alarm.subject_id == Fingerprint.id,
            Alarm.active_at >= began,
        )
        keys: Any = self._devices(look, params)
        worst = (
            select(func.max(FingerprintDay.level))
            .where(
                FingerprintDay.fingerprint == Fingerprint.id, FingerprintDay.device_key.in_(keys)
            )
            .correlate(Fingerprint)
            .scalar_subquery()
        )
        most = LEVEL_NUMBER[params.max_level or Level.FATAL]
        rows = look.unit.session.scalars(
            select(Fingerprint)
            .where(
                (Fingerprint.created_at >= since) | (Fingerprint.regressed_at >= since),
                Fingerprint.state.in_((FingerprintState.OPEN, FingerprintState.REGRESSED)),
                worst.between(LEVEL_NUMBER[params.min_level], most),
                ~raised.correlate(Fingerprint).exists(),
            )
            .order_by(Fingerprint.created_at, Fingerprint.id)
            .limit(limit)
        ).all()
        if look.rule_id and len(rows) < limit:
            look.remembered["until"] = look.now
        return [self._finding(look, params, fault) for fault in rows]

    def ended(
        self,
        look: Look,
        params: NewFingerprintParams,  # noqa: ARG002
        subjects: Sequence[str],
    ) -> dict[str, str]:
        """See FewKind: it is over when a person has decided about the fault."""
        rows = look.unit.session.execute(
            select(Fingerprint.id, Fingerprint.state).where(Fingerprint.id.in_(subjects))
        )
        decided = (FingerprintState.RESOLVED, FingerprintState.IGNORED)
        known = {row[0]: row[1] for row in rows}
        found = {key: f"The fault is {state}" for key, state in known.items() if state in decided}
        return {**found, **{key: "The fault is gone" for key in subjects if key not in known}}

    def _devices(self, look: Look, params: NewFingerprintParams) -> Select[Any]:
        keys = devices(look).with_only_columns(Device.id)
        if params.profile:
            keys = keys.where(Device.profile.has(name=params.profile))
        return keys

    def _finding(self, look: Look, params: NewFingerprintParams, fault: Fingerprint) -> Finding:
        keys: Any = self._devices(look, params)
        seen = look.unit.session.execute(
            select(
                func.sum(FingerprintDay.count),
                func.count(FingerprintDay.device_key.distinct()),
                func.max(FingerprintDay.level),
            ).where(FingerprintDay.fingerprint == fault.id, FingerprintDay.device_key.in_(keys))
        ).one()
        paths = look.unit.session.scalars(
            select(Group.path)
            .join(Device, Device.group_id == Group.id)
            .join(FingerprintDay, FingerprintDay.device_key == Device.id)
            .where(FingerprintDay.fingerprint == fault.id, Device.id.in_(keys))
            .distinct()
            .limit(SEEN_GROUPS)
        ).all()
        back = fault.state == FingerprintState.REGRESSED
        name = fault.title or fault.exception_type or "Error"
        path = common_path(paths) if len(paths) < SEEN_GROUPS else look.group_path
        return Finding(
            subject=Subject(kind="fingerprint", id=fault.id, name=name, group_path=path),
            title=f"{'Back again' if back else 'New'} {LEVELS[seen[2]]}: {name}",
            since=(fault.regressed_at if back else None) or fault.created_at,
            evidence={
                "values": [
                    value("records", int(seen[0])),
                    value("devices", int(seen[1])),
                    value("first seen", fault.first_seen, fault.first_seen),
                ]
            },
        )


def _began() -> ColumnElement[int]:
    """Give when a fault was new, or new again."""
    began: ColumnElement[int] = func.coalesce(Fingerprint.regressed_at, Fingerprint.created_at)
    return began
