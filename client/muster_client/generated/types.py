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

JobState = Literal[
    "CANCELED",
    "COMPLETED",
    "DRAFT",
    "IN_PROGRESS",
    "PAUSED",
    "SCHEDULED",
    "WAITING_FOR_APPROVAL",
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
    "roles:read",
    "roles:write",
    "settings:read",
    "settings:write",
    "system:read",
    "system:write",
    "tasks:read",
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


class ApiTokenAnswer(TypedDict):
    """An API token. Times are ms since the epoch.

    Attributes:
        prefix: its text begins with `mst_` and this.
        last_used_at: at most a minute old.
        scopes: empty once it is revoked.
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


class AuditEntryAnswer(TypedDict):
    """One act of a person or token.

    Attributes:
        at: ms since the epoch.
        before, after: what the act changed.
    """

    id: int
    at: int
    actor_kind: str
    actor_id: str
    actor_name: str
    action: str
    subject_kind: str
    subject_id: str
    subject_name: str
    before: Any
    after: Any
    reason: str | None
    request_id: str


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


class ChannelView(TypedDict):
    """A channel over all boots, finished ones too.

    Attributes:
        missing: number of seqs that are awaited.
        plain: messages without a number; they are stored as well.
    """

    channel: str
    stored: int
    doubled: int
    missing: int
    quarantined: int
    lost: int
    plain: int


class Component(TypedDict):
    """One line of an inventory."""

    component: str
    version: str


class CredentialAnswer(TypedDict):
    """A device's credential, without its secret. Times are ms since the epoch.

    Attributes:
        install_id: the installation that enrolled with it.
    """

    id: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    install_id: str | None


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
    """

    token: str
    device_id: str
    install_id: str
    profile: str | None


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


class History(TypedDict):
    """Values of one metric, oldest first.

    Attributes:
        points: (ts in ms, value).
        more: there are older ones within the time asked for.
    """

    metric: str
    kind: str
    points: list[list[Any]]
    more: bool


class HomeGroup(TypedDict):
    """The group that a device belongs to."""

    id: int
    name: str
    path: str


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


class LedgerView(TypedDict):
    """The whole ledger of a device: totals by channel, and the boots that are open."""

    channels: list[ChannelView]
    boots: list[BootView]


class LeftOut(TypedDict):
    """A device that is out, and why: a code and its text."""

    device_id: str
    code: str
    why: str


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


class Me(TypedDict):
    """Who the token speaks for, and what they may do."""

    id: str
    name: str
    grants: list[Grant]


class NewApiToken(TypedDict):
    """A token of your own to be made.

    Attributes:
        days: how long it works.
        scopes: what it may do: never more than you may yourself, now or later.
    """

    name: str
    scopes: list[NewScope]
    days: NotRequired[int]


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


class NewPassword(TypedDict):
    """Another password for a user; null makes a one-time password."""

    password: NotRequired[str | None]


class NewProfile(TypedDict):
    """A profile to be made; the name never changes."""

    name: str
    title: NotRequired[str]
    contact: NotRequired[Literal["always", "periodic"]]
    expect_every_s: NotRequired[int]
    qos_down: NotRequired[int]


class NewRole(TypedDict):
    """A role to be made; the name never changes. Nobody can give permissions that they lack."""

    name: str
    permissions: list[Permission]
    title: NotRequired[str]
    description: NotRequired[str]


class NewScope(TypedDict):
    """Either a role or permissions, on a group and those inside it, or everywhere (null)."""

    role: NotRequired[str | None]
    permissions: NotRequired[list[Permission]]
    group_id: NotRequired[int | None]


class NewToken(TypedDict):
    """An enrolment token to be made.

    Attributes:
        mode: `pre_registered`: only devices that are registered; `allow_new`: others too.
        reenrol: a device that has a working secret may enrol again.
    """

    name: str
    profile: str
    group_id: int
    mode: NotRequired[Literal["allow_new", "pre_registered"]]
    max_uses: NotRequired[int | None]
    expires_at: NotRequired[int | None]
    reenrol: NotRequired[bool]


class NewUser(TypedDict):
    """A user to be made; without a password a one-time password is made."""

    email: str
    name: NotRequired[str]
    password: NotRequired[str | None]


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
        is
            given everywhere.
    """

    name: str
    words: str
    everywhere_only: bool


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


class Problem(TypedDict):
    """A problem document; an error's own members (`permission`, `group`, …) stand beside these.

    Attributes:
        type: `urn:muster:problem:` and the error's code.
        where: JSON path of the body, or name of the parameter or header at fault.
        request_id: to be quoted when asking for help; the server's log has it too.
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


class ProfileChange(TypedDict):
    """What to change; null leaves it."""

    title: NotRequired[str | None]
    contact: NotRequired[Literal["always", "periodic"] | None]
    expect_every_s: NotRequired[int | None]
    qos_down: NotRequired[int | None]


class QuarantineLine(TypedDict):
    """A message that could not be taken. Times are ms since the epoch.

    Attributes:
        reason: a code.
        detail: what was wrong with it, and where.
        size: of the payload in bytes.
    """

    id: int
    received_at: int
    topic: str
    device_id: str
    reason: str
    detail: str
    size: int


class QuarantineMessage(TypedDict):
    """A message that could not be taken, whole; the payload's bytes in base64."""

    id: int
    received_at: int
    topic: str
    device_id: str
    reason: str
    detail: str
    size: int
    payload_base64: str


class RetryAnswer(TypedDict):
    """How many new attempts there are."""

    attempts: int


class RetryRequest(TypedDict):
    """Which ends to try again; null means all unsuccessful ones."""

    states: NotRequired[list[ExecutionState] | None]
    reason: NotRequired[str]


class RevokedAnswer(TypedDict):
    """How many working secrets were ended."""

    revoked: int


class RoleAnswer(TypedDict):
    """A named set of permissions.

    Attributes:
        builtin: it cannot be changed or deleted.
        version: counts the edits; for If-Match.
    """

    name: str
    title: str
    description: str
    builtin: bool
    permissions: list[str]
    version: int


class RoleChange(TypedDict):
    """What to change; null leaves it. `permissions` replaces them all."""

    permissions: NotRequired[list[Permission] | None]
    title: NotRequired[str | None]
    description: NotRequired[str | None]


class RoleHolder(TypedDict):
    """A user who has a role, on a group and those inside it, or everywhere (null)."""

    binding_id: str
    user_id: str
    email: str
    group_id: int | None
    group_name: str | None


class Rotation(TypedDict):
    """How long the secrets before still work; 0 ends them now."""

    overlap_s: NotRequired[int]


class SecretAnswer(TypedDict):
    """A device's new secret; it is shown now and never again (null in a repeated answer)."""

    device_id: str
    secret: str | None


class SettingsAnswer(TypedDict):
    """What is desired and what the device says is in force. Times are ms since the epoch.

    Attributes:
        version: of what is desired; the ETag.
        applied_version: version that the device has taken.
        errors: {key: why it could not be taken}.
    """

    version: int
    desired: dict[str, Any]
    desired_at: int | None
    applied_version: int
    reported: dict[str, Any]
    errors: dict[str, Any]
    reported_at: int | None


class SettingsChange(TypedDict):
    """What is desired, whole."""

    desired: dict[str, Any]


class SignIn(TypedDict):
    """E-mail address and password of a user."""

    email: str
    password: str


class TagChange(TypedDict):
    """Tags to add or change, and names of tags to take away; the rest stay."""

    add: NotRequired[dict[str, str]]
    remove: NotRequired[list[str]]


class TagTarget(TypedDict):
    """Devices with a tag; a value of null means any."""

    name: str
    value: NotRequired[str | None]


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
