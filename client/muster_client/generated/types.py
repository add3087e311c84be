"""What the API takes and gives.

Generated from docs/api/openapi.json by `make docs`; changes here are lost.
"""

from __future__ import annotations

from typing import Any, Generic, Literal, NotRequired, TypedDict, TypeVar

T = TypeVar("T")


class Listed(TypedDict, Generic[T]):
    """A page of a list; `next_cursor` is None at its end."""

    items: list[T]
    next_cursor: str | None


AlarmState = Literal[
    "ACTIVE_ACK",
    "ACTIVE_UNACK",
    "CLEARED_ACK",
    "CLEARED_UNACK",
]

ExecutionState = Literal[
    "CANCELED",
    "DELIVERED",
    "EXPIRED",
    "FAILED",
    "IN_PROGRESS",
    "QUEUED",
    "REJECTED",
    "REMOVED",
    "SENT",
    "SUCCEEDED",
    "TIMED_OUT",
    "VERIFYING",
]

FingerprintState = Literal[
    "IGNORED",
    "OPEN",
    "REGRESSED",
    "RESOLVED",
]

JobState = Literal[
    "CANCELED",
    "COMPLETED",
    "DRAFT",
    "IN_PROGRESS",
    "PAUSED",
    "SCHEDULED",
    "WAITING_FOR_APPROVAL",
]

KeyState = Literal[
    "differs",
    "in_sync",
    "offline",
    "only_reported",
    "rejected",
    "waiting",
]

Level = Literal[
    "DEBUG",
    "ERROR",
    "FATAL",
    "INFO",
    "TRACE",
    "WARN",
]

Permission = Literal[
    "alarms:acknowledge",
    "alarms:read",
    "audit:read",
    "commands:read",
    "commands:run",
    "devices:delete",
    "devices:enrol",
    "devices:read",
    "devices:write",
    "groups:read",
    "groups:write",
    "logs:read",
    "logs:write",
    "profiles:read",
    "profiles:write",
    "releases:publish",
    "releases:read",
    "releases:write",
    "roles:read",
    "roles:write",
    "rollouts:read",
    "rollouts:run",
    "rules:read",
    "rules:write",
    "settings:read",
    "settings:write",
    "system:read",
    "system:write",
    "tasks:read",
    "tasks:run",
    "telemetry:read",
    "users:read",
    "users:write",
]

PresenceState = Literal[
    "OFFLINE",
    "ONLINE",
    "SLEEPING",
    "SUSPECT",
    "UNKNOWN",
]

Severity = Literal[
    "critical",
    "info",
    "warning",
]


class Absence(TypedDict):
    """A person is away for a while; another one may take their place in the order.

    Attributes:
        start: ms since the epoch; the end is not part of it.
        end: ms since the epoch; the end is not part of it.
        instead_id: who takes the place, None for nobody.
    """

    user_id: str
    start: int
    end: int
    instead_id: NotRequired[str | None]


class ActView(TypedDict):
    """What was done to a fault, or that it came back.

    Attributes:
        act: assigned, unassigned, resolved, reopened, ignored, noted, regressed.
        data: assignee (name), version.
    """

    id: str
    at: int
    actor_name: str
    act: str
    data: dict[str, Any]
    reason: str


class AdoptionAnswer(TypedDict):
    """Devices of a release's profiles by what they have of one of its components."""

    release_id: str
    release: str
    component: str
    version: str
    devices: int
    there: int
    newer: int
    older: int
    unknown: int


class AlarmCounts(TypedDict):
    """Open alarms by severity."""

    critical: int
    warning: int
    info: int


class AlarmEventView(TypedDict):
    """A line of an alarm's history; `text` is a comment, a reason, or what was seen."""

    id: int
    at: int
    change: str
    actor_name: str
    text: str


class AlarmView(TypedDict):
    """An alarm.

    Attributes:
        kind: of its rule.
        device_id: of the device that it is about, None where it is about none.
        counter: how often the condition began while it was open.
        evidence: what showed it: {values: [{name, value, at}], records: […], rule, since}.
        hidden_by: id of the alarm that explains it.
        first_at: raised first, raised last; ms since the epoch.
        active_at: raised first, raised last; ms since the epoch.
        version: for `If-Match`.
    """

    id: str
    title: str
    severity: Severity
    state: AlarmState
    rule_id: str
    rule_name: str
    kind: str
    subject_kind: str
    subject_id: str
    subject_name: str
    device_id: str | None
    group_id: int
    group_name: str
    counter: int
    evidence: dict[str, Any]
    labels: dict[str, str]
    hidden_by: str | None
    first_at: int
    active_at: int
    last_at: int
    acknowledged_at: int | None
    acknowledged_by: str
    cleared_at: int | None
    resolved_at: int | None
    resolved_by: str
    resolved_reason: str
    assignee_id: str | None
    assignee_name: str | None
    version: int


class ApiTokenAnswer(TypedDict):
    """An API token. Times are ms since the epoch.

    Attributes:
        prefix: its text begins with `mst_` and this.
        scopes: empty once it is revoked.
        last_used_at: at most a minute old.
    """

    id: str
    name: str
    prefix: str
    owner_id: str
    owner_email: str
    scopes: list[TokenScope]
    created_at: int
    created_by: str
    expires_at: int
    last_used_at: int | None
    last_used_address: str | None
    revoked_at: int | None


class ApiTokenMade(TypedDict):
    """A new token; its text is shown now and never again."""

    id: str
    name: str
    prefix: str
    owner_id: str
    owner_email: str
    scopes: list[TokenScope]
    created_at: int
    created_by: str
    expires_at: int
    last_used_at: int | None
    last_used_address: str | None
    revoked_at: int | None
    token: str | None


class Approval(TypedDict):
    """Which devices to let in, all or none.

    Attributes:
        group_id: home of those not registered yet, inside the token's group.
        display_name: for a single one.
    """

    requests: list[str]
    group_id: NotRequired[int | None]
    display_name: NotRequired[str]
    reason: NotRequired[str]


class ArtifactAnswer(TypedDict):
    """A file of a release.

    Attributes:
        component: that it is for, "" for all.
        profile: the only one whose devices get it, null for all target profiles.
        size: bytes.
        stored_at: ms since the epoch.
    """

    id: str
    name: str
    component: str
    profile: str | None
    size: int
    sha256: str
    stored_at: int
    stored_by: str


class AssignBody(TypedDict):
    """Whose it is: id of a user, null for nobody."""

    assignee_id: NotRequired[str | None]


class Attachment(TypedDict):
    """The gateway that is to speak for a device, and why."""

    gateway: str
    reason: NotRequired[str]


class AuditEntryAnswer(TypedDict):
    """One act of a person or token.

    Attributes:
        id: number in the chain, from 1 on without gaps.
        at: ms since the epoch.
        done: the action in words, to be read behind the actor's name.
        before: what the act changed; secrets are masked.
        after: what the act changed; secrets are masked.
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


class AuditHeadAnswer(TypedDict):
    """How the chain stands.

    Attributes:
        number: of the newest entry.
        hash: of the newest entry.
        intact: how far the worker has found it intact in its present round.
        checked_at: when it last looked, ms since the epoch; 0: never.
        fault: what it found, in words; null: nothing.
    """

    number: int
    hash: str
    intact: MarkAnswer
    checked_at: int
    fault: str | None


class Because(TypedDict):
    """Why it is done, for the audit log."""

    reason: NotRequired[str]


class BindingAnswer(TypedDict):
    """A role that a user has, on a group and those inside it, or everywhere (null)."""

    id: str
    role: str
    group_id: int | None
    group_name: str | None


class BootView(TypedDict):
    """One boot and channel.

    Attributes:
        highest: highest seq stored: so many messages were sent at least.
        missing: (first, last) ranges below it, both included, that are awaited.
        lost: seqs given up.
    """

    boot: str
    channel: str
    highest: int
    missing: list[list[Any]]
    stored: int
    doubled: int
    quarantined: int
    lost: int
    finished: bool
    updated_at: int


class BrokerAddress(TypedDict):
    """Where to connect, as mqtt://, mqtts://, ws:// or wss://."""

    url: str


