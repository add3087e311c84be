"""Roles: the built-in ones, to be read. Custom ones come later."""

from sqlalchemy import select

from muster_platform.access.models import Role
from muster_platform.access.permissions import Permission
from muster_platform.unit import Unit


class RoleService:
    """Reads roles."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def list(self) -> list[Role]:
        """List all with their permissions, by name.

        Raises:
            PermissionDenied: without roles:read everywhere.
        """
        self._unit.actor.require(Permission.ROLES_READ)
        return list(self._unit.session.scalars(select(Role).order_by(Role.name)))
