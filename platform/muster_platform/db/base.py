"""Declarative base and the column types that work on SQLite and PostgreSQL alike."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Integer, MetaData, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase

Json = JSON().with_variant(JSONB(), "postgresql")
"""A JSON document."""

BigKey = BigInteger().with_variant(Integer(), "sqlite")
"""A counted primary key (SQLite counts only INTEGER PRIMARY KEY by itself)."""

Uuid = String(36)
"""A UUIDv7 in its text form: sorts by the time it was made."""


class Base(DeclarativeBase):
    """Base of all models. Times are BigInteger milliseconds since the epoch, UTC."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        int: BigInteger,
        dict[str, Any]: Json,
        list[Any]: Json,
    }
