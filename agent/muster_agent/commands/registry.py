"""Which commands this device has, and running one handler to its outcome."""

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from muster_agent.commands.call import Canceled, CommandCall
from muster_agent.core.desk import Outcome, failed
from muster_agent.core.executions import CommandSpec
from muster_agent.errors import ConfigError, Rejected
from muster_protocol.messages import UpdateMode
from muster_protocol.states import ExecutionState

Function = Callable[[CommandCall], dict[str, Any] | None]


class Handler(NamedTuple):
    """A handler and what is declared of it."""

    spec: CommandSpec
    function: Function


BUILTINS: dict[str, Handler] = {}
"""Filled by `builtin`, when the files of this folder are imported."""


def builtin(
    name: str, *, cancelable: bool = False, resumable: bool = False
) -> Callable[[Function], Function]:
    """Declare the handler of a built-in command."""

    def declare(function: Function) -> Function:
        BUILTINS[name] = Handler(CommandSpec(name, cancelable, resumable), function)
        return function

    return declare


def load_builtins() -> dict[str, Handler]:
    """Import every file of this folder and give the built-in commands."""
    package = importlib.import_module("muster_agent.commands")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"muster_agent.commands.{module.name}")
    return dict(BUILTINS)


class Registry:
    """The handlers of a device and of its children, by name."""

    def __init__(self, builtins: dict[str, Handler]) -> None:
        self._handlers = {("", name): handler for name, handler in builtins.items()}

    def add(
        self,
        name: str,
        function: Function,
        *,
        cancelable: bool = False,
        resumable: bool = False,
        child: str = "",
    ) -> None:
        """Add a command; one of the same name takes its place.

        Raises:
            ConfigError: the name is empty or too long, or that of an update mode (a hello
                announces both in one list).
        """
        if not 1 <= len(name) <= 128:
            raise ConfigError(f"command name {name!r}: 1 to 128 characters are allowed")
        if name in tuple(UpdateMode):
            raise ConfigError(f"command name {name!r} is the name of an update mode")
        self._handlers[child, name] = Handler(CommandSpec(name, cancelable, resumable), function)

    def find(self, child: str, name: str) -> CommandSpec | None:
        """Give what is declared of a command; None: there is none."""
        handler = self._handlers.get((child, name))
        return handler.spec if handler else None

    def names(self, child: str) -> list[str]:
        """List the commands of the device ("") or of a child."""
        return sorted(name for owner, name in self._handlers if owner == child)

    def run(self, call: CommandCall) -> Outcome:
        """Run a handler; whatever it raises becomes an outcome."""
        handler = self._handlers.get((call.child, call.name))
        if handler is None:
            return failed("unknown_command", f"this device has no command {call.name!r}")
        try:
            result = handler.function(call)
            # Checked here, so that an odd result fails this command and not the journal.
            checked = {} if result is None else msgspec.json.decode(msgspec.json.encode(result))
        except Rejected as error:
            return failed(error.code, str(error), ExecutionState.REJECTED)
        except Canceled as error:
            return failed("canceled", str(error), ExecutionState.CANCELED)
        except Exception as error:
            return failed(type(error).__name__, str(error) or type(error).__name__)
        if not isinstance(checked, dict):
            return failed("bad_result", f"the handler gave a {type(result).__name__}, not a dict")
        return Outcome(ExecutionState.SUCCEEDED, result=checked)
