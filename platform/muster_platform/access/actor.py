"""Who acts, and where with what right. Pure: no database."""

from dataclasses import dataclass, field

from muster_platform.access.permissions import Permission
from muster_platform.errors import PermissionDenied


@dataclass(frozen=True, slots=True)
class Grant:
    """A role's permissions, given somewhere.

    Attributes:
        group_path: path of the group (and those inside), or None for everywhere.
    """

    permissions: frozenset[Permission]
    group_path: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a token or the platform itself.

    Attributes:
        kind: user, token or system.
        id: user id, or the name of the part that acts.
        epoch: number of the user's rights as they were when this was built.
        request_id: ties audit entries to a request.
        session: family of the sign-in it came by; "" where it came by none.
        restriction: what it must do before anything else; see `access.restrictions`.
    """

    kind: str
    id: str
    name: str
    grants: tuple[Grant, ...] = ()
    epoch: int = 0
    request_id: str = field(default="", compare=False)
    session: str = field(default="", compare=False)
    restriction: str = ""

    def may(self, permission: Permission, group_path: str | None = None) -> bool:
        """Say whether the actor has the permission on the group (None: everywhere)."""
        return any(
            permission in grant.permissions
            and (
                grant.group_path is None
                or (group_path is not None and group_path.startswith(grant.group_path))
            )
            for grant in self.grants
        )

    def may_somewhere(self, permission: Permission) -> bool:
        """Say whether the actor has the permission on any group at all."""
        return any(permission in grant.permissions for grant in self.grants)

    def require(
        self, permission: Permission, group_path: str | None = None, group_name: str = ""
    ) -> None:
        """Refuse unless `may`.

        Raises:
            PermissionDenied: naming permission and group.
        """
        if not self.may(permission, group_path):
            name = group_name or group_path or "everywhere"
            raise PermissionDenied(permission, name, group_path)

    def require_somewhere(self, permission: Permission) -> None:
        """Refuse unless `may_somewhere`.

        Raises:
            PermissionDenied: naming the permission.
        """
        if not self.may_somewhere(permission):
            raise PermissionDenied(permission, "any group")

    def paths(self, permission: Permission) -> tuple[str, ...] | None:
        """Give the group paths the permission holds on; None means everywhere."""
        found = [grant.group_path for grant in self.grants if permission in grant.permissions]
        if None in found:
            return None
        return tuple(sorted({path for path in found if path is not None}))


def system_actor(name: str) -> Actor:
    """Make the actor of a part of the platform (sweeps, ingest): all rights, named."""
    return Actor("system", name, name, (Grant(frozenset(Permission)),))
