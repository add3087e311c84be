"""Import of a list of devices: planned line by line, then done whole or not at all."""

import hashlib
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from muster_broker.accounts.passwords import hash_secret
from muster_platform import versions
from muster_platform.access import audit
from muster_platform.access.permissions import Permission
from muster_platform.db.chunks import chunks
from muster_platform.devices.credentials import PREFIX_CHARS, SECRET_BYTES
from muster_platform.devices.enrolment_models import DeviceImport
from muster_platform.devices.gateways import GatewayService
from muster_platform.devices.hooks import DeviceHooks
from muster_platform.devices.import_plan import (
    STATUSES,
    NewDevice,
    Options,
    PlannedRow,
    Planner,
    known,
)
from muster_platform.devices.import_rules import BYTES, Line, read
from muster_platform.devices.models import (
    Credential,
    Device,
    DeviceEvent,
    DeviceSettings,
    Presence,
    Tag,
)
from muster_platform.devices.rows import search_text
from muster_platform.devices.settings_effective import bring_up_to_date
from muster_platform.devices.tags import replace_tags
from muster_platform.errors import Conflict, InvalidInput, NotFound
from muster_platform.unit import Unit
from muster_protocol.ids import uuid7
from muster_protocol.states import PresenceState

AUDITED = 200
"""Most changed devices that the audit entry of an import lists with before and after."""
DRAFT_KEPT_MS = 24 * 3600 * 1000
REPORT_HEADER = ("line", "device_id", "status", "column", "why", "changes")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was planned, and whether it was done.

    Attributes:
        applied: all of it was done; False: nothing was.
        counts: lines by status.
        secrets: {device id: secret} of new devices, shown this once.
    """

    applied: bool
    rows: list[PlannedRow]
    counts: dict[str, int]
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def can_apply(self) -> bool:
        """Say whether there is something to do and nothing against it."""
        work = self.counts["new"] + self.counts["change"]
        return not self.applied and not self.counts["invalid"] and work > 0


class ImportService:
    """Plans and does imports; keeps an uploaded list between the two."""

    def __init__(self, unit: Unit, hooks: DeviceHooks) -> None:
        """Prepare.

        Args:
            hooks: hear of devices whose gateway changes.
        """
        self._unit, self._hooks = unit, hooks
        self._session = unit.session

    def plan(self, text: str, options: Options) -> ImportReport:
        """Say what an import would do; changes nothing.

        Raises:
            PermissionDenied: without devices:enrol on any group.
            InvalidInput: it is no such list at all.
        """
        return self._planned(text, options)[1]

    def apply(self, text: str, options: Options, name: str = "") -> ImportReport:
        """Do all of it, or nothing where a line is invalid (applied is False then).

        Args:
            name: of the file, for the audit log.

        Raises:
            PermissionDenied, InvalidInput: as `plan`.
            Conflict: somebody registered one of the devices in the same moment.
        """
        planner, report = self._planned(text, options)
        if report.counts["invalid"]:
            return report
        try:
            made = self._insert(planner.made)
        except IntegrityError as error:
            raise Conflict(
                "one of the devices was registered by somebody else in this moment; plan again",
                code="exists",
            ) from error
        for device, _, line in planner.changed:
            self._change(planner, device, line)
        self._session.flush()
        for part in chunks([*made.values(), *(device.id for device, _, _ in planner.changed)]):
            bring_up_to_date(self._unit, part)
        secrets_made = self._make_secrets(planner.made, made) if options.make_secrets else {}
        self._note(text, name, report, planner)
        return ImportReport(True, report.rows, report.counts, secrets_made)

    def _planned(self, text: str, options: Options) -> tuple[Planner, ImportReport]:
        self._unit.actor.require_somewhere(Permission.DEVICES_ENROL)
        if len(text) > BYTES:
            raise InvalidInput(f"the list has more than {BYTES} bytes; part it", where="csv")
        planner = Planner(self._unit, options)
        rows = planner.plan(read(text, self._unit.settings.import_rows_max))
        found = Counter(row.status for row in rows)
        return planner, ImportReport(False, rows, {status: found[status] for status in STATUSES})

    # Writing -------------------------------------------------------------------------------

    def _insert(self, devices: Sequence[NewDevice]) -> dict[str, int]:
        """Insert devices with all the rows that belong to them; give keys by id."""
        keys: dict[str, int] = {}
        with self._session.begin_nested():
            for children in (False, True):  # gateways of the same list first
                batch = [device for device in devices if bool(device.gateway) is children]
                needed = {device.gateway for device in batch} - {""} - keys.keys()
                gateways = {name: d.id for name, d in known(self._unit, needed).items()} | keys
                keys |= self._insert_rows(batch, gateways)
        now, name = self._unit.now(), self._unit.actor.name
        self._many(
            Presence,
            [
                {"device_key": key, "state": PresenceState.UNKNOWN, "since": now}
                for key in keys.values()
            ],
        )
        self._many(DeviceSettings, [{"device_key": key} for key in keys.values()])
        tags = [
            {"device_key": keys[device.device_id], "name": tag, "value": value}
            for device in devices
            for tag, value in device.tags.items()
        ]
        self._many(Tag, tags)
        line = {"at": now, "kind": "enrolment", "summary": f"Registered by {name} (import)"}
        self._many(DeviceEvent, [line | {"device_key": key, "data": {}} for key in keys.values()])
        return keys

    def _insert_rows(
        self, devices: Sequence[NewDevice], gateways: dict[str, int]
    ) -> dict[str, int]:
        rows: list[dict[str, Any]] = [
            {
                "device_id": device.device_id,
                "display_name": device.display_name,
                "search": search_text(device.device_id, device.display_name),
                "profile_id": device.profile.id,
                "group_id": device.group.id,
                "gateway_id": gateways.get(device.gateway),
                "created_at": self._unit.now(),
                "capabilities": [],
                "attributes": {},
            }
            for device in devices
        ]
        if not rows:
            return {}
        made = self._session.execute(insert(Device).returning(Device.id, Device.device_id), rows)
        return {row.device_id: row.id for row in made}

    def _many(self, model: Any, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._session.execute(insert(model), rows)

    def _change(self, planner: Planner, device: Device, line: Line) -> None:
        if line.display_name:
            device.display_name = line.display_name
            device.search = search_text(device.device_id, line.display_name)
        if line.group:
            device.group = planner.group_of(line)
        if line.tags is not None:
            replace_tags(device, line.tags)
        if line.gateway:
            service = GatewayService(self._unit)
            service.attach(device.device_id, line.gateway, hooks=self._hooks, reason="import")
        versions.bump(self._session, device)

    def _make_secrets(self, devices: Sequence[NewDevice], keys: dict[str, int]) -> dict[str, str]:
        made = {d.device_id: secrets.token_urlsafe(SECRET_BYTES) for d in devices if not d.gateway}
        now = self._unit.now()
        self._many(
            Credential,
            [
                {
                    "id": uuid7(now),
                    "device_key": keys[device_id],
                    "hash": hash_secret(secret),
                    "prefix": secret[:PREFIX_CHARS],
                    "created_at": now,
                }
                for device_id, secret in made.items()
            ],
        )
        return made

    def _note(self, text: str, name: str, report: ImportReport, planner: Planner) -> None:
        changed = planner.changed[:AUDITED]
        before = {row.device_id: {k: v[0] for k, v in row.changes.items()} for _, row, _ in changed}
        after = {row.device_id: {k: v[1] for k, v in row.changes.items()} for _, row, _ in changed}
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        audit.record(
            self._unit,
            "device.import",
            "import",
            digest[:16],
            name or "list of devices",
            before=before or None,
            after={
                "counts": report.counts,
                "sha256": digest,
                **({"changed": after} if after else {}),
            },
        )

    # Between plan and application -----------------------------------------------------------

    def keep(self, text: str, options: Options, name: str) -> DeviceImport:
        """Keep an uploaded list for its application, for a day and for this actor alone."""
        row = DeviceImport(
            id=uuid7(self._unit.now()),
            actor_id=self._unit.actor.id,
            filename=name[:128],
            content=text,
            options=asdict(options),
            created_at=self._unit.now(),
        )
        self._session.add(row)
        self._session.flush()
        return row

    def kept(self, import_id: str) -> tuple[DeviceImport, Options]:
        """Give a list that was kept.

        Raises:
            NotFound: no such one of this actor's, or it is gone.
        """
        row = self._session.get(DeviceImport, import_id)
        if row is None or row.actor_id != self._unit.actor.id:
            raise NotFound("uploaded list", import_id)
        return row, Options(**row.options)

    def forget(self, row: DeviceImport) -> None:
        """Delete a list that was kept."""
        self._session.delete(row)


def clean_imports(unit: Unit, limit: int) -> int:
    """Delete lists that nobody applied within a day; give how many."""
    old = DeviceImport.created_at < unit.now() - DRAFT_KEPT_MS
    ids = list(unit.session.scalars(select(DeviceImport.id).where(old).limit(limit)))
    for part in chunks(ids):
        unit.session.execute(
            delete(DeviceImport).where(DeviceImport.id.in_(part)),
            execution_options={"synchronize_session": False},
        )
    return len(ids)
