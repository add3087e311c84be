"""Hostile archives: nothing is written outside the slot, and the disk is not filled."""

import contextlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from muster_agent.updates.disk import Disk
from muster_agent.updates.errors import UpdateError
from muster_agent.updates.installer import Release
from muster_agent.updates.slots import SlotInstaller
from muster_agent.updates.unpack import unpack


def tar(path: Path, *members: tuple[str, str | bytes]) -> Path:
    """Write an archive of links (name, target) and files (name, content)."""
    with tarfile.open(path, "w") as archive:
        for name, what in members:
            member = tarfile.TarInfo(name)
            if isinstance(what, str):
                member.type, member.linkname = tarfile.SYMTYPE, what
                archive.addfile(member)
            else:
                member.size = len(what)
                archive.addfile(member, io.BytesIO(what))
    return path


@pytest.fixture
def slot(tmp_path: Path) -> Path:
    made = tmp_path / "home" / "app" / "a"
    made.mkdir(parents=True)
    return made


def everything(slot: Path) -> set[str]:
    """Give what is in the home around the slot, outside of it."""
    home = slot.parents[1]
    return {
        str(path.relative_to(home))
        for path in home.rglob("*")
        if slot not in path.parents and path not in (slot, slot.parent)
    }


LATE = (("l", "a/../.."), ("p", "."), ("q", "."), ("r", "."), ("s", "."))
"""`a` leads to p/q/r/s, which is inside; once these are made it is the slot, and `l` is above."""


def test_links_that_lead_out_together_are_not_written_through(slot: Path, tmp_path: Path) -> None:
    unpack(Disk(), "one.tar", tar(tmp_path / "1", ("a", "p/q/r/s"), *LATE), slot)
    second = tmp_path / "2"
    with zipfile.ZipFile(second, "w") as archive:
        archive.writestr("l/evil", "x")
    with pytest.raises(UpdateError, match="through a link"):
        unpack(Disk(), "two.zip", second, slot)
    with pytest.raises(UpdateError):
        unpack(Disk(), "two.tar", tar(tmp_path / "3", ("l/evil", b"x")), slot)
    with pytest.raises(UpdateError, match="through a link"):
        unpack(Disk(), "l", second, slot)
    assert everything(slot) == set()


@pytest.mark.parametrize("name", ["../evil", "/evil", "x/../../evil", ".."])
def test_a_name_that_leads_out_is_refused(slot: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / "1"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(UpdateError):
        unpack(Disk(), "one.zip", file, slot)
    with contextlib.suppress(UpdateError):  # or written inside, without its first slash
        unpack(Disk(), "one.tar", tar(tmp_path / "2", (name, b"x")), slot)
    assert everything(slot) == set()


def test_links_inside_and_executables_are_kept_and_other_rights_are_not(
    slot: Path, tmp_path: Path
) -> None:
    file = tmp_path / "1"
    with tarfile.open(file, "w") as archive:
        member = tarfile.TarInfo("bin/run")
        member.size, member.mode = 1, 0o6777
        archive.addfile(member, io.BytesIO(b"x"))
        link = tarfile.TarInfo("run")
        link.type, link.linkname = tarfile.SYMTYPE, "bin/run"
        archive.addfile(link)
    unpack(Disk(), "one.tar", file, slot)
    assert (slot / "run").read_bytes() == b"x"
    mode = (slot / "bin" / "run").stat().st_mode
    assert mode & 0o100
    assert not mode & 0o6022


class SmallDisk(Disk):
    """A disk with 4 MiB of room when it is empty."""

    written = 0

    def write(self, path: Path, data: bytes, *, append: bool = False, mode: int = 0o644) -> None:
        self.written += len(data)
        super().write(path, data, append=append, mode=mode)

    def free_bytes(self, path: Path) -> int:
        return 4 * 2**20 - self.written


def test_a_small_archive_of_endless_zeros_leaves_room_on_the_disk(
    slot: Path, tmp_path: Path
) -> None:
    file, disk = tmp_path / "1", SmallDisk()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(16 * 2**20))
    with pytest.raises(UpdateError, match="fills the disk") as refused:
        unpack(disk, "one.zip", file, slot)
    assert refused.value.code == "disk_full"
    assert disk.free_bytes(slot) >= 2**20


def test_what_could_not_be_unpacked_is_removed_again(tmp_path: Path) -> None:
    file, installer = tmp_path / "1", SlotInstaller(tmp_path / "slots", SmallDisk())
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(16 * 2**20))
    with pytest.raises(UpdateError, match="fills the disk"):
        installer.install(Release("e", "2", (), {}), {"one.zip": file})
    assert [path.name for path in (tmp_path / "slots").iterdir()] == []
