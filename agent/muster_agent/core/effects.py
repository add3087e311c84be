"""What the core asks its driver to do."""

from typing import Any, NamedTuple

from muster_protocol.messages import Update


class Publish(NamedTuple):
    """Publish a message.

    Attributes:
        token: to be given to `Core.acked` when the broker acknowledged; None: no need to.
    """

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    token: int | None = None


class Start(NamedTuple):
    """Run a command handler; its end goes to `Core.finished`.

    Attributes:
        args: as sent, or the protocol's typed class where the command has one.
        resumed: True when an earlier start of the agent had begun it.
        deadline_at: when the platform gives up, ms by the server's clock; None: never.
    """

    execution: str
    name: str
    args: Any
    child: str = ""
    attempt: int = 1
    resumed: bool = False
    deadline_at: int | None = None


class StartUpdate(NamedTuple):
    """Notify the app of an update, or install it; its end goes to `Core.update_finished`.

    Attributes:
        resumed: True when an earlier start of the agent had begun it.
        deadline_at: when the platform gives up, ms by the server's clock; None: never.
    """

    execution: str
    message: Update
    resumed: bool = False
    deadline_at: int | None = None


class Cancel(NamedTuple):
    """Ask the running handler of an execution, or its update, to stop."""

    execution: str


class ApplySettings(NamedTuple):
    """Put settings into force; the outcome goes to `Core.settings_applied`."""

    version: int
    desired: dict[str, Any]


class Drop(NamedTuple):
    """Close the connection; the driver connects again."""

    reason: str


Effect = Publish | Start | StartUpdate | Cancel | ApplySettings | Drop
