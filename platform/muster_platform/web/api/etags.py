"""Entity tags: the version for If-Match, the rest for If-None-Match.

A tag is `"VERSION-HASH"`. Only an edit moves the version; the hash moves with every byte of the
answer. So whoever edits is not disturbed by a device that said hello meanwhile, and whoever asks
again for what changed is told all of it.
"""

import hashlib

from flask import Response, request

HASH_CHARS = 16


def tag(answer: Response, version: int) -> None:
    """Give an answer its tag; a caller who has this very answer already gets 304 and no body."""
    digest = hashlib.sha256(answer.get_data()).hexdigest()[:HASH_CHARS]
    answer.set_etag(f"{version}-{digest}")
    if request.method == "GET" and request.if_none_match.contains_weak(answer.get_etag()[0] or ""):
        answer.status_code = 304
        answer.set_data(b"")
        del answer.headers["Content-Type"]
        del answer.headers["Content-Length"]
