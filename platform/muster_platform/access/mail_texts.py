"""What stands in mails: a subject, a text and an HTML template for each kind."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


def render(kind: str, **values: Any) -> tuple[str, str, str]:
    """Give subject, text and HTML of a mail; the HTML escapes every value.

    Raises:
        jinja2.TemplateNotFound: no such kind.
    """
    found = _environment()
    text = found.get_template(f"{kind}.txt").render(values)
    subject, _, body = text.partition("\n\n")
    html = found.get_template(f"{kind}.html").render(values, subject=subject.strip())
    return subject.strip(), body.strip() + "\n", html


def _one_line(value: Any) -> Any:
    """Keep a value to one line: names are people's, and a text must not be written by them."""
    return " ".join(value.split()) if type(value) is str else value


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("muster_platform.access", "mail_templates"),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        finalize=_one_line,
        trim_blocks=True,
        lstrip_blocks=True,
    )
