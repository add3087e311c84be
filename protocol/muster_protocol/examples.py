"""One example of every channel's message, as it stands in the generated document.

They are real messages, so they cannot grow stale: a field that changes breaks the import.
"""

from muster_protocol.channels import DOWN, UP, Direction
from muster_protocol.messages import (
    Action,
    AgentVersion,
    Command,
    Component,
    Event,
    ExceptionInfo,
    Hello,
    HelloAnswer,
    InventoryReport,
    Ledger,
    Level,
    Location,
    LogRecord,
    Logs,
    Message,
    Notification,
    Point,
    Presence,
    ReleaseComponent,
    ReleaseRef,
    Report,
    Settings,
    SettingsReport,
    Telemetry,
    Update,
    UpdateMode,
)
from muster_protocol.states import ExecutionState, PresenceReason

NOW = 1_767_225_600_000  # 2026-01-01T00:00:00Z
SESSION = NOW + 4_711
BOOT = "019b76da-a800-7c3e-9d6f-2f1b8a4c5e60"
EXECUTION = "019b76db-1f40-7a52-8b7e-6c0d9e8f1a2b"
INSTALLATION = "019b70a4-0000-7f11-a1b2-c3d4e5f60718"

_INVENTORY = [Component(component="app", version="2.1.0"), Component(component="os", version="14")]

EXAMPLES: dict[tuple[Direction, str], Message] = {
    (UP, "hello"): Hello(
        session=SESSION,
        install_id=INSTALLATION,
        agent=AgentVersion(name="muster-agent", version="0.1.0"),
        profile="camera",
        inventory=_INVENTORY,
        capabilities=["ping", "collect_info"],
        attributes={"os": "linux", "model": "C3", "time_zone": "Europe/Berlin"},
        running=[EXECUTION],
        unsent={BOOT: {"telemetry": 118, "logs": 7}},
        boot=BOOT,
        seq=1,
        ts=NOW,
    ),
    (UP, "presence"): Presence(session=SESSION, online=True, reason=PresenceReason.CONNECTED),
    (UP, "telemetry"): Telemetry(
        points=[
            Point(ts=NOW, values={"temperature": 21.5, "door_open": False}),
            Point(ts=NOW + 1_000, values={"place": Location(lat=52.52, lon=13.405)}),
        ],
        boot=BOOT,
        seq=117,
    ),
    (UP, "logs"): Logs(
        records=[
            LogRecord(
                ts=NOW,
                level=Level.ERROR,
                logger="uploader",
                message="cannot upload picture 12",
                fields={"picture": 12},
                exception=ExceptionInfo(type="TimeoutError", message="no answer in 10 s"),
            )
        ],
        boot=BOOT,
        seq=6,
    ),
    (UP, "events"): Event(name="user_consented", data={"to": "updates"}, ts=NOW, boot=BOOT, seq=1),
    (UP, "inventory"): InventoryReport(inventory=_INVENTORY, ts=NOW, boot=BOOT, seq=1),
    (UP, "commands"): Report(
        execution=EXECUTION,
        state=ExecutionState.SUCCEEDED,
        result={"echo": {"hello": "there"}},
        ts=NOW,
        boot=BOOT,
        seq=3,
    ),
    (UP, "updates"): Report(
        execution=EXECUTION,
        state=ExecutionState.IN_PROGRESS,
        step="DOWNLOADING",
        progress=0.4,
        ts=NOW,
        boot=BOOT,
        seq=2,
    ),
    (UP, "settings"): SettingsReport(
        version=3,
        reported={"interval_s": 60},
        errors={"resolution": "this camera has 1080p at most"},
        boot=BOOT,
        seq=1,
    ),
    (DOWN, "hello"): HelloAnswer(session=SESSION, ts=NOW, settings_version=3),
    (DOWN, "ledger"): Ledger(
        stored={BOOT: {"telemetry": 110, "logs": 6}},
        resend={BOOT: {"telemetry": [(111, 111), (114, 116)]}},
    ),
    (DOWN, "commands"): Command(
        action=Action.RUN,
        execution=EXECUTION,
        name="open_valve",
        args={"degrees": 45},
        issued_at=NOW,
        expires_at=NOW + 3_600_000,
        timeout_s=300,
    ),
    (DOWN, "updates"): Update(
        action=Action.RUN,
        execution=EXECUTION,
        mode=UpdateMode.NOTIFY,
        release=ReleaseRef(
            id="019b76dc-0000-7000-8000-000000000001",
            version="2.2.0",
            components=[ReleaseComponent(component="app", version="2.2.0")],
        ),
        notification=Notification(title="Version 2.2", body="Sharper pictures at night."),
        not_after=NOW + 7 * 86_400_000,
    ),
    (DOWN, "settings"): Settings(version=3, desired={"interval_s": 60, "resolution": "4k"}),
}
"""(direction, channel): a message of it."""

PLAIN_TELEMETRY = {"temperature": 21.5, "door_open": False}
PLAIN_LOG = {"level": "WARN", "message": "battery at 12 %"}