class Bucket(TypedDict):
    """The values of a time [ts, ts + bucket_ms).

    Attributes:
        ts: its beginning, or the value's own time where nothing was gathered; ms since the
            epoch.
        count: how many values.
        min: of the numbers; None without any. A boolean is 0 or 1.
        max: of the numbers; None without any. A boolean is 0 or 1.
        mean: of the numbers; None without any. A boolean is 0 or 1.
        last: the newest value as it was sent; of several at one time the greatest.
        different: how many different texts.
    """

    ts: int
    count: int
    min: float | None
    max: float | None
    mean: float | None
    last: float | bool | str | None
    different: int


class BulkAnswer(TypedDict):
    """A change and how far it is; times are ms since the epoch.

    Attributes:
        undoes: id of the change that this one takes back.
        undone_by: id of the change that took this one back.
    """

    id: str
    act: str
    args: dict[str, Any]
    reason: str
    author_name: str
    state: Literal["CANCELED", "DONE", "RUNNING"]
    total: int
    changed: int
    skipped: int
    undoes: str | None
    undone_by: str | None
    created_at: int
    ended_at: int | None


class BulkDevice(TypedDict):
    """A device that is in."""

    device_id: str
    display_name: str
    group: str


class BulkItemAnswer(TypedDict):
    """One device of a change; `code` and `why` say what kept it from being changed."""

    device_id: str
    state: Literal["CHANGED", "PENDING", "SKIPPED"]
    code: str
    why: str


class BulkPlanAnswer(TypedDict):
    """Who is in, who is out and why; the lists hold the first 500 each."""

    digest: str
    included_count: int
    excluded_count: int
    excluded_by_code: dict[str, int]
    included: list[BulkDevice]
    excluded: list[LeftOut]


class BulkRequest(TypedDict):
    """What is to be done to whom.

    Attributes:
        args: of move `{"group": id}`, of tag `{"add": {name: value}, "remove": [names]}`, else
            none.
    """

    selection: BulkSelection
    act: Literal["delete", "disable", "enable", "move", "tag"]
    args: NotRequired[dict[str, Any]]


class BulkSelection(TypedDict):
    """Who is meant: exactly one of device ids and a filter of the device list."""

    devices: NotRequired[list[str] | None]
    filter: NotRequired[DeviceSelection | None]


class BulkStart(TypedDict):
    """A change as it was planned.

    Attributes:
        digest: of the plan: another fleet than the one that was looked at is refused.
    """

    selection: BulkSelection
    act: Literal["delete", "disable", "enable", "move", "tag"]
    args: NotRequired[dict[str, Any]]
    digest: str
    reason: NotRequired[str]


class Capture(TypedDict):
    """For how long every message is kept as it comes; 0 ends it."""

    seconds: NotRequired[int]


class CaptureAnswer(TypedDict):
    """Until when (ms since the epoch) every message is kept; null: it is not."""

    capture_until: int | None


class ChannelView(TypedDict):
    """A channel over all boots, finished ones too.

    Attributes:
        sent: so many messages with a number were sent at least: stored, missing and lost.
        stored: taken; `quarantined` are of these.
        missing: number of seqs that are awaited.
        plain: messages without a number; they are stored as well.
    """

    channel: str
    sent: int
    stored: int
    doubled: int
    missing: int
    quarantined: int
    lost: int
    plain: int


class CodeGiven(TypedDict):
    """The code that a challenge asks for.

    Attributes:
        code: Of the app, or a recovery code.
    """

    challenge: str
    code: str


class CommentBody(TypedDict):
    """What to say along with it; may stay empty."""

    comment: NotRequired[str]


class Component(TypedDict):
    """One line of an inventory."""

    component: str
    version: str


class ComponentVersions(TypedDict):
    """A component of the devices of one profile with its versions, the newest first."""

    component: str
    profile: str
    profile_title: str
    devices: int
    versions: list[VersionCount]


class Confirmed(TypedDict):
    """One's password again, and a code where there is a second factor."""

    password: str
    code: NotRequired[str]


class ContextAnswer(TypedDict):
    """A record and what its device wrote around it, oldest first."""

    before: list[LogView]
    record: LogView
    after: list[LogView]
    has_earlier: bool
    has_later: bool


class CredentialAnswer(TypedDict):
    """A device's credential, without its secret. Times are ms since the epoch.

    Attributes:
        prefix: first characters of the secret, to recognise it.
        last_used_at: when the device last connected with it, exact to an hour.
        install_id: the installation that enrolled with it.
        token: name of the enrolment token it came from; null for one made by a person.
    """

    id: str
    prefix: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None
    install_id: str | None
    token: str | None


class DecisionBody(TypedDict):
    """What to change; what is left out stays.

    Attributes:
        state: OPEN, RESOLVED or IGNORED.
        resolved_in: version of the app that no longer has it; only with RESOLVED.
        assignee_id: id of a user, null for nobody.
        note: read by everybody who sees the fingerprint.
    """

    state: NotRequired[FingerprintState]
    resolved_in: NotRequired[str]
    assignee_id: NotRequired[str | None]
    note: NotRequired[str]
    reason: NotRequired[str]


class DeletedAnswer(TypedDict):
    """A deleted device. Times are ms since the epoch.

    Attributes:
        key: internal key; names it, for its id may be taken by another device by now.
        purge_at: when its data goes and it cannot be restored any more.
    """

    key: int
    device_id: str
    display_name: str
    profile: str
    group: HomeGroup
    deleted_at: int | None
    deleted_by: str
    purge_at: int | None


class DeletedReason(TypedDict):
    """Why it is done, for the audit log."""

    reason: NotRequired[str]


class DeviceAnswer(TypedDict):
    """A device. Times are ms since the epoch.

    Attributes:
        key: internal, of this device alone even if its id is used again; names live topics.
        plain: it never said hello.
        cloned_at: two installations were seen speaking in turn.
        version: counts the edits of people; for If-Match.
    """

    device_id: str
    key: int
    display_name: str
    profile: str
    group: HomeGroup
    gateway: str | None
    tags: dict[str, str]
    plain: bool
    agent: str
    capabilities: list[Any]
    attributes: dict[str, Any]
    presence: PresenceAnswer
    created_at: int
    enrolled_at: int | None
    disabled_at: int | None
    cloned_at: int | None
    version: int


class DeviceChange(TypedDict):
    """What to change; null leaves it. `tags` are all of them, when given."""

    display_name: NotRequired[str | None]
    group_id: NotRequired[int | None]
    tags: NotRequired[dict[str, str] | None]


class DeviceCommand(TypedDict):
    """A command for one device.

    Attributes:
        args: one JSON object, as the command defines it.
        title: what people see; the command's name when empty.
    """

    name: str
    args: NotRequired[dict[str, Any]]
    limits: NotRequired[JobLimits]
    reason: NotRequired[str]
    title: NotRequired[str]


class DeviceHello(TypedDict):
    """What a device without MQTT tells; what is left out stays as it is.

    Attributes:
        attributes: {name: value}, such as push_token; null takes one away.
        inventory: all components.
    """

    attributes: dict[str, Any]
    inventory: list[Component] | None


class DeviceHelloAnswer(TypedDict):
    """The server's clock (ms since the epoch), and the version of the desired settings."""

    ts: int
    settings_version: int


