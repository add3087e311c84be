"""What an app has declared of updates, and the threads made of it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from muster_agent.agent_options import AgentOptions
from muster_agent.core import Core
from muster_agent.identity import Identity
from muster_agent.updates.disk import Disk
from muster_agent.updates.download import Downloader, Origin
from muster_agent.updates.engine import Parts, Updater
from muster_agent.updates.health import Health
from muster_agent.updates.installer import Installer
from muster_agent.updates.notices import Notice
from muster_agent.updates.threads import Tell, UpdateThreads
from muster_protocol.messages import Component, UpdateMode


class InstallDeclaration(NamedTuple):
    """How updates are installed here; as `Agent.install_updates` takes it."""

    installer: Installer
    health: Health
    restart: Callable[[], bool] | None
    max_starts: int


class UpdateDeclarations:
    """Both update modes, where the app has declared them."""

    def __init__(self) -> None:
        self.notify: Callable[[Notice], object] | None = None
        self.install: InstallDeclaration | None = None

    @property
    def modes(self) -> tuple[UpdateMode, ...]:
        """The modes that this device has."""
        notify = (UpdateMode.NOTIFY,) if self.notify else ()
        return (*notify, UpdateMode.INSTALL) if self.install else notify

    def inventory(self) -> Sequence[Component]:
        """Give what the installer has committed."""
        return self.install.installer.inventory() if self.install else ()

    def threads(
        self,
        core: Core,
        tell: Tell,
        options: AgentOptions,
        identity: Identity,
        leave: Callable[[], None],
        ca_file: str | None,
    ) -> UpdateThreads:
        """Make the threads that run updates.

        Args:
            ca_file: certificates that downloads are trusted by, instead of the system's.
        """
        updater = None
        if self.install is not None:
            disk = Disk()
            origin = Origin(identity.server, identity.device_id, identity.secret)
            updater = Updater(
                Parts(
                    folder=options.state_dir / "updates",
                    installer=self.install.installer,
                    downloader=Downloader(origin, disk, ca_file=ca_file),
                    disk=disk,
                    health=self.install.health,
                    restart=self.install.restart,
                    max_starts=self.install.max_starts,
                )
            )
        return UpdateThreads(core, tell, updater, self.notify, leave)
