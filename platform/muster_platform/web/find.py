"""One question over everything that has a name: devices, people, jobs, releases, groups.

Each kind is asked through its own service, so that whoever asks finds what they may see, and kinds
that they may not see at all are not even asked.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from muster_platform.access.groups import GroupService
from muster_platform.access.permissions import Permission
from muster_platform.access.users import UserFilter, UserService
from muster_platform.db.text import clean
from muster_platform.devices.filters import DeviceFilter
from muster_platform.devices.service import DeviceService
from muster_platform.jobs.service import JobFilter, JobService
from muster_platform.paging import PageRequest
from muster_platform.unit import Unit
from muster_platform.updates.releases import ReleaseFilter, ReleaseService, label
from muster_platform.web.allowed import is_allowed

TEXT_CHARS = 200
SIZE = 5
SIZE_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One thing that was found.

    Attributes:
        kind: device, user, job, release or group.
        id: by which its own page and route call it.
        detail: what tells it from others of that name.
    """

    kind: str
    id: str
    name: str
    detail: str


def find(unit: Unit, text: str, size: int = SIZE) -> list[Hit]:
    """Give what has the words in its name, at most `size` of each kind."""
    wanted = clean(text).strip()[:TEXT_CHARS]
    if not wanted:
        return []
    return [
        hit
        for permission, search in KINDS
        if is_allowed(unit.actor, permission)
        for hit in search(unit, wanted, size)
    ]


def _devices(unit: Unit, text: str, size: int) -> Iterator[Hit]:
    for device in DeviceService(unit).list(DeviceFilter(search=text), PageRequest(size)).items:
        name = device.display_name or device.device_id
        detail = device.group.name if name == device.device_id else device.device_id
        yield Hit(kind="device", id=device.device_id, name=name, detail=detail)


def _people(unit: Unit, text: str, size: int) -> Iterator[Hit]:
    for user in UserService(unit).page(UserFilter(text=text), PageRequest(size)).items:
        yield Hit(kind="user", id=user.id, name=user.name, detail=user.email)


def _jobs(unit: Unit, text: str, size: int) -> Iterator[Hit]:
    for job in JobService(unit).list(JobFilter(search=text), PageRequest(size)).items:
        yield Hit(kind="job", id=job.id, name=job.title, detail=job.author_name)


def _releases(unit: Unit, text: str, size: int) -> Iterator[Hit]:
    for release in ReleaseService(unit).list(ReleaseFilter(text=text), PageRequest(size)).items:
        state = release.state.lower()
        yield Hit(kind="release", id=release.id, name=label(release), detail=state)


def _groups(unit: Unit, text: str, size: int) -> Iterator[Hit]:
    words = text.lower().split()
    found = [
        group
        for group in GroupService(unit).list()
        if all(word in group.name.lower() for word in words)
    ]
    for group in found[:size]:
        yield Hit(kind="group", id=str(group.id), name=group.name, detail="")


KINDS: tuple[tuple[Permission, Callable[[Unit, str, int], Iterator[Hit]]], ...] = (
    (Permission.DEVICES_READ, _devices),
    (Permission.USERS_READ, _people),
    (Permission.COMMANDS_READ, _jobs),
    (Permission.RELEASES_READ, _releases),
    (Permission.GROUPS_READ, _groups),
)
"""What is needed to look for a kind, and how it is done; in the order of the results."""
