"""Two folders, `a` and `b`: one is in use, the other is written.

`current` is a symbolic link to the slot that runs, `good` one to the slot that was last found
healthy. They differ only while a new one is tried; each is replaced in one step.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from muster_agent.updates.disk import Disk
from muster_agent.updates.installer import Release
from muster_agent.updates.unpack import unpack
from muster_protocol.messages import Component

MANIFEST = ".muster.json"
SLOTS = ("a", "b")
_RESERVE_BYTES = 1024 * 1024


class Manifest(msgspec.Struct, kw_only=True):
    """What a slot holds, written last: a slot without it was never finished."""

    execution: str
    version: str
    components: list[Component] = []


class SlotInstaller:
    """The installer that comes with the agent.

    Args:
        folder: holds `a`, `b`, `current` and `good`; the app is started from `current`.
    """

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self.folder = folder
        self._disk = disk or Disk()

    @property
    def current(self) -> Path:
        """The link to the slot that runs."""
        return self.folder / "current"

    @property
    def good(self) -> Path:
        """The link to the slot last found healthy."""
        return self.folder / "good"

    def _slot(self, link: Path) -> str | None:
        try:
            name = os.readlink(link)
        except OSError:
            return None
        return name if name in SLOTS else None

    def _other(self) -> str:
        """Give the slot that is not the good one."""
        return "b" if self._slot(self.good) == "a" else "a"

    def room(self, size: int) -> str:
        """As Installer: an unpacked archive may need more, which `install` finds out."""
        free = self._disk.free_bytes(self.folder)
        needed = size + _RESERVE_BYTES
        if free >= needed:
            return ""
        return f"{self.folder}: {needed} bytes are needed for the new slot, {free} are free"

    def install(self, release: Release, files: Mapping[str, Path]) -> None:
        """Write the slot that is not in use, from nothing."""
        disk, name = self._disk, self._other()
        slot = self.folder / name
        disk.make_folder(self.folder)
        disk.remove(slot)
        disk.make_folder(slot)
        try:
            for artifact, file in files.items():
                unpack(disk, artifact, file, slot)
        except Exception:
            disk.remove(slot)  # nobody can use it, and it may be what fills the disk
            raise
        manifest = Manifest(
            execution=release.execution,
            version=release.version,
            components=list(release.components),
        )
        for path in sorted(_folders(slot), reverse=True):
            disk.sync(path)
        disk.replace_file(slot / MANIFEST, msgspec.json.encode(manifest))
        disk.sync(self.folder)

    def activate(self, release: Release) -> None:  # noqa: ARG002
        """Let `current` point to the new slot."""
        self._disk.point(self.current, self._other())

    def commit(self, release: Release) -> None:
        """Let `good` point to the new slot; called again it finds that done."""
        name = self._slot(self.current)
        manifest = self._manifest(self.current)
        if name is not None and manifest is not None and manifest.execution == release.execution:
            try:
                self._disk.point(self.good, name)
            except OSError:
                # Moved and perhaps not yet on the disk: there is no old one to go back to.
                if self._slot(self.good) != name:
                    raise

    def roll_back(self, release: Release) -> None:  # noqa: ARG002
        """Let `current` point to the good slot again; without one, to none."""
        name = self._slot(self.good)
        if name is not None:
            if self._slot(self.current) != name:
                self._disk.point(self.current, name)
        elif self.current.is_symlink():
            self._disk.remove(self.current)
            self._disk.sync(self.folder)

    def _manifest(self, slot: Path) -> Manifest | None:
        try:
            return msgspec.json.decode((slot / MANIFEST).read_bytes(), type=Manifest)
        except (OSError, msgspec.DecodeError):
            return None

    def inventory(self) -> Sequence[Component]:
        """Give the components of the good slot."""
        manifest = self._manifest(self.good)
        return manifest.components if manifest else ()


def _folders(root: Path) -> Iterator[Path]:
    yield root
    for path in root.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            yield path
