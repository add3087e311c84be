"""Which topics a browser may ask for, and the permission each kind needs. Pure."""

from dataclasses import dataclass

from muster_platform.access.permissions import Permission
from muster_platform.errors import InvalidInput

KIND_PERMISSION: dict[str, Permission] = {
    "presence": Permission.DEVICES_READ,
    "timeline": Permission.DEVICES_READ,
    "telemetry": Permission.TELEMETRY_READ,
    "log": Permission.LOGS_READ,
    "execution": Permission.COMMANDS_READ,
    "job": Permission.COMMANDS_READ,
    "settings": Permission.SETTINGS_READ,
    "bulk": Permission.DEVICES_READ,
    "task": Permission.TASKS_READ,
    "alarm": Permission.ALARMS_READ,
}
"""What a browser needs to hear each kind of change."""

SCOPES = ("device", "job", "fleet")
FLEET = "fleet"
TOPICS_PER_CONNECTION = 64
TOPIC_CHARS = 128


@dataclass(frozen=True, slots=True)
class Wanted:
    """One topic as a browser names it: `device:{key}:{kind}`, `job:{id}:{kind}`, `fleet:{kind}`.

    Attributes:
        scope: device, job or fleet.
        subject: key of the device or id of the job; "" for the fleet.
    """

    scope: str
    subject: str
    kind: str

    @property
    def signal_topic(self) -> str:
        """Give the topic of the platform's own signals that it hears."""
        return f"{self.scope}:{self.subject}" if self.subject else self.scope

    @property
    def permission(self) -> Permission:
        """Give the permission that it needs."""
        return KIND_PERMISSION[self.kind]

    def __str__(self) -> str:
        return f"{self.signal_topic}:{self.kind}"


def parse(text: object) -> Wanted:
    """Read a topic.

    Raises:
        InvalidInput: it is none; the detail says what a topic looks like.
    """
    if isinstance(text, str) and len(text) <= TOPIC_CHARS:
        scope, *rest = text.split(":")
        if scope == FLEET and len(rest) == 1 and rest[0] in KIND_PERMISSION:
            return Wanted(FLEET, "", rest[0])
        if scope in ("device", "job") and len(rest) == 2 and rest[1] in KIND_PERMISSION:
            subject = rest[0]
            if (scope == "device" and subject.isdecimal() and subject.isascii()) or (
                scope == "job" and subject
            ):
                return Wanted(scope, subject, rest[1])
    kinds = ", ".join(sorted(KIND_PERMISSION))
    raise InvalidInput(
        "no such topic; topics are device:KEY:KIND, job:ID:KIND and fleet:KIND, "
        f"with KIND one of {kinds}",
        where="topics",
    )