class DeviceList(TypedDict):
    """A list of devices, and what to do with it.

    Attributes:
        csv: its text; columns device_id, profile, group, display_name, tags, gateway.
        apply: do it, all or nothing; false: say what would be done.
        update_existing: devices that are registered already are changed.
        make_secrets: new devices get a secret, shown in this answer and never again.
        group_id: home of new devices whose line names no group.
    """

    csv: str
    apply: NotRequired[bool]
    update_existing: NotRequired[bool]
    make_secrets: NotRequired[bool]
    group_id: NotRequired[int | None]


class DeviceReason(TypedDict):
    """Why it is done, for the audit log."""

    reason: NotRequired[str]


class DeviceSelection(TypedDict):
    """Which devices.

    Attributes:
        search: words that all occur in id or display name.
        presence: any of these; may be given several times.
        group: id of a group: its devices and those of groups inside it.
        tag: `name` or `name=value`.
        gateway: its children.
        kind: gateways with children, children, or those that connect by themselves.
    """

    search: NotRequired[str]
    presence: NotRequired[list[PresenceState]]
    profile: NotRequired[str | None]
    group: NotRequired[int | None]
    tag: NotRequired[str | None]
    gateway: NotRequired[str | None]
    kind: NotRequired[Literal["child", "direct", "gateway"] | None]
    disabled: NotRequired[bool | None]
    sort: NotRequired[Literal["created", "device_id", "display_name", "last_seen", "since"]]
    descending: NotRequired[bool]


class Ended(TypedDict):
    """How many sign-ins were ended."""

    ended: int


class Enrolled(TypedDict):
    """The device is in; the secret is shown now and never again.

    Attributes:
        secret: password for MQTT (user name and client id are the device id) and HTTPS.
        trust_root: root of trust for updates; null in this version.
        signature: slot for a signature over it; null in this version.
    """

    device_id: str
    secret: str
    profile: str
    broker: list[BrokerAddress]
    trust_root: Any
    signature: Any


class Enrolment(TypedDict):
    """A device asks for its secret.

    Attributes:
        token: an enrolment token.
        install_id: of this installation; the same again soon replaces a lost answer.
        profile: what the device takes itself for; refused where the token is for another.
        attributes: what it tells of itself; shown to the person who approves.
    """

    token: str
    device_id: str
    install_id: str
    profile: str | None
    attributes: dict[str, Any]


class EnrolmentPending(TypedDict):
    """A person has to approve; ask the same again after that time."""

    device_id: str
    state: str
    retry_after_s: int


class Entry(TypedDict):
    """A person, and when they are told; the same person may stand in a list several times.

    Attributes:
        days: on which the time begins.
        start: of the day's time, `HH:MM` in the list's zone.
        end: of it; not later than the start, it is on the next day. Both alike: the whole day.
    """

    user_id: str
    days: NotRequired[list[int]]
    start: NotRequired[str]
    end: NotRequired[str]


class EventView(TypedDict):
    """One line of an execution's history; `at` is ms since the epoch."""

    at: int
    from_state: str
    to_state: str
    actor: str
    message: str
    data: dict[str, Any]


class ExecutionView(TypedDict):
    """One attempt on one device. Times are ms since the epoch; progress is 0 to 1."""

    id: str
    job_id: str
    device_id: str
    device_name: str
    name: str
    args: dict[str, Any]
    title: str
    attempt: int
    phase: int | None
    mode: str
    kind: str
    state: str
    queued_at: int
    sent_at: int | None
    delivered_at: int | None
    started_at: int | None
    heard_at: int | None
    ended_at: int | None
    expires_at: int
    limit_at: int | None
    step: str
    progress: float | None
    message: str
    result: dict[str, Any]
    error_code: str
    error_message: str
    blocked_by: str | None
    blocked_subject: str
    blocked_since: int | None
    blocked_text: str
    cancel_requested_at: int | None
    contradiction: str | None


class FacetLine(TypedDict):
    """How many records have this value."""

    value: str
    count: int


class FacetsAnswer(TypedDict):
    """What the newest 20,000 of the matching records have in common, most first."""

    logger: list[FacetLine]
    device: list[FacetLine]
    fingerprint: list[FacetLine]
    exception: list[FacetLine]


class FindingAnswer(TypedDict):
    """The first thing that is wrong.

    Attributes:
        fault: changed, missing, reordered, cut, beyond, head or rewritten.
    """

    fault: str
    number: int
    detail: str


class FingerprintAnswer(TypedDict):
    """A fault with its versions and its trend.

    Attributes:
        versions: of the app, newest version first.
        days: records of each of the last 30 days, oldest first.
    """

    fingerprint: FingerprintView
    versions: list[InVersion]
    days: list[OnDay]
    version: int


class FingerprintView(TypedDict):
    """A fault.

    Attributes:
        message: of its newest record that is still there, None where none is.
        level: the worst.
        count: over the devices whose logs the reader may read. Times are ms since the epoch.
        devices: over the devices whose logs the reader may read. Times are ms since the epoch.
        first_seen: over the devices whose logs the reader may read. Times are ms since the
            epoch.
        last_seen: over the devices whose logs the reader may read. Times are ms since the
            epoch.
        versions: of the app, newest first.
        trend: records a day, oldest first, today last.
        version: of the decision, for `If-Match`.
    """

    id: str
    title: str
    message: str | None
    exception_type: str
    logger: str
    level: Level
    state: FingerprintState
    assignee_id: str | None
    assignee_name: str | None
    count: int
    devices: int
    first_seen: int
    last_seen: int
    versions: list[str]
    trend: list[int]
    resolved_at: int | None
    resolved_in: str
    regressed_at: int | None
    note: str
    version: int


class FirstCode(TypedDict):
    """A first code of the app."""

    code: str


class Forgotten(TypedDict):
    """Whose password was forgotten."""

    email: str


class FoundLogs(TypedDict):
    """A part of a search.

    Attributes:
        next_cursor: further on; null at the end.
        previous_cursor: back, where new records may have come since; null where there is none.
    """

    items: list[LogView]
    next_cursor: str | None
    previous_cursor: str | None


class FreshToken(TypedDict):
    """An access token of the same sign-in for what asks for a fresh one."""

    access_token: str
    expires_in_s: int


class Giver(TypedDict):
    """A role (or, of a token, permissions by name: null) given on a place."""

    role: str | None
    where: str


class Grant(TypedDict):
    """Permissions on a group (by its path) and those inside, or everywhere (null)."""

    group_path: str | None
    permissions: list[Permission]


class GroupAnswer(TypedDict):
    """A group.

    Attributes:
        path: ids from the root down, each with a slash behind it.
        version: counts the edits; for If-Match.
    """

    id: int
    name: str
    parent_id: int | None
    path: str
    created_at: int
    version: int


class GroupChange(TypedDict):
    """What to change: the name, the parent, or both."""

    name: NotRequired[str | None]
    parent_id: NotRequired[int | None]


class HistogramAnswer(TypedDict):
    """Records over a range, in equal parts, oldest first; empty where nothing matches at all.

    Attributes:
        levels: all of it by level.
    """

    since: int
    until: int
    width_ms: int
    levels: dict[str, int]
    parts: list[PartAnswer]


class History(TypedDict):
    """Values of one metric, oldest first.

    Attributes:
        points: (ts in ms, value); empty where it was asked to gather.
        more: there are older ones within the time asked for.
        bucket_ms: time that each of `buckets` gathers; 0 where each is one value.
        buckets: gathered, oldest first; those without a value are left out.
    """

    metric: str
    kind: str
    points: list[list[Any]]
    more: bool
    bucket_ms: int
    buckets: list[Bucket]


class Hit(TypedDict):
    """One thing that was found.

    Attributes:
        kind: device, user, job, release or group.
        id: by which its own page and route call it.
        detail: what tells it from others of that name.
    """

    kind: str
    id: str
    name: str
    detail: str


