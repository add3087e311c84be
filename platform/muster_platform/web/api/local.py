"""Calls from inside this process: the command line on the machine of the installation.

Whoever can read the state folder has every right already, so the transport says who acts. No
header can: servers put what a client sent under keys that begin with `HTTP_`.
"""

from dataclasses import replace

from flask import g, request

from muster_platform.access.actor import Actor
from muster_platform.web.context import request_id

ACTOR = "muster.actor"
"""Key of the WSGI environment under which the transport puts the actor."""


def actor() -> Actor | None:
    """Give the actor of a call from inside, None for one that came over the network."""
    found = request.environ.get(ACTOR)
    if not isinstance(found, Actor):
        return None
    here = replace(found, request_id=request_id())
    g.actor = here
    return here
