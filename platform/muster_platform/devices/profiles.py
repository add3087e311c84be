"""Profiles: the types of devices, with how often each is expected to speak."""

import re
from collections.abc import Mapping
from typing import Literal

from sqlalchemy import func, select

from muster_platform import versions
from muster_platform.access import audit
from muster_platform.access.permissions import Permission
from muster_platform.db.text import clean
from muster_platform.devices.models import Device, EnrolmentToken, Profile
from muster_platform.devices.profile_limits import check_limits, limits_of
from muster_platform.errors import Conflict, InvalidInput, NotFound
from muster_platform.unit import Unit
from muster_protocol.limits import EXPECT_EVERY_S

Contact = Literal["always", "periodic"]
CONTACTS: tuple[Contact, ...] = ("always", "periodic")
TITLE_CHARS = 128
EXPECT_S = range(5, 366 * 86_400)
"""Silence that a profile may allow, in seconds."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class ProfileService:
    """Reads and changes profiles; they have no group and need a binding everywhere."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def create(
        self,
        name: str,
        title: str = "",
        contact: str = "always",
        expect_every_s: int = EXPECT_EVERY_S,
        qos_down: int = 1,
        limits: Mapping[str, object] | None = None,
    ) -> Profile:
        """Make a profile.

        Args:
            name: as devices say it in their hello; never changes.
            contact: `always` (a lost connection is OFFLINE) or `periodic` (it is SLEEPING).
            expect_every_s: silence after which a full device speaks by itself.
            qos_down: QoS of commands and updates, 0, 1 or 2.
            limits: {name: value} as in profile_limits; those not named have their default.

        Raises:
            PermissionDenied: without profiles:write everywhere.
            InvalidInput: names the field that does not fit.
            Conflict: the name is taken.
        """
        self._unit.actor.require(Permission.PROFILES_WRITE)
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                f"a profile's name is letters, digits, . _ - (at most 64): {name[:80]!r}",
                where="name",
            )
        if self._session.scalar(select(Profile.id).where(Profile.name == name)) is not None:
            raise Conflict(f"there is a profile {name} already", code="exists")
        profile = Profile(
            name=name,
            title=_title(title or name),
            contact=_contact(contact),
            expect_every_s=_expect(expect_every_s),
            qos_down=_qos(qos_down),
            created_at=self._unit.now(),
            **check_limits(limits or {}),
        )
        self._session.add(profile)
        self._session.flush()
        self._note("profile.create", profile, after=_describe(profile))
        return profile

    def get(self, name_or_id: str | int) -> Profile:
        """Get one by name or id.

        Raises:
            PermissionDenied: without profiles:read everywhere.
            NotFound: no such profile.
        """
        self._unit.actor.require(Permission.PROFILES_READ)
        return find_profile(self._unit, name_or_id)

    def list(self) -> list[Profile]:
        """List all by name.

        Raises:
            PermissionDenied: without profiles:read everywhere.
        """
        self._unit.actor.require(Permission.PROFILES_READ)
        return list(self._session.scalars(select(Profile).order_by(Profile.name)))

    def count_devices(self) -> dict[int, int]:
        """Count the devices of each profile, by the profile's id; none where there are none.

        Raises:
            PermissionDenied: without profiles:read everywhere.
        """
        self._unit.actor.require(Permission.PROFILES_READ)
        rows = self._session.execute(
            select(Device.profile_id, func.count())
            .where(Device.deleted_at.is_(None))
            .group_by(Device.profile_id)
        )
        return {int(profile_id): int(count) for profile_id, count in rows}

    def update(
        self,
        name_or_id: str | int,
        *,
        title: str | None = None,
        contact: str | None = None,
        expect_every_s: int | None = None,
        qos_down: int | None = None,
        limits: Mapping[str, object] | None = None,
        if_version: int | None = None,
    ) -> Profile:
        """Change what is given; the presence of its devices is judged by it from then on.

        Args:
            limits: {name: value} of those to change, as in profile_limits.
            if_version: refuse unless this is the present version.

        Raises:
            PermissionDenied, InvalidInput: as `create`.
            NotFound: no such profile.
        """
        self._unit.actor.require(Permission.PROFILES_WRITE)
        profile = find_profile(self._unit, name_or_id)
        versions.expect(self._session, profile, if_version, f"the profile {profile.name}")
        before = _describe(profile)
        if title is not None:
            profile.title = _title(title)
        if contact is not None:
            profile.contact = _contact(contact)
        if expect_every_s is not None:
            profile.expect_every_s = _expect(expect_every_s)
        if qos_down is not None:
            profile.qos_down = _qos(qos_down)
        for limit, value in check_limits(limits or {}).items():
            setattr(profile, limit, value)
        after = _describe(profile)
        if after != before:
            versions.bump(self._session, profile)
            self._note("profile.update", profile, before=before, after=after)
        return profile

    def delete(self, name_or_id: str | int) -> None:
        """Delete a profile that nothing uses.

        Raises:
            PermissionDenied: without profiles:write everywhere.
            NotFound: no such profile.
            Conflict: devices (deleted ones keep their history too) or tokens use it.
        """
        self._unit.actor.require(Permission.PROFILES_WRITE)
        profile = find_profile(self._unit, name_or_id)
        for model, what in ((Device, "devices"), (EnrolmentToken, "enrolment tokens")):
            count = self._session.scalar(
                select(func.count()).select_from(model).where(model.profile_id == profile.id)
            )
            if count:
                raise Conflict(f"{count} {what} use the profile {profile.name}", code="in_use")
        self._note("profile.delete", profile, before=_describe(profile))
        self._session.delete(profile)
        self._session.flush()

    def _note(
        self, action: str, profile: Profile, before: object = None, after: object = None
    ) -> None:
        audit.record(
            self._unit, action, "profile", profile.id, profile.name, before=before, after=after
        )


def find_profile(unit: Unit, name_or_id: str | int) -> Profile:
    """Load a profile by name or id, whoever asks.

    Raises:
        NotFound: no such profile.
    """
    if isinstance(name_or_id, int):
        profile = unit.session.get(Profile, name_or_id)
    else:
        profile = unit.session.scalar(select(Profile).where(Profile.name == name_or_id))
    if profile is None:
        raise NotFound("profile", name_or_id)
    return profile


def _describe(profile: Profile) -> dict[str, object]:
    names = ("title", "contact", "expect_every_s", "qos_down")
    return {name: getattr(profile, name) for name in names} | limits_of(profile)


def _title(title: str) -> str:
    text = clean(title).strip()
    if not text or len(text) > TITLE_CHARS:
        raise InvalidInput(f"a title has 1 to {TITLE_CHARS} characters", where="title")
    return text


def _contact(contact: str) -> str:
    if contact not in CONTACTS:
        raise InvalidInput(f"contact is one of {', '.join(CONTACTS)}", where="contact")
    return contact


def _expect(seconds: int) -> int:
    if seconds not in EXPECT_S:
        raise InvalidInput(
            f"expect_every_s is {EXPECT_S.start} to {EXPECT_S.stop - 1} seconds",
            where="expect_every_s",
        )
    return seconds


def _qos(qos: int) -> int:
    if qos not in (0, 1, 2):
        raise InvalidInput("qos_down is 0, 1 or 2", where="qos_down")
    return qos
