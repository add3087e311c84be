"""What an integrator may put in place of the slots: RAUC, a package manager, firmware."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from muster_protocol.messages import Component


class Release(NamedTuple):
    """What is to be installed.

    Attributes:
        components: as the platform expects them in the inventory afterwards.
        data: the release's data for the app.
    """

    execution: str
    version: str
    components: Sequence[Component]
    data: Mapping[str, object]


class Installer(Protocol):
    """Puts a release on the device, and takes it back.

    The updater writes down what it is about to call before it calls it, and calls it again
    after a power cut: every method must do no harm when called twice. What it raises fails the
    update; in `activate` and `commit` that is followed by `roll_back`.
    """

    def room(self, size: int) -> str:
        """Say why files of `size` bytes cannot be installed ("disk is full …"); "": they can."""

    def install(self, release: Release, files: Mapping[str, Path]) -> None:
        """Write the verified files (by artifact name) where they do not disturb what runs."""

    def activate(self, release: Release) -> None:
        """Make the next start use the new one."""

    def commit(self, release: Release) -> None:
        """Keep the new one: it is healthy. What it raises says that the old one is still kept."""

    def roll_back(self, release: Release) -> None:
        """Use the old one again."""

    def inventory(self) -> Sequence[Component]:
        """Give what is committed; components that it does not know are left out."""
