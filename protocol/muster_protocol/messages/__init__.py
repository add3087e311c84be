"""Every message of the protocol, one msgspec struct each."""

from muster_protocol.messages.base import Message, UpMessage
from muster_protocol.messages.logs import (
    LEVEL_NUMBER,
    Event,
    ExceptionInfo,
    Level,
    LogRecord,
    Logs,
)
from muster_protocol.messages.operations import (
    Action,
    Artifact,
    Command,
    ErrorInfo,
    Notification,
    ReleaseComponent,
    ReleaseRef,
    Report,
    Settings,
    SettingsReport,
    Update,
    UpdateMode,
)
from muster_protocol.messages.presence import (
    AgentVersion,
    Component,
    Hello,
    HelloAnswer,
    InventoryReport,
    Ledger,
    Presence,
)
from muster_protocol.messages.telemetry import Location, Point, Telemetry, Value

__all__ = [
    "LEVEL_NUMBER",
    "Action",
    "AgentVersion",
    "Artifact",
    "Command",
    "Component",
    "ErrorInfo",
    "Event",
    "ExceptionInfo",
    "Hello",
    "HelloAnswer",
    "InventoryReport",
    "Ledger",
    "Level",
    "Location",
    "LogRecord",
    "Logs",
    "Message",
    "Notification",
    "Point",
    "Presence",
    "ReleaseComponent",
    "ReleaseRef",
    "Report",
    "Settings",
    "SettingsReport",
    "Telemetry",
    "UpMessage",
    "Update",
    "UpdateMode",
    "Value",
]
