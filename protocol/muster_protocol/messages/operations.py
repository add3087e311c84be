"""Commands, updates, settings: what the platform asks and what devices answer."""

from enum import StrEnum
from typing import Annotated

import msgspec

from muster_protocol.messages.base import (
    Data,
    Id,
    Message,
    Millis,
    Name,
    Text,
    UpMessage,
    check_depth,
)
from muster_protocol.states import EXECUTION_CLAIMS, ExecutionState

Seconds = Annotated[int, msgspec.Meta(ge=1, le=10 * 365 * 86_400)]
Version = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class Action(StrEnum):
    """What to do with the execution named."""

    RUN = "run"
    CANCEL = "cancel"


class Command(Message, kw_only=True):
    """down/commands. A cancel carries execution alone.

    Attributes:
        expires_at: by the server's clock; not to be begun later than this.
        timeout_s: counted from DELIVERED.
        attempt: 1 for the first; a retry has another execution id.
    """

    action: Action
    execution: Id
    name: Annotated[str, msgspec.Meta(max_length=128)] = ""
    args: Data = {}
    issued_at: Millis | None = None
    expires_at: Millis | None = None
    timeout_s: Seconds | None = None
    attempt: Annotated[int, msgspec.Meta(ge=1)] = 1

    def __post_init__(self) -> None:
        """Refuse a run without a name, and arguments that are nested too deep."""
        check_depth("args", self.args)
        if self.action is Action.RUN and not self.name:
            raise ValueError("`name` is required to run a command")


class ErrorInfo(Message, kw_only=True):
    """Why something failed: a code for machines, a message for people."""

    code: Name
    message: Text = ""


class Report(UpMessage, kw_only=True):
    """up/commands and up/updates: a device's claim about one of its executions.

    Attributes:
        progress: 0 to 1.
    """

    execution: Id
    state: ExecutionState
    step: Annotated[str, msgspec.Meta(max_length=128)] = ""
    progress: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    message: Text = ""
    result: Data = {}
    error: ErrorInfo | None = None
    ts: Millis | None = None

    def __post_init__(self) -> None:
        """Refuse states that only the platform may give, and a result nested too deep."""
        check_depth("result", self.result)
        if self.state not in EXECUTION_CLAIMS:
            raise ValueError(f"`state` {self.state} is not a device's to claim")


class UpdateMode(StrEnum):
    """notify: the app shows it and the user acts. install: the agent does it all."""

    NOTIFY = "notify"
    INSTALL = "install"


class ReleaseComponent(Message, kw_only=True):
    """A component and the version that the release brings it to."""

    component: Name
    version: Name


class ReleaseRef(Message, kw_only=True):
    """Which release an update is about."""

    id: Id
    version: Name
    components: list[ReleaseComponent] = []


class Notification(Message, kw_only=True):
    """What a phone shows."""

    title: Text = ""
    body: Text = ""
    url: Text = ""


class Artifact(Message, kw_only=True):
    """A file to fetch over HTTPS.

    Attributes:
        size: bytes.
        sha256: 64 hex digits.
    """

    name: Name
    url: Text
    size: Annotated[int, msgspec.Meta(ge=0)]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Update(Message, kw_only=True):
    """down/updates. A cancel carries execution alone.

    Attributes:
        signature: slot for signed update metadata (TUF); not verified in this version.
    """

    action: Action
    execution: Id
    mode: UpdateMode | None = None
    release: ReleaseRef | None = None
    notification: Notification | None = None
    data: Data = {}
    artifacts: list[Artifact] = []
    not_after: Millis | None = None
    timeout_s: Seconds | None = None
    signature: Data | None = None

    def __post_init__(self) -> None:
        """Refuse a run without mode or release, and data that is nested too deep."""
        check_depth("data", self.data)
        check_depth("signature", self.signature or {})
        if self.action is Action.RUN and (self.mode is None or self.release is None):
            raise ValueError("`mode` and `release` are required to run an update")


class Settings(Message, kw_only=True):
    """down/settings, retained: the whole of what is desired."""

    version: Version
    desired: Data = {}

    def __post_init__(self) -> None:
        """Refuse settings that are nested too deep."""
        check_depth("desired", self.desired)


class SettingsReport(UpMessage, kw_only=True):
    """up/settings: what the device has in force.

    Attributes:
        version: the desired version that was applied.
        errors: {key: why it could not be applied}.
    """

    version: Version
    reported: Data = {}
    errors: dict[str, Text] = {}

    def __post_init__(self) -> None:
        """Refuse settings that are nested too deep."""
        check_depth("reported", self.reported)
