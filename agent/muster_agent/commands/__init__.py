"""Command handlers: the registry, what a handler is given, and the built-in ones.

A built-in command is one file in this folder with a handler under `@builtin(NAME)`, and its
arguments in `muster_protocol.commands`.
"""

from muster_agent.commands.call import Canceled, CommandCall
from muster_agent.commands.registry import BUILTINS, Handler, Registry, builtin, load_builtins

__all__ = [
    "BUILTINS",
    "Canceled",
    "CommandCall",
    "Handler",
    "Registry",
    "builtin",
    "load_builtins",
]
