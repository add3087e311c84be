"""What was desired of a device so far was said of that device: it is its own layer."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE device_settings SET own = desired, own_version = version"
        " WHERE version > 0 AND own_version = 0"
    )


def downgrade() -> None:
    # What an older program reads is `desired`, and that was always kept.
    pass
