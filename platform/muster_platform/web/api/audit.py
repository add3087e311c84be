"""The audit log: read, exported, verified."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from muster_platform.access import audit_words
from muster_platform.access.audit import AuditFilter, AuditService
from muster_platform.access.audit_checks import AuditChecks
from muster_platform.access.audit_verify import AuditVerifier, Mark
from muster_platform.access.models import AuditEntry
from muster_platform.access.permissions import Permission
from muster_platform.errors import NotFound
from muster_platform.paging import DEFAULT_SIZE, PageRequest
from muster_platform.unit import Unit
from muster_platform.web.api.common import Cursor, Input, Limit, Listed, Millis
from muster_platform.web.api.routing import Csv, JsonLines, Routes
from muster_platform.web.site.csv_safe import lines

routes = Routes("Audit")

Word = Annotated[str, Meta(min_length=1, max_length=64)]
Part = Annotated[str, Meta(min_length=1, max_length=254)]
Number = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]

VERIFY_MAX = 20_000


class AuditEntryAnswer(msgspec.Struct, kw_only=True):
    """One act of a person or token.

    Attributes:
        id: number in the chain, from 1 on without gaps.
        at: ms since the epoch.
        done: the action in words, to be read behind the actor's name.
        before, after: what the act changed; secrets are masked.
        hash: SHA-256 over the entry and the hash before it.
    """

    id: int
    at: int
    actor_kind: str
    actor_id: str
    actor_name: str
    action: str
    done: str
    subject_kind: str
    subject_id: str
    subject_name: str
    before: Any
    after: Any
    reason: str | None
    request_id: str
    hash: str


class AuditSelection(Input, kw_only=True):
    """Which entries.

    Attributes:
        actor: part of the actor's name, or its id.
        action: one action (`device.delete`), or all of a kind (`device.`).
        subject: part of the subject's name, or its id.
        text: stands somewhere in names, action, reason, request id, before or after.
        since: from then on; until: before then.
    """

    actor_id: Word | None = None
    actor: Part | None = None
    action: Word | None = None
    subject_kind: Word | None = None
    subject_id: Word | None = None
    subject: Part | None = None
    since: Millis | None = None
    until: Millis | None = None
    text: Part | None = None

    def filter(self) -> AuditFilter:
        """Give it as the service takes it."""
        names = AuditSelection.__struct_fields__
        return AuditFilter(**{name: getattr(self, name) for name in names})


class AuditQuery(AuditSelection, kw_only=True):
    """Which entries, and which part of them."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_SIZE


class MarkAnswer(msgspec.Struct, kw_only=True):
    """A place in the chain; number 0 is before the first entry."""

    number: int
    hash: str


class AuditHeadAnswer(msgspec.Struct, kw_only=True):
    """How the chain stands.

    Attributes:
        number, hash: of the newest entry.
        intact: how far the worker has found it intact in its present round.
        checked_at: when it last looked, ms since the epoch; 0: never.
        fault: what it found, in words; null: nothing.
    """

    number: int
    hash: str
    intact: MarkAnswer
    checked_at: int
    fault: str | None


class VerifyQuery(Input, kw_only=True):
    """Where to begin.

    Attributes:
        after: number of an entry that is known to be right; with its hash.
        limit: entries to go through at most.
    """

    after: Number = 0
    hash: Hash | None = None
    limit: Annotated[int, Meta(ge=1, le=VERIFY_MAX)] = VERIFY_MAX


class FindingAnswer(msgspec.Struct, kw_only=True):
    """The first thing that is wrong.

    Attributes:
        fault: changed, missing, reordered, cut, beyond, head or rewritten.
    """

    fault: str
    number: int
    detail: str


class VerifiedAnswer(msgspec.Struct, kw_only=True):
    """What a walk over the chain found.

    Attributes:
        intact: how far all is well; go on from here while `is_whole` is false.
        is_whole: it went up to the head.
        finding: null where nothing is wrong.
    """

    intact: MarkAnswer
    head: MarkAnswer
    is_whole: bool
    finding: FindingAnswer | None