class HomeGroup(TypedDict):
    """The group that a device belongs to."""

    id: int
    name: str
    path: str


class ImportAnswer(TypedDict):
    """What was planned, and whether it was done.

    Attributes:
        applied: all of it was done; false: nothing was.
        counts: lines by status.
        secrets: {device id: secret} of new devices; shown now and never again.
    """

    applied: bool
    counts: dict[str, int]
    rows: list[ImportLine]
    secrets: dict[str, str]


class ImportLine(TypedDict):
    """What becomes of one line.

    Attributes:
        line: its number in the list.
        column: the one at fault.
        changes: {field: [before, after]}.
    """

    line: int
    device_id: str
    status: Literal["change", "exists", "invalid", "new", "same"]
    why: str
    column: str
    changes: dict[str, list[Any]]


class InVersion(TypedDict):
    """A fault in one version of the app, "" for devices that do not say."""

    version: str
    count: int
    devices: int
    first_seen: int
    last_seen: int


class InheritedKey(TypedDict):
    """A key that a group inherits from a group around it."""

    key: str
    value: Any
    group: str


class InventoryLine(TypedDict):
    """A component, and since when (ms since the epoch) it is in this version."""

    component: str
    version: str
    since: int


class JobLimits(TypedDict):
    """Limits in seconds; null takes the installation's.

    Attributes:
        queue_s: until it is handed to the broker.
        delivery_s: until the device says it has it.
        timeout_s: from there to the end.
        step_timeout_s: silence while it works.
    """

    queue_s: NotRequired[int | None]
    delivery_s: NotRequired[int | None]
    timeout_s: NotRequired[int | None]
    step_timeout_s: NotRequired[int | None]


class JobTarget(TypedDict):
    """Who it is for: exactly one of device ids, a group (and those inside), a tag, a filter."""

    devices: NotRequired[list[str] | None]
    group: NotRequired[int | None]
    tag: NotRequired[TagTarget | None]
    filter: NotRequired[DeviceSelection | None]


class JobView(TypedDict):
    """A job. Times are ms since the epoch; limits in seconds.

    Attributes:
        counts: {execution state: devices}, of the newest attempts.
        progress: share of devices whose newest attempt has ended, 0 to 1.
    """

    id: str
    kind: str
    title: str
    name: str
    args: dict[str, Any]
    target: dict[str, Any]
    group_path: str
    state: str
    reason: str
    author_name: str
    priority: int
    queue_s: int
    delivery_s: int
    timeout_s: int
    step_timeout_s: int
    device_count: int
    counts: dict[str, int]
    progress: float
    blocked_by: str | None
    blocked_subject: str
    blocked_since: int | None
    created_at: int
    ended_at: int | None
    cancel_requested_at: int | None


class KeyPlan(TypedDict):
    """One key of a layer that would change.

    Attributes:
        value: as it would be in the layer; None when it is taken out.
        is_set: it would be in the layer (else taken out: inherited again, or not desired).
        devices: how many would hear another value.
        own: how many have a value of their own and keep it.
        inner: how many keep the value of a group inside.
    """

    key: str
    value: Any
    is_set: bool
    devices: int
    own: int
    inner: int


class Latest(TypedDict):
    """Newest value of a metric.

    Attributes:
        kind: number, boolean or text.
        ts: ms since the epoch.
    """

    metric: str
    kind: str
    ts: int
    value: float | bool | str | None


class LayerPlan(TypedDict):
    """What a change of a layer would do.

    Attributes:
        version: of the layer that the plan was made for: give it as If-Match.
        below: devices under the layer.
        devices: of these, how many would hear something new.
        too_large: how many would have more than a message can carry, and keep what they have.
        keys: by name.
    """

    version: int
    below: int
    devices: int
    too_large: int
    keys: list[KeyPlan]


class LayerView(TypedDict):
    """A layer as people see it. Times are ms since the epoch.

    Attributes:
        kind: `profile` or `group`.
        name: of the profile or the group.
        version: counts the edits; 0 when nothing was ever said here.
        inherited: what the groups around say, without what this layer says itself.
        devices: how many are below.
        waiting: of these, how many the layer is still to be brought to.
    """

    kind: str
    name: str
    desired: dict[str, Any]
    version: int
    changed_at: int | None
    changed_by: str
    inherited: list[InheritedKey]
    devices: int
    waiting: int


class LedgerView(TypedDict):
    """The whole ledger of a device: totals by channel, and the boots that are open."""

    channels: list[ChannelView]
    boots: list[BootView]


class LeftOut(TypedDict):
    """A device that is out, and why: a code and its text."""

    device_id: str
    code: str
    why: str


class LinkUsed(TypedDict):
    """What stands in a mailed link behind `/admin/link/`, and the password to set."""

    token: str
    password: str


class LogView(TypedDict):
    """One record.

    Attributes:
        ts: ms since the epoch; the time of receipt where the device's was not believable.
        ts_device: what the device said, None where it said nothing.
        clamped: ts is not the device's.
        fingerprint: "" below ERROR.
    """

    id: str
    device_id: str
    ts: int
    ts_device: int | None
    received_at: int
    clamped: bool
    level: Level
    logger: str
    message: str
    fields: dict[str, Any]
    exception_type: str | None
    exception_message: str | None
    stacktrace: str | None
    fingerprint: str
    log_session: str | None


class MailAnswer(TypedDict):
    """A mail. Times are ms since the epoch.

    Attributes:
        state: queued, sent, failed, or withdrawn (nobody needed it any more).
        next_at: when a queued one is tried next.
        error: of the last attempt.
    """

    id: str
    kind: str
    to: str
    subject: str
    created_at: int
    state: str
    attempts: int
    next_at: int
    sent_at: int | None
    error: str


class MailText(TypedDict):
    """A mail and its text; links that sign somebody in are masked."""

    id: str
    kind: str
    to: str
    subject: str
    created_at: int
    state: str
    attempts: int
    next_at: int
    sent_at: int | None
    error: str
    text: str


class MarkAnswer(TypedDict):
    """A place in the chain; number 0 is before the first entry."""

    number: int
    hash: str


class Me(TypedDict):
    """Who the token speaks for, and what they may do.

    Attributes:
        restriction: what must be done first: `password_change` or `second_factor`; else null.
    """

    id: str
    name: str
    grants: list[Grant]
    restriction: str | None


class NewApiToken(TypedDict):
    """A token of your own to be made.

    Attributes:
        scopes: what it may do: never more than you may yourself, now or later.
        days: how long it works.
        user_id: only for the command line on the machine itself, which has no user of its own:
            whose token it is to be.
    """

    name: str
    scopes: list[NewScope]
    days: NotRequired[int]
    user_id: NotRequired[str | None]


class NewBinding(TypedDict):
    """A role to give, on a group and those inside it, or everywhere (null)."""

    role: str
    group_id: NotRequired[int | None]


class NewCommand(TypedDict):
    """A command for several devices."""

    name: str
    args: NotRequired[dict[str, Any]]
    limits: NotRequired[JobLimits]
    reason: NotRequired[str]
    title: NotRequired[str]
    target: JobTarget


class NewDevice(TypedDict):
    """A device to be registered; it has no credential yet."""

    device_id: str
    profile: str
    group_id: NotRequired[int | None]
    display_name: NotRequired[str | None]
    tags: NotRequired[dict[str, str]]
    gateway: NotRequired[str | None]


class NewGroup(TypedDict):
    """A group to be made inside another; the root when no parent is named."""

    name: str
    parent_id: NotRequired[int]


class NewInvitation(TypedDict):
    """Whom to invite; a role may be given at once, on a group or everywhere (null)."""

    email: str
    name: NotRequired[str]
    role: NotRequired[str | None]
    group_id: NotRequired[int | None]


