"""What every engine keeps to."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from muster_platform.db.engine import make_engine


def test_errors_do_not_show_values_since_they_end_in_logs(database_url: str) -> None:
    engine = make_engine(database_url)
    insert = text("INSERT INTO kept (id, hash) VALUES (1, :hash)")
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE kept (id INTEGER PRIMARY KEY, hash TEXT)"))
        connection.execute(insert, {"hash": "another"})
        with pytest.raises(DBAPIError) as caught:
            connection.execute(insert, {"hash": "$7$101$secret"})
    engine.dispose()
    assert "INSERT INTO kept" in str(caught.value)
    assert "$7$101$secret" not in str(caught.value)