@routes.add("GET", "/audit", permission=Permission.AUDIT_READ)
def list_audit(unit: Unit, query: AuditQuery) -> Listed[AuditEntryAnswer]:
    """List entries of the audit log, newest first."""
    page = AuditService(unit).list(query.filter(), PageRequest(query.limit, query.cursor))
    return Listed(items=[_entry(row) for row in page.items], next_cursor=page.next_cursor)


@routes.add("GET", "/audit.csv", permission=Permission.AUDIT_READ)
def export_audit(unit: Unit, query: AuditSelection) -> Csv:
    """Export entries as CSV, newest first; no cell is a formula.

    Ends after the setting `export_rows_max`.
    """
    rows = (row_of(entry) for entry in AuditService(unit).export(query.filter()))
    return Csv("".join(lines(CSV_HEADER, rows)))


@routes.add("GET", "/audit.jsonl", permission=Permission.AUDIT_READ)
def export_audit_lines(unit: Unit, query: AuditSelection) -> JsonLines:
    """Export entries as JSON, one a line, newest first; ends likewise."""
    entries: Iterator[AuditEntry] = AuditService(unit).export(query.filter())
    return JsonLines("".join(f"{msgspec.json.encode(_entry(row)).decode()}\n" for row in entries))


@routes.add("GET", "/audit/head", permission=Permission.AUDIT_READ)
def get_audit_head(unit: Unit) -> AuditHeadAnswer:
    """Show the head of the chain, to be kept elsewhere, and what the worker last found."""
    state = AuditChecks(unit).state()
    return AuditHeadAnswer(
        number=state.head.number,
        hash=state.head.hash,
        intact=_mark(state.intact),
        checked_at=state.checked_at,
        fault=state.fault,
    )


@routes.add("GET", "/audit/verify", permission=Permission.AUDIT_READ)
def verify_audit(unit: Unit, query: VerifyQuery) -> VerifiedAnswer:
    """Walk a part of the chain and name the first entry that is not as it was written."""
    start = Mark(query.after, query.hash or "")
    found = AuditVerifier(unit).verify(start, query.limit)
    wrong = found.finding
    return VerifiedAnswer(
        intact=_mark(found.intact),
        head=_mark(found.head),
        is_whole=found.is_whole,
        finding=FindingAnswer(fault=wrong.fault, number=wrong.number, detail=wrong.detail)
        if wrong
        else None,
    )


@routes.add("GET", "/audit/{number}", permission=Permission.AUDIT_READ, errors=(NotFound,))
def get_audit_entry(unit: Unit, number: int) -> AuditEntryAnswer:
    """Show one entry."""
    return _entry(AuditService(unit).get(number))


CSV_HEADER = (
    *("number", "at", "actor_kind", "actor_id", "actor_name", "action", "subject_kind"),
    *("subject_id", "subject_name", "before", "after", "reason", "request_id", "hash"),
)


def row_of(entry: AuditEntry) -> tuple[object, ...]:
    """Give an entry as a line of the CSV export."""
    return (
        *(entry.id, entry.at, entry.actor_kind, entry.actor_id, entry.actor_name, entry.action),
        *(entry.subject_kind, entry.subject_id, entry.subject_name),
        *(_json(entry.before), _json(entry.after), entry.reason, entry.request_id, entry.hash),
    )


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _entry(row: AuditEntry) -> AuditEntryAnswer:
    names = [name for name in AuditEntryAnswer.__struct_fields__ if name != "done"]
    fields = {name: getattr(row, name) for name in names}
    return AuditEntryAnswer(**fields, done=audit_words.done(row.action))


def _mark(mark: Mark) -> MarkAnswer:
    return MarkAnswer(number=mark.number, hash=mark.hash)