class NewPassword(TypedDict):
    """Another password for a user; null makes a one-time password."""

    password: NotRequired[str | None]


class NewProfile(TypedDict):
    """A profile to be made; the name never changes."""

    message_bytes_max: NotRequired[int]
    metrics_max: NotRequired[int]
    telemetry_kept_days: NotRequired[int | None]
    logs_kept_days: NotRequired[int | None]
    command_queue_s: NotRequired[int | None]
    command_timeout_s: NotRequired[int | None]
    command_step_timeout_s: NotRequired[int | None]
    name: str
    title: NotRequired[str]
    contact: NotRequired[Literal["always", "periodic"]]
    expect_every_s: NotRequired[int]
    qos_down: NotRequired[int]


class NewRelease(TypedDict):
    """A draft to be made.

    Attributes:
        components: {component: version} that it brings devices to.
        profiles: names of the profiles that it is for.
        notes: Markdown.
        title: the notification that a phone shows.
        body: the notification that a phone shows.
        url: the notification that a phone shows.
        data: for the app; at most 16 KiB as JSON.
    """

    name: str
    version: str
    components: NotRequired[dict[str, str]]
    profiles: NotRequired[list[str]]
    notes: NotRequired[str]
    title: NotRequired[str]
    body: NotRequired[str]
    url: NotRequired[str]
    data: NotRequired[dict[str, Any]]


class NewRole(TypedDict):
    """A role to be made; the name never changes. Nobody can give permissions that they lack."""

    name: str
    permissions: list[Permission]
    title: NotRequired[str]
    description: NotRequired[str]
    require_second_factor: NotRequired[bool]


class NewRollout(TypedDict):
    """A rollout to start.

    Attributes:
        digest: of the plan that was looked at; another one is refused. Null starts what there
            is.
    """

    release_id: str
    target: JobTarget
    mode: NotRequired[Literal["auto", "install", "notify"]]
    phases: NotRequired[list[RolloutPhaseRequest]]
    downgrade: NotRequired[bool]
    limits: NotRequired[RolloutLimits]
    digest: NotRequired[str | None]
    title: NotRequired[str]
    reason: NotRequired[str]


class NewScope(TypedDict):
    """Either a role or permissions, on a group and those inside it, or everywhere (null)."""

    role: NotRequired[str | None]
    permissions: NotRequired[list[Permission]]
    group_id: NotRequired[int | None]


class NewToken(TypedDict):
    """An enrolment token to be made.

    Attributes:
        mode: `pre_registered`: only devices that are registered; `allow_new`: others too;
            `approve`: a person decides on each.
        reenrol: a device that has a working secret may enrol again.
    """

    name: str
    profile: str
    group_id: int
    mode: NotRequired[Literal["allow_new", "approve", "pre_registered"]]
    max_uses: NotRequired[int | None]
    expires_at: NotRequired[int | None]
    reenrol: NotRequired[bool]


class NewUpload(TypedDict):
    """A file that is about to be sent.

    Attributes:
        size: bytes.
        sha256: 64 hex digits; what comes is compared with it. "" where it is not known.
        component: of the release, "" for all.
        profile: the only one whose devices get it, "" for all target profiles.
    """

    name: str
    size: int
    sha256: NotRequired[str]
    component: NotRequired[str]
    profile: NotRequired[str]


class NewUser(TypedDict):
    """A user to be made; without a password a one-time password is made."""

    email: str
    name: NotRequired[str]
    password: NotRequired[str | None]


class OnCallAnswer(TypedDict):
    """The on-call list of a group; it counts for the groups inside that have none of their own.

    Attributes:
        zone: IANA name of the zone of its times.
        wait_s: after so long without an acknowledgement the next person is told.
        remind_s: between two mails to the same person about the same alarm.
        names: of everybody in it, by user id.
        version: counts the edits; for If-Match.
    """

    group_id: int
    zone: str
    wait_s: int
    remind_s: int
    reminders: int
    entries: list[Entry]
    absences: list[Absence]
    names: dict[str, str]
    version: int
    updated_at: int


class OnCallBody(TypedDict):
    """A list as it shall be, whole."""

    zone: NotRequired[str]
    wait_s: NotRequired[int]
    remind_s: NotRequired[int]
    reminders: NotRequired[int]
    entries: list[Entry]
    absences: NotRequired[list[Absence]]


class OnCallPerson(TypedDict):
    """Somebody on call."""

    user_id: str
    name: str


class OnDay(TypedDict):
    """Records of one day; `start` is its beginning, UTC, ms since the epoch."""

    start: int
    count: int


class OnDevice(TypedDict):
    """A fault on one device; `version` is the one it was last seen in, "" for not known."""

    device_id: str
    count: int
    first_seen: int
    last_seen: int
    version: str


class PartAnswer(TypedDict):
    """A part of a range, ms since the epoch; `end` is not in it. Levels without records lack."""

    start: int
    end: int
    counts: dict[str, int]


class PartState(TypedDict):
    """How a part stands.

    Attributes:
        state: ok, warn or bad; bad as well where it has fallen silent.
        since: of the state, ms since the epoch.
    """

    name: str
    instance: str
    state: str
    detail: str
    figures: dict[str, float]
    since: int


class PasswordChange(TypedDict):
    """A user's old and new password."""

    old: str
    new: str


class PasswordMade(TypedDict):
    """The one-time password, where one was made; it is shown now and never again."""

    one_time_password: str | None


class PermissionAnswer(TypedDict):
    """A permission that there is.

    Attributes:
        words: what it lets people do.
        everywhere_only: it is about things that have no group, so it counts only where a role
            is given everywhere.
    """

    name: str
    words: str
    everywhere_only: bool


class PhaseView(TypedDict):
    """A phase; see RolloutPhase. Times are ms since the epoch.

    Attributes:
        state: WAITING, RUNNING, SOAKING, WAITING_FOR_HAND, PAUSED, DONE; NOT_OPENED when the
            rollout ended before it.
        counts: {execution state: devices} of the newest attempts.
        next_at: when the soak ends, None where none runs.
    """

    number: int
    state: str
    device_count: int
    success_percent: int
    error_devices: int
    soak_s: int
    by_hand: bool
    counts: dict[str, int]
    opened_at: int | None
    reached_at: int | None
    next_at: int | None


class PieceAnswer(TypedDict):
    """How far the upload is.

    Attributes:
        received: the offset of the next piece.
        artifact: the finished file, null while something is missing.
    """

    received: int
    artifact: ArtifactAnswer | None


class PlanAnswer(TypedDict):
    """Who is in, who is out and why; the lists hold the first 500 each."""

    included_count: int
    excluded_count: int
    excluded_by_code: dict[str, int]
    included: list[PlannedDevice]
    excluded: list[LeftOut]


class PlanRequest(TypedDict):
    """What a command would be: its name and who it is for."""

    name: str
    target: JobTarget


class PlannedDevice(TypedDict):
    """A device that is in."""

    device_id: str
    display_name: str
    presence: str


class PlannedPhase(TypedDict):
    """A phase of the plan; so many failures pause it."""

    number: int
    device_count: int
    success_percent: int
    error_devices: int
    soak_s: int
    by_hand: bool


class PlannedUpdate(TypedDict):
    """A device that is in, its phase and how it is updated."""

    device_id: str
    display_name: str
    presence: str
    phase: int
    mode: str


class PreferencesAnswer(TypedDict):
    """One's own choices; "" for what was not chosen."""

    home: str


class PreferencesInput(TypedDict):
    """What to choose; "" takes a choice back."""

    home: str


class PresenceAnswer(TypedDict):
    """What is believed of a device's connection. Times are ms since the epoch.

    Attributes:
        since: when this state began.
        until: end of an announced sleep.
        heard_at: last message of any kind.
    """

    state: str
    reason: str
    since: int
    until: int | None
    heard_at: int | None
    hello_at: int | None


