"""Installing updates: download, verify, put into the slot not in use, try, commit or roll back.

All that is written goes through `disk.Disk`, so that a test can cut the power at each step.
"""

from muster_agent.updates.download import Downloader, Origin
from muster_agent.updates.engine import Updater
from muster_agent.updates.errors import UpdateError
from muster_agent.updates.health import health_command
from muster_agent.updates.installer import Installer, Release
from muster_agent.updates.notices import Notice
from muster_agent.updates.slots import SlotInstaller

__all__ = [
    "Downloader",
    "Installer",
    "Notice",
    "Origin",
    "Release",
    "SlotInstaller",
    "UpdateError",
    "Updater",
    "health_command",
]
