"""The tests of the database's log store, word for word, put to Elasticsearch."""

from tests.integration.logs.test_narrowing import *  # noqa: F403
from tests.integration.logs.test_search import *  # noqa: F403