class PresenceCounts(TypedDict):
    """How many devices are in each state of presence."""

    counts: dict[str, int]


class Preview(TypedDict):
    """What a rule would raise if it were evaluated now.

    Attributes:
        words: in a few words when it raises.
        count: how many; `lines` shows the first of them.
        devices: how many devices it looks at, None where it looks at none.
    """

    words: str
    count: int
    devices: int | None
    lines: list[PreviewLine]


class PreviewLine(TypedDict):
    """One subject that a rule would raise an alarm for."""

    subject_kind: str
    subject_id: str
    subject_name: str
    title: str
    since: int


class Problem(TypedDict):
    """A problem document; an error's own members (`permission`, `group`, …) stand beside these.

    Attributes:
        type: `urn:muster:problem:` and the error's code.
        request_id: to be quoted when asking for help; the server's log has it too.
        where: JSON path of the body, or name of the parameter or header at fault.
    """

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    where: str


class ProfileAnswer(TypedDict):
    """A device type.

    Attributes:
        contact: `always` (a lost connection is OFFLINE) or `periodic` (it is SLEEPING).
        expect_every_s: silence after which a device is missed.
        qos_down: QoS of commands.
        version: counts the edits; for If-Match.
    """

    name: str
    title: str
    contact: str
    expect_every_s: int
    qos_down: int
    created_at: int
    version: int
    message_bytes_max: int
    metrics_max: int
    telemetry_kept_days: int | None
    logs_kept_days: int | None
    command_queue_s: int | None
    command_timeout_s: int | None
    command_step_timeout_s: int | None


class ProfileChange(TypedDict):
    """What to change; null leaves title, contact, expect_every_s and qos_down as they are."""

    message_bytes_max: NotRequired[int]
    metrics_max: NotRequired[int]
    telemetry_kept_days: NotRequired[int | None]
    logs_kept_days: NotRequired[int | None]
    command_queue_s: NotRequired[int | None]
    command_timeout_s: NotRequired[int | None]
    command_step_timeout_s: NotRequired[int | None]
    title: NotRequired[str | None]
    contact: NotRequired[Literal["always", "periodic"] | None]
    expect_every_s: NotRequired[int | None]
    qos_down: NotRequired[int | None]


class QuarantineCount(TypedDict):
    """How many messages it was done to."""

    count: int


class QuarantineLine(TypedDict):
    """A message that could not be taken. Times are ms since the epoch.

    Attributes:
        reason: a code.
        detail: what was wrong with it, and where.
        replay_at: when somebody asked that it be read again; null: nobody did, or it was.
        size: of the payload in bytes.
    """

    id: int
    received_at: int
    topic: str
    device_id: str
    reason: str
    detail: str
    replay_at: int | None
    replay_by: str | None
    size: int


class QuarantineMessage(TypedDict):
    """A message that could not be taken, whole; the payload's bytes in base64."""

    id: int
    received_at: int
    topic: str
    device_id: str
    reason: str
    detail: str
    replay_at: int | None
    replay_by: str | None
    size: int
    payload_base64: str


class QuarantineReason(TypedDict):
    """Why it is done, for the audit log."""

    reason: NotRequired[str]


class QuarantineSelection(TypedDict):
    """Which messages, as in the list, and why it is done, for the audit log."""

    device_id: NotRequired[str | None]
    reason: NotRequired[str | None]
    since: NotRequired[int | None]
    until: NotRequired[int | None]
    why: NotRequired[str]


class RawLine(TypedDict):
    """A message as it came; the payload's bytes in base64. Times are ms since the epoch."""

    id: int
    received_at: int
    topic: str
    size: int
    payload_base64: str


class RecoveryCodes(TypedDict):
    """Codes that each work once instead of the app; shown now and never again."""

    recovery_codes: list[str]


class Rejection(TypedDict):
    """Which devices to refuse, and why: they are told so."""

    requests: list[str]
    reason: NotRequired[str]


class ReleaseAnswer(TypedDict):
    """A release. Times are ms since the epoch.

    Attributes:
        version: of what is released.
        components: {component: version} that it brings devices to.
        profiles: whose devices may be given it.
        notes: Markdown, for people.
        title: the notification that a phone shows.
        body: the notification that a phone shows.
        url: the notification that a phone shows.
        data: for the app.
        missing: what a draft lacks before it can be published.
        reason: why it was revoked.
        edits: counts the edits; for If-Match.
    """

    id: str
    name: str
    version: str
    state: str
    components: dict[str, str]
    profiles: list[str]
    notes: str
    title: str
    body: str
    url: str
    data: dict[str, Any]
    artifacts: list[ArtifactAnswer]
    missing: list[str]
    reason: str
    created_at: int
    created_by: str
    updated_at: int
    published_at: int | None
    published_by: str
    revoked_at: int | None
    revoked_by: str
    edits: int


class ReleaseChange(TypedDict):
    """What to change; what is left out stays. Once published, only `notes` may."""

    name: NotRequired[str]
    version: NotRequired[str]
    components: NotRequired[dict[str, str]]
    profiles: NotRequired[list[str]]
    notes: NotRequired[str]
    title: NotRequired[str]
    body: NotRequired[str]
    url: NotRequired[str]
    data: NotRequired[dict[str, Any]]


class RequestAnswer(TypedDict):
    """A device that asked to be let in. Times are ms since the epoch.

    Attributes:
        attributes: what it tells of itself; claims.
        count: how often it has asked.
        used_at: when it fetched its secret.
    """

    id: str
    device_id: str
    install_id: str
    address: str
    attributes: dict[str, Any]
    token_id: str
    token_name: str
    profile: str
    group_id: int
    state: str
    count: int
    first_asked_at: int
    last_asked_at: int
    decided_by: str | None
    decided_at: int | None
    reason: str
    used_at: int | None


class Reset(TypedDict):
    """Why."""

    reason: NotRequired[str | None]


class ResolveBody(TypedDict):
    """Why it is closed by hand."""

    reason: str


class RetryAnswer(TypedDict):
    """How many new attempts there are."""

    attempts: int


class RetryRequest(TypedDict):
    """Which ends to try again; null means all unsuccessful ones."""

    states: NotRequired[list[ExecutionState] | None]
    reason: NotRequired[str]


class ReviewAnswer(TypedDict):
    """A person under review. Times are ms since the epoch.

    Attributes:
        rights: the roles that the filter asks for.
        tokens: working API tokens that may what the filter asks for.
    """

    user_id: str
    email: str
    name: str
    disabled_at: int | None
    last_sign_in_at: int | None
    second_factor: bool
    rights: list[ReviewRight]
    tokens: list[ReviewToken]


class ReviewRight(TypedDict):
    """A role of a person, on a group and those inside it, or everywhere."""

    binding_id: str
    role: str
    where: str
    group_id: int | None


class ReviewToken(TypedDict):
    """A working API token of a person."""

    id: str
    name: str
    expires_at: int
    last_used_at: int | None


class Revocation(TypedDict):
    """Why a release is taken back; people and rollouts are told."""

    reason: str


class RevokedAnswer(TypedDict):
    """How many working secrets were ended."""

    revoked: int


class RoleAnswer(TypedDict):
    """A named set of permissions.

    Attributes:
        builtin: only its `require_second_factor` can be changed.
        require_second_factor: who has it can do nothing before setting one up.
        version: counts the edits; for If-Match.
    """

    name: str
    title: str
    description: str
    builtin: bool
    permissions: list[str]
    require_second_factor: bool
    version: int


class RoleChange(TypedDict):
    """What to change; null leaves it. `permissions` replaces them all."""

    permissions: NotRequired[list[Permission] | None]
    title: NotRequired[str | None]
    description: NotRequired[str | None]
    require_second_factor: NotRequired[bool | None]


