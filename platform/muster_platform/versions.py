"""Versions of what people edit, so that the second of two editors hears of the first.

A table whose rows are edited has a column `version` that counts the edits. Whoever changes a row
may say which version they have read; what the platform itself learns of a row (presence, the
newest hello) counts no edit.
"""

from typing import Any, Protocol, cast

from sqlalchemy.orm import Session

from muster_platform.errors import PreconditionFailed


class Versioned(Protocol):
    """A row with a version."""

    version: int


def expect(session: Session, row: Versioned, if_version: int | None, name: str) -> None:
    """Refuse to change a row that was edited meanwhile; it stays locked for this unit.

    Args:
        if_version: version that the editor has read, None for whoever does not mind.
        name: what the row is called, for the message.

    Raises:
        PreconditionFailed: it has another version by now.
    """
    if if_version is None:
        return
    session.refresh(row, attribute_names=["version"], with_for_update=True)
    if row.version != if_version:
        raise PreconditionFailed(
            f"{name} was changed by somebody else meanwhile: it is at version {row.version} by "
            f"now, not {if_version}; read it again",
            version=row.version,
        )


def bump(session: Session, row: Versioned) -> None:
    """Count an edit; the database adds, so that two at once are counted as two."""
    row.version = cast("Any", type(row).version + 1)
    session.flush()
