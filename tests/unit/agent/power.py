"""A disk that loses power at a step, and an update to try it with."""

import hashlib
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

from muster_agent.core import Outcome
from muster_agent.updates import SlotInstaller, Updater
from muster_agent.updates.disk import Disk
from muster_agent.updates.download import Downloader
from muster_agent.updates.engine import Parts
from muster_protocol.messages import (
    Action,
    Artifact,
    ReleaseComponent,
    ReleaseRef,
    Update,
    UpdateMode,
)
from muster_protocol.states import UpdateStep


class PowerCut(BaseException):
    """Nothing may catch it: the machine is off."""


class FrailDisk(Disk):
    """Counts the steps; at the one chosen the power goes, before, in the midst, or after it.

    What was written and not synced is lost: the file is cut back to what was.
    """

    def __init__(
        self, at: int = -1, when: str = "before", raises: type[BaseException] = PowerCut
    ) -> None:
        self.steps = 0
        self._raises = raises
        self._at = at
        self._when = when
        self._unsynced: dict[Path, int] = {}

    def _step(self, act: Callable[[], None], half: Callable[[], None] | None = None) -> None:
        self.steps += 1
        if self.steps != self._at:
            act()
            return
        if self._when == "midst" and half is not None:
            half()
        elif self._when == "after":
            act()
        if self._raises is PowerCut:
            for path, size in self._unsynced.items():
                if path.is_file():
                    os.truncate(path, min(size, path.stat().st_size))
        raise self._raises

    def command(self, act: Callable[[], None]) -> None:
        """Run something beside the disk, which a cut may come before or after."""
        self._step(act)

    def make_folder(self, path: Path) -> None:
        self._step(lambda: super(FrailDisk, self).make_folder(path))

    def write(self, path: Path, data: bytes, *, append: bool = False, mode: int = 0o644) -> None:
        sure = path.stat().st_size if append and path.exists() else 0
        self._unsynced.setdefault(path, sure)

        def put(part: bytes) -> None:
            super(FrailDisk, self).write(path, part, append=append, mode=mode)

        self._step(lambda: put(data), lambda: put(data[: len(data) // 2]))

    def sync(self, path: Path) -> None:
        def forced() -> None:
            super(FrailDisk, self).sync(path)
            self._unsynced.pop(path, None)

        self._step(forced)

    def rename(self, old: Path, new: Path) -> None:
        assert old not in self._unsynced, f"{old} is put in place before it is on the disk"
        self._step(lambda: super(FrailDisk, self).rename(old, new))

    def link(self, path: Path, target: str) -> None:
        self._step(lambda: super(FrailDisk, self).link(path, target))

    def remove(self, path: Path) -> None:
        def some() -> None:
            for inner in sorted(path.rglob("*"))[:1] if path.is_dir() else []:
                super(FrailDisk, self).remove(inner)

        self._step(lambda: super(FrailDisk, self).remove(path), some)


class FakeDownloader(Downloader):
    """Has the bytes at hand: the network is tried elsewhere."""

    def __init__(self, disk: Disk, contents: bytes) -> None:
        self._disk = disk
        self._contents = contents

    def fetch(
        self,
        artifact: Artifact,
        target: Path,
        tell: Callable[[int], None],
        wait: Callable[[float], None],
    ) -> None:
        self._disk.write(target, self._contents)
        tell(len(self._contents))
        self._disk.sync(target)


class Told:
    """An update as the engine sees it; keeps the steps."""

    def __init__(self, message: Update) -> None:
        self.message = message
        self.steps: list[str] = []

    def step(
        self,
        step: UpdateStep,
        fraction: float | None = None,
        message: str = "",
    ) -> None:
        self.steps.append(str(step))

    def wait(self, seconds: float) -> None:
        raise AssertionError("no waiting here")


def archive(version: str) -> bytes:
    """Make an app of two files that both say its version."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as made:
        for name in ("bin/app", "lib/part"):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(version), 0o755
            made.addfile(info, io.BytesIO(version.encode()))
    return out.getvalue()


def update(version: str, contents: bytes, execution: str = "", name: str = "app.tar.gz") -> Update:
    return Update(
        action=Action.RUN,
        execution=execution or f"u-{version}",
        mode=UpdateMode.INSTALL,
        release=ReleaseRef(
            id=f"r-{version}",
            version=version,
            components=[ReleaseComponent(component="app", version=version)],
        ),
        artifacts=[
            Artifact(
                name=name,
                url=f"/{name}",
                size=len(contents),
                sha256=hashlib.sha256(contents).hexdigest(),
            )
        ],
    )


class Box:
    """A device's folders; `run` is one start of the agent."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.slots = home / "slots"
        self.problem = ""
        self.health: Callable[[], str] = lambda: self.problem
        self.max_starts = 3
        self.restart: Callable[[], bool] | None = None
        self.by_command = False

    @property
    def started(self) -> Path:
        """Holds the version of the app that runs, where it is restarted `by_command`."""
        return self.home / "started"

    def _command(self, disk: Disk) -> bool:
        def act() -> None:
            self.started.write_text(self.running())

        if isinstance(disk, FrailDisk):
            disk.command(act)
        else:
            act()
        return False

    def run(self, version: str, disk: Disk | None = None) -> tuple[Outcome | None, list[str]]:
        disk = disk or Disk()
        contents = archive(version)
        call = Told(update(version, contents))
        parts = Parts(
            folder=self.home / "state",
            installer=SlotInstaller(self.slots, disk),
            downloader=FakeDownloader(disk, contents),
            disk=disk,
            health=self.health,
            restart=(lambda: self._command(disk)) if self.by_command else self.restart,
            max_starts=self.max_starts,
        )
        return Updater(parts).run(call), call.steps

    def running(self) -> str:
        """Give the version that a start would run: both files must be of it."""
        files = [self.slots / "current" / name for name in ("bin/app", "lib/part")]
        versions = {file.read_text() for file in files}
        assert len(versions) == 1
        return versions.pop()

    def inventory(self) -> list[str]:
        return [item.version for item in SlotInstaller(self.slots).inventory()]
