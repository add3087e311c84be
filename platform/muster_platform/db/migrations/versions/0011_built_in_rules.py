"""Every installation has rules for its devices and for the platform's own parts."""

import time

import sqlalchemy as sa
from alembic import op

from muster_platform.alerts.builtin import BUILTIN_RULES
from muster_platform.alerts.models import Rule
from muster_protocol.ids import uuid7

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_RULES = sa.table(
    "rules",
    *map(sa.column, ("id", "name", "kind", "severity", "group_path", "enabled", "builtin")),
    *map(sa.column, ("author_kind", "author_id", "author_name", "due_at", "problem", "version")),
    *map(sa.column, ("created_at", "updated_at")),
    *(sa.column(name, Rule.__table__.c[name].type) for name in ("params", "device_filter")),
    *(sa.column(name, Rule.__table__.c[name].type) for name in ("labels", "remembered")),
)


def upgrade() -> None:
    now = time.time_ns() // 1_000_000
    rows = [
        {
            "id": uuid7(),
            "name": rule.name,
            "kind": rule.kind,
            "severity": str(rule.severity),
            "group_path": "1/",
            "enabled": True,
            "builtin": rule.key,
            "author_kind": "system",
            "author_id": "muster",
            "author_name": "muster",
            "due_at": 0,
            "problem": "",
            "version": 1,
            "created_at": now,
            "updated_at": now,
            "params": rule.params,
            "device_filter": {},
            "labels": {},
            "remembered": {},
        }
        for rule in BUILTIN_RULES
    ]
    op.get_bind().execute(_RULES.insert(), rows)


def downgrade() -> None:
    op.get_bind().execute(_RULES.delete().where(_RULES.c.builtin.is_not(None)))
