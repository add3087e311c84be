"""Commands that every full device understands: their arguments, one class each.

A command is added here (its arguments), in the agent (its handler, a file of
`muster_agent/commands/`) and nowhere else; `docs/api/asyncapi.json` is generated again.
Commands of an app need no class: their arguments are any JSON object.
"""

from enum import StrEnum
from typing import Annotated

import msgspec

from muster_protocol.messages.base import Data, Message


class CommandArgs(Message, kw_only=True):
    """Base of the arguments of a command."""


class PingArgs(CommandArgs, kw_only=True):
    """`ping`: answer with what was sent and the device's time.

    Attributes:
        echo: comes back as it is.
    """

    echo: Data = {}


class CollectInfoArgs(CommandArgs, kw_only=True):
    """`collect_info`: report the state of the machine: load, memory, disk, network, spool."""


class AgentLogLevel(StrEnum):
    """How much the agent's own process logs."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


class LogLevelArgs(CommandArgs, kw_only=True):
    """`log_level`: change the level of a logger in the agent's process.

    Attributes:
        level: the new level.
        logger: the logger's name; "" is the root.
        for_s: seconds after which the old level comes back; None: it stays until a restart.
    """

    level: AgentLogLevel
    logger: Annotated[str, msgspec.Meta(max_length=128)] = ""
    for_s: Annotated[int, msgspec.Meta(ge=1, le=7 * 86_400)] | None = None


COMMANDS: dict[str, type[CommandArgs]] = {
    "ping": PingArgs,
    "collect_info": CollectInfoArgs,
    "log_level": LogLevelArgs,
}
"""Name on the wire -> class of `args` in `down/commands`."""


def decode_args(name: str, args: Data) -> CommandArgs | Data:
    """Turn the arguments of a command into its class; those of an unknown name stay as they are.

    Raises:
        msgspec.ValidationError: a field is missing or wrong; the text names it.
    """
    kind = COMMANDS.get(name)
    return args if kind is None else msgspec.convert(args, kind)