class RoleHolder(TypedDict):
    """A user who has a role, on a group and those inside it, or everywhere (null)."""

    binding_id: str
    user_id: str
    email: str
    group_id: int | None
    group_name: str | None


class RolloutLimits(TypedDict):
    """Limits in seconds; null takes the usual of updates.

    Attributes:
        verify_s: how long the inventory may take to prove what a device claims.
    """

    queue_s: NotRequired[int | None]
    delivery_s: NotRequired[int | None]
    timeout_s: NotRequired[int | None]
    step_timeout_s: NotRequired[int | None]
    verify_s: NotRequired[int | None]


class RolloutPhaseRequest(TypedDict):
    """A phase; the last one takes all devices that are left.

    Attributes:
        percent: of all devices that are in; or `devices`, their number.
        success_percent: share of its devices that must succeed before the next phase.
        error_percent: share of its devices whose failure pauses the rollout, at least one
            device; `error_devices` says it as a number.
        soak_s: how long to watch after the success threshold.
        by_hand: a person opens the next phase.
    """

    percent: NotRequired[int | None]
    devices: NotRequired[int | None]
    success_percent: NotRequired[int]
    error_percent: NotRequired[int]
    error_devices: NotRequired[int | None]
    soak_s: NotRequired[int]
    by_hand: NotRequired[bool]


class RolloutPlanAnswer(TypedDict):
    """Who is in, who is out and why; the lists hold the first 500 each."""

    digest: str
    phases: list[PlannedPhase]
    included_count: int
    excluded_count: int
    excluded_by_code: dict[str, int]
    included: list[PlannedUpdate]
    excluded: list[LeftOut]


class RolloutRequest(TypedDict):
    """What is to be rolled out to whom, and how.

    Attributes:
        mode: auto (install where the device can, else notify), notify or install.
        phases: none is one phase of all.
        downgrade: devices that have something newer are in, too.
    """

    release_id: str
    target: JobTarget
    mode: NotRequired[Literal["auto", "install", "notify"]]
    phases: NotRequired[list[RolloutPhaseRequest]]
    downgrade: NotRequired[bool]
    limits: NotRequired[RolloutLimits]


class RolloutView(TypedDict):
    """A rollout: its job, its release, its phases.

    Attributes:
        job: state, reason, counts, blocked_by and limits are the job's.
        mode: auto, notify or install, as its author asked.
        left_out: {why: devices} that were planned and left out when their phase opened.
    """

    id: str
    job: JobView
    release_id: str
    release_name: str
    release_version: str
    release_state: str
    mode: str
    verify_s: int
    digest: str
    phases: list[PhaseView]
    left_out: dict[str, int]


class Rotation(TypedDict):
    """How long the secrets before still work; 0 ends them now."""

    overlap_s: NotRequired[int]


class RuleBody(TypedDict):
    """A rule.

    Attributes:
        params: of its kind; `GET /rules/kinds` names them.
        group_id: it looks at what is in this group or inside it; the root is 1.
        device_filter: as in selections of devices; left out: all devices there.
        labels: route its alarms to whom they concern.
    """

    name: str
    kind: Literal[
        "device_offline",
        "execution_failures",
        "log_match",
        "new_fingerprint",
        "part_down",
        "quarantine_grows",
        "telemetry_absent",
        "telemetry_threshold",
    ]
    params: dict[str, Any]
    severity: NotRequired[Severity]
    group_id: NotRequired[int]
    device_filter: NotRequired[dict[str, Any]]
    labels: NotRequired[dict[str, str]]
    enabled: NotRequired[bool]


class RuleChange(TypedDict):
    """What to change; what is left out stays. Kind and group stay as they are."""

    name: NotRequired[str]
    params: NotRequired[dict[str, Any]]
    severity: NotRequired[Severity]
    device_filter: NotRequired[dict[str, Any]]
    labels: NotRequired[dict[str, str]]
    enabled: NotRequired[bool]


class RuleKind(TypedDict):
    """A kind of rule.

    Attributes:
        needs: what the author must be allowed to read on the rule's group.
        picks_devices: a device filter may narrow it.
    """

    name: str
    title: str
    needs: str
    picks_devices: bool
    params: list[RuleParam]


class RuleParam(TypedDict):
    """A parameter of a kind; `schema` is its JSON schema."""

    name: str
    required: bool
    schema: dict[str, Any]


class RuleView(TypedDict):
    """A rule.

    Attributes:
        words: in a few words when it raises.
        group_id: it looks at what is in this group or inside it.
        group_name: it looks at what is in this group or inside it.
        device_filter: {} for all devices.
        problem: why it cannot be evaluated, "" where it can.
        active: alarms of it that are active and that the reader may see.
        version: of the rule, for `If-Match`.
    """

    id: str
    name: str
    kind: str
    words: str
    params: dict[str, Any]
    severity: Severity
    group_id: int
    group_name: str
    device_filter: dict[str, Any]
    labels: dict[str, str]
    enabled: bool
    builtin: str | None
    author_name: str
    evaluated_at: int | None
    problem: str
    active: int
    created_at: int
    updated_at: int
    version: int


class SayBody(TypedDict):
    """A comment."""

    text: str


class ScheduleAnswer(TypedDict):
    """A task that repeats, and how its runs went. Times are ms since the epoch.

    Attributes:
        words: what it does.
        wakes: what else has it run.
        runs: counted since the installation began; idle ones found nothing.
        idle: counted since the installation began; idle ones found nothing.
        failures: counted since the installation began; idle ones found nothing.
        late: it should have run long ago.
        running: runs that are going on.
    """

    name: str
    words: str
    every_s: float
    wakes: str
    began_at: int | None
    ended_at: int | None
    ended_state: str
    error: str
    next_at: int | None
    runs: int
    idle: int
    failures: int
    last_ms: int
    longest_ms: int
    late: bool
    running: int


class SecondFactorAnswer(TypedDict):
    """How an account stands.

    Attributes:
        since: when it was set up; null without one.
        required: whether a role asks for one.
    """

    since: int | None
    recovery_codes_left: int
    required: bool


class SecondFactorOffer(TypedDict):
    """What an authenticator app is given, once.

    Attributes:
        address: otpauth://, for a QR code.
    """

    secret: str
    address: str


class SecretAnswer(TypedDict):
    """A device's new secret; it is shown now and never again (null in a repeated answer)."""

    device_id: str
    secret: str | None


class SessionAnswer(TypedDict):
    """A sign-in that lasts. Times are ms since the epoch.

    Attributes:
        authenticated_at: when the password was last given.
        second_factor: whether a code was given.
        current: whether it is the one that asks.
    """

    id: str
    started_at: int
    used_at: int
    authenticated_at: int
    address: str
    user_agent: str
    second_factor: bool
    current: bool


class SettingsAnswer(TypedDict):
    """What is desired and what the device says is in force. Times are ms since the epoch.

    Attributes:
        own: what is desired of this device alone; the rest is inherited.
        own_version: counts the edits of it; for If-Match.
        version: of that, as the device hears it.
        desired: profile, groups and own merged: what the device is told.
        applied_version: version that the device has answered to.
        errors: {key: why it could not be taken}.
        problem: why this cannot be told to the device; empty when it can.
        keys: how each key stands.
    """

    own: dict[str, Any]
    own_version: int
    version: int
    desired: dict[str, Any]
    desired_at: int | None
    applied_version: int
    reported: dict[str, Any]
    errors: dict[str, Any]
    reported_at: int | None
    problem: str
    keys: list[SettingsKeyAnswer]


class SettingsChange(TypedDict):
    """What is desired in this layer, whole: a key that is left out is inherited."""

    desired: dict[str, Any]


