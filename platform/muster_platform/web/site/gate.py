"""The gate of every page: who is there, a unit of work in their name, where to go on to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import flash, redirect, request, url_for
from flask_admin import BaseView
from werkzeug.wrappers import Response

from muster_platform.access.actor import Actor
from muster_platform.errors import Conflict, InvalidInput, MusterError, PreconditionFailed
from muster_platform.unit import Unit
from muster_platform.web import auth
from muster_platform.web.context import platform

FETCH_HEADER = "X-Requested-With"

TELLABLE = (InvalidInput, Conflict, PreconditionFailed)
"""Refusals that belong beside the form; all others are pages of their own."""


def actor() -> Actor:
    """Give the signed-in person.

    Raises:
        NotAuthenticated: nobody is signed in: the error page sends to the sign-in.
    """
    return auth.current_actor()


@contextmanager
def reading() -> Iterator[Unit]:
    """Open a unit of work that only reads, in the signed-in person's name."""
    with platform().unit(actor(), write=False) as unit:
        yield unit


@contextmanager
def writing() -> Iterator[Unit]:
    """Open a unit of work that is committed at its end, in the signed-in person's name."""
    with platform().unit(actor()) as unit:
        yield unit


def safe_next(target: str | None, default: str = "admin.index") -> str:
    """Give an address of our own site to go on to; whatever else was asked for is ignored."""
    return target if target and is_ours(target) else url_for(default)


def is_ours(target: str) -> bool:
    """Say whether an address is a path of our own site, as browsers read it.

    They drop tabs and ends of lines and take a backslash for a slash; `http:x` is another host.
    """
    if not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return False
    parts = urlsplit(target)
    return not parts.netloc and not parts.scheme and target.isprintable()


def query(path: str, **changes: str | None) -> str:
    """Give an address with the present query string and these changes (None: left out)."""
    kept = [(key, value) for key, value in request.args.items(multi=True) if key not in changes]
    given = [(key, value) for key, value in changes.items() if value is not None]
    return f"{path}?{urlencode(kept + given)}" if kept or given else path


def older(cursor: str | None) -> str:
    """Give the address of the next page of the present list, "" on the last page."""
    return query(request.path, cursor=cursor) if cursor else ""


def is_fetch() -> bool:
    """Say whether a script of the page asks, and not the person by going somewhere."""
    return request.headers.get(FETCH_HEADER) == "fetch"


def act(do: Callable[[Unit], Any], done: str, back: str) -> Response:
    """Do one thing in a unit of work, say how it went, and go back.

    Args:
        do: what to do.
        done: what to say when it is done.
        back: address to go to in either case.

    Raises:
        MusterError: refusals that are pages of their own (403, 404, …).
    """
    try:
        with writing() as unit:
            do(unit)
    except TELLABLE as error:
        flash(sentence(error), "error")
    else:
        flash(done, "success")
    return redirect(back)


def sentence(error: MusterError) -> str:
    """Write an error's detail as a sentence."""
    text = error.detail.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


class SiteView(BaseView):
    """Base of all pages behind the sign-in."""

    def is_accessible(self) -> bool:
        """Let signed-in people in; services decide about the rest.

        Raises:
            NotAuthenticated: nobody is signed in.
            CrossSite: a form came without its CSRF token.
        """
        actor()
        return True

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call the page once; Flask-Admin calls it again after any TypeError inside it.

        Raises:
            InvalidInput: Flask-Admin would go on to another site afterwards (`url`).
        """
        back = request.values.get("url")
        if back and not is_ours(back):
            raise InvalidInput("the address to go back to is not one of this site", where="url")
        return fn(self, *args, **kwargs)

    def render(self, template: str, **kwargs: Any) -> str:
        """Render a page with the person it is for."""
        kwargs.setdefault("actor", actor())
        kwargs.setdefault("here", request.full_path.rstrip("?"))
        return str(super().render(template, **kwargs))
