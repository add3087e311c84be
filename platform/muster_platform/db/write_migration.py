"""Writes the next migration from what the models say and the migrations so far do not.

``make migration NAME="remember the battery"``; what it wrote is read and mended by a person.
"""

import sys
from tempfile import TemporaryDirectory

from alembic import command

from muster_platform.db import migrate
from muster_platform.db.engine import make_engine


def write(name: str) -> str:
    """Write `NNNN_name.py` into migrations/versions.

    Args:
        name: what the migration does, in a few words.

    Returns:
        The new revision, four digits.
    """
    revision = f"{int(migrate.head()) + 1:04}"
    with TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{folder}/present.db")
        migrate.upgrade(engine)
        config = migrate.configuration(engine)
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        command.revision(config, message=name, autogenerate=True, rev_id=revision)
        engine.dispose()
    return revision


if __name__ == "__main__":
    print(f"wrote migration {write(' '.join(sys.argv[1:]))}: read it before you commit it")
