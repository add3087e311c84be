"""Built-in roles hold the permissions of updates, alarms and tasks too."""

import sqlalchemy as sa
from alembic import op

from muster_platform.access.permissions import BUILTIN_ROLES

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ROLES = sa.table("roles", *map(sa.column, ("id", "name", "builtin")))
_PERMISSIONS = sa.table("role_permissions", *map(sa.column, ("role_id", "permission")))


def upgrade() -> None:
    connection = op.get_bind()
    for name, granted in BUILTIN_ROLES.items():
        role_id = connection.scalar(
            sa.select(_ROLES.c.id).where(_ROLES.c.name == name, _ROLES.c.builtin.is_(True))
        )
        if role_id is None:
            continue
        held = connection.scalars(
            sa.select(_PERMISSIONS.c.permission).where(_PERMISSIONS.c.role_id == role_id)
        )
        missing = sorted(set(granted) - set(held))
        if missing:
            connection.execute(
                _PERMISSIONS.insert(),
                [{"role_id": role_id, "permission": str(item)} for item in missing],
            )


def downgrade() -> None:
    # An older program grants nothing for a permission it does not know.
    pass