class SettingsKeyAnswer(TypedDict):
    """One key of a device's settings.

    Attributes:
        desired: what the device is told; null when nobody desires it (`is_desired`).
        layer: `profile`, `group` or `device`: who says so; empty when nobody does.
        layer_name: of the profile or group; empty where you may not read it.
        inherited: what would hold without the device's own value.
        reported: what is in force by the device's word.
        since: of the state, ms since the epoch.
        error: why the device could not take it.
    """

    key: str
    desired: Any
    layer: str
    layer_name: str
    inherited: Any
    reported: Any
    is_desired: bool
    is_inherited: bool
    is_reported: bool
    state: KeyState
    since: int | None
    error: str


class SettingsPatch(TypedDict):
    """A JSON merge patch (RFC 7396) of the same: null takes a key out of this layer."""

    desired: dict[str, Any]


class ShiftAnswer(TypedDict):
    """A time in which the same people are on call; times are ms since the epoch.

    Attributes:
        start: ms since the epoch, UTC
        end: ms since the epoch, UTC
    """

    start: int
    end: int
    people: list[str]


class SignIn(TypedDict):
    """E-mail address and password of a user."""

    email: str
    password: str


class SignInAnswer(TypedDict):
    """Tokens; or, where there is a second factor, a challenge and no tokens yet.

    Attributes:
        second_factor: send the challenge with a code to /auth/second-factor.
        challenge: good for that alone, and for five minutes.
    """

    second_factor: bool
    challenge: str | None
    access_token: str | None
    refresh_token: str | None
    expires_in_s: int
    must_change_password: bool


class TagChange(TypedDict):
    """Tags to add or change, and names of tags to take away; the rest stay."""

    add: NotRequired[dict[str, str]]
    remove: NotRequired[list[str]]


class TagName(TypedDict):
    """A name of tags.

    Attributes:
        devices: how many that the actor may read have it.
        values: {value: devices}, the most frequent first, VALUES at most.
    """

    name: str
    devices: int
    values: dict[str, int]


class TagTarget(TypedDict):
    """Devices with a tag; a value of null means any."""

    name: str
    value: NotRequired[str | None]


class TaskAnswer(TypedDict):
    """One run of a task. Times are ms since the epoch.

    Attributes:
        trigger: schedule, wake (something changed) or person.
        state: queued, running, succeeded, failed, canceled or lost (its worker stopped).
        actor_name: who asked for it; "schedule" or "worker" where nobody did.
        attempts: times it was begun.
        result: how much there was to do.
        retry_of: the run that this one repeats.
    """

    id: str
    name: str
    trigger: str
    state: str
    actor_name: str
    worker: str
    queued_at: int
    started_at: int | None
    ended_at: int | None
    attempts: int
    result: int | None
    error: str
    retry_of: str | None
    cancel_requested_at: int | None
    subjects: list[TaskSubjectAnswer]


class TaskSubjectAnswer(TypedDict):
    """What a run moved on.

    Attributes:
        kind: job, bulk, settings, mail, …
        actor_name: in whose name.
    """

    kind: str
    id: str
    title: str
    actor_name: str


class TimelineLine(TypedDict):
    """One line.

    Attributes:
        at: ms since the epoch.
        source: device, audit, or a provider's name.
        id: counts up within the source.
        kind: presence, hello, inventory, settings, enrolment, app_event, clone, credential;
            audit: the action; a provider's own.
        actor: who did it; "" for the device itself.
    """

    at: int
    source: str
    id: int
    kind: str
    summary: str
    actor: str
    data: dict[str, Any]


class TokenAnswer(TypedDict):
    """An enrolment token, without its text. Times are ms since the epoch.

    Attributes:
        prefix: first characters of its text, to recognise it.
    """

    id: str
    name: str
    profile: str
    group_id: int
    group_name: str
    mode: str
    reenrol: bool
    prefix: str
    max_uses: int | None
    uses: int
    created_at: int
    expires_at: int | None
    revoked_at: int | None


class TokenMade(TypedDict):
    """A new enrolment token; its text is shown now and never again."""

    id: str
    name: str
    profile: str
    group_id: int
    group_name: str
    mode: str
    reenrol: bool
    prefix: str
    max_uses: int | None
    uses: int
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    token: str | None


class TokenScope(TypedDict):
    """What a token may do on a group and those inside it, or everywhere (null)."""

    role: str | None
    permissions: list[str] | None
    group_id: int | None
    group_name: str | None


class Tokens(TypedDict):
    """Tokens to send as `Authorization: Bearer …`.

    Attributes:
        expires_in_s: life of the access token; then exchange the refresh token.
        must_change_password: the password was given by an administrator.
    """

    access_token: str
    refresh_token: str
    expires_in_s: int
    must_change_password: bool


class TryAnswer(TypedDict):
    """A sign-in, or tries that failed within a minute.

    Attributes:
        email: of the account; "" where none has what was typed.
        outcome: signed_in, wrong_password, wrong_code, disabled, unknown_account, asked_reset.
        tries: how many this line stands for.
    """

    at: int
    email: str
    address: str
    user_agent: str
    outcome: str
    second_factor: bool
    tries: int


class UploadAnswer(TypedDict):
    """A file on its way in.

    Attributes:
        size: bytes announced.
        received: bytes safe on disk: the offset of the next piece.
        expires_at: forgotten then, unless another piece comes; ms since the epoch.
    """

    id: str
    name: str
    size: int
    sha256: str
    received: int
    expires_at: int


class UserAnswer(TypedDict):
    """A user. Times are ms since the epoch.

    Attributes:
        version: counts the edits; for If-Match.
    """

    id: str
    email: str
    name: str
    must_change_password: bool
    created_at: int
    disabled_at: int | None
    last_sign_in_at: int | None
    bindings: list[BindingAnswer]
    version: int


class UserChange(TypedDict):
    """What can be changed of a user."""

    name: str


class UserMade(TypedDict):
    """A new user; the one-time password is shown now and never again."""

    id: str
    email: str
    name: str
    must_change_password: bool
    created_at: int
    disabled_at: int | None
    last_sign_in_at: int | None
    bindings: list[BindingAnswer]
    version: int
    one_time_password: str | None


class VerifiedAnswer(TypedDict):
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


class VersionCount(TypedDict):
    """How many devices have a component in a version.

    Attributes:
        newest: no device has a newer one.
    """

    version: str
    devices: int
    newest: bool


class WhoAnswer(TypedDict):
    """Who is told of the alarms of a group at a moment, first told first.

    Attributes:
        gone_to: whose list it is, or why the administrators are told.
        list_group_id: of that list, null where the administrators are told.
    """

    people: list[OnCallPerson]
    gone_to: str
    list_group_id: int | None


class Why(TypedDict):
    """The first thing that holds something back, or how it ended.

    Attributes:
        code: a key of blocked.TEXTS, the end's code, or the state in lower case.
        subject: device id or job title.
        since: ms since the epoch.
        text: one sentence for a person.
    """

    code: str
    subject: str
    since: int | None
    text: str


class WhyAnswer(TypedDict):
    """Whether somebody may do something, and why.

    Attributes:
        where: the group or device that was decided on, or `everywhere`.
        given_by: what gives the permission there; for a token its scopes.
        owner_given_by: of a token: what gives it to the owner.
        why_not: reasons; empty when allowed.
        elsewhere: what gives the permission, but not there.
        roles_that_would_do: any of them, given there.
    """

    allowed: bool
    subject_kind: str
    subject_id: str
    subject_name: str
    permission: Permission
    where: str
    given_by: list[Giver]
    owner_given_by: list[Giver]
    why_not: list[WhyNot]
    elsewhere: list[Giver]
    roles_that_would_do: list[str]


class WhyNot(TypedDict):
    """One reason why not."""

    code: str
    text: str
