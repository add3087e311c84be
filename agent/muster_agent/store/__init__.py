"""What the agent keeps on disk: the spool, the journal, and a few remembered values."""

from muster_agent.store.database import Database
from muster_agent.store.journal import Entry, Journal, Phase
from muster_agent.store.memo import Memo
from muster_agent.store.spool import Row, Spool

__all__ = ["Database", "Entry", "Journal", "Memo", "Phase", "Row", "Spool"]
