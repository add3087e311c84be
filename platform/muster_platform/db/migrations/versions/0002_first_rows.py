"""Root group, built-in roles, and telemetry's default partition on PostgreSQL."""

import time

import sqlalchemy as sa
from alembic import op

from muster_platform.access.permissions import BUILTIN_ROLES
from muster_protocol.ids import uuid7

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    now = time.time_ns() // 1_000_000
    groups = sa.table("groups", *map(sa.column, ("parent_id", "name", "path", "created_at")))
    connection.execute(
        groups.insert().values(parent_id=None, name="Fleet", path="1/", created_at=now)
    )
    roles = sa.table("roles", *map(sa.column, ("id", "name", "builtin")))
    permissions = sa.table("role_permissions", *map(sa.column, ("role_id", "permission")))
    for name, granted in BUILTIN_ROLES.items():
        role_id = uuid7()
        connection.execute(roles.insert().values(id=role_id, name=name, builtin=True))
        connection.execute(
            permissions.insert(),
            [{"role_id": role_id, "permission": str(item)} for item in sorted(granted)],
        )
    if connection.dialect.name == "postgresql":
        op.execute("CREATE TABLE telemetry_default PARTITION OF telemetry DEFAULT")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TABLE telemetry_default")
    op.execute("DELETE FROM role_permissions")
    op.execute("DELETE FROM roles WHERE builtin")
    op.execute("DELETE FROM groups")
