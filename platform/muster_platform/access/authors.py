"""Who stands behind work that goes on later: its author, with the rights of this moment."""

from sqlalchemy.orm import Session

from muster_platform.access.actor import Actor, system_actor
from muster_platform.access.auth import actor_of
from muster_platform.access.token_auth import rights_of_token
from muster_platform.access.token_models import ApiToken
from muster_platform.errors import NotAuthenticated


def present_actor(session: Session, kind: str, author_id: str) -> Actor | None:
    """Give the author of a job or bulk change as it is now.

    Args:
        kind: `user`, `token` or `system`, as the work keeps it.

    Returns:
        None where the author may do nothing any more.
    """
    if kind == "system":
        return system_actor(author_id)
    try:
        if kind == "token":
            token = session.get(ApiToken, author_id)
            return None if token is None else rights_of_token(session, token)
        return actor_of(session, author_id)
    except NotAuthenticated:
        return None
