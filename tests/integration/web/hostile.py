"""Text that wants to become markup, code or a formula, and what a page is made of."""

from collections.abc import Iterable
from html.parser import HTMLParser
from typing import Any

MARKUP = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</pre><iframe src=javascript:alert(1)>",
    "<!--><script>alert(1)</script>",
    "]]><x onclick=alert(1)>",
    "<math><mtext><style><img src=x onerror=alert(1)></style>",
    "<a href=javascript:alert(1)>x</a>",
    "<base href=//evil.example/>",
)
ATTRIBUTES = (
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "x` onclick=`alert(1)",
    '" style="background:url(//evil.example)',
    '"/onpointerenter="alert(1)//',
    '\\" onload=\\"alert(1)',
)
CODE = (
    "{{ 7 * 7 }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}",
    "${7*7}#{7*7}<%= 7*7 %>",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)",
)
UNICODE = (
    "\u202e<script>alert(1)</script>",
    "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
    "<scr\u0130pt>alert(1)</scr\u0130pt>",
    "\u2028\u2029</script>alert(1)",
    "\ufeff<img src=x onerror=alert(1)>",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
)
FORMULAS = (
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    '=HYPERLINK("http://x")',
)

CORPUS = (*MARKUP, *ATTRIBUTES, *CODE, *UNICODE, *FORMULAS)

ADDRESSES = ("href", "src", "action", "formaction", "xlink:href", "data-href", "poster", "cite")
DANGEROUS = ("javascript:", "vbscript:", "data:text", "//evil")


class Skeleton(HTMLParser):
    """What a page is made of, without its text.

    Attributes:
        tags: elements in order, each with the names of its attributes.
        text: all text and all values of attributes.
        dangers: addresses that run code, and handlers.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text: list[str] = []
        self.dangers: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append((tag, tuple(sorted(name for name, _ in attrs))))
        for name, value in attrs:
            text = value or ""
            self.text.append(text)
            address = "".join(text.split()).lower()
            if name in ADDRESSES and address.startswith(DANGEROUS):
                self.dangers.append(f"<{tag} {name}={text!r}>")
            if name.startswith("on") or name in ("style", "srcdoc"):
                self.dangers.append(f"<{tag} {name}=…>")

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text.append(data)


def difference(harmless: Skeleton, hostile: Skeleton) -> str:
    """Say where two pages differ in what they are made of, "" where they do not."""
    for number, (one, other) in enumerate(zip(harmless.tags, hostile.tags, strict=False)):
        if one != other:
            return f"element {number}: {one} became {other}"
    if len(harmless.tags) != len(hostile.tags):
        return f"{len(harmless.tags)} elements became {len(hostile.tags)}"
    return ""


def shown(payload: str, pages: Iterable[Skeleton]) -> bool:
    """Say whether a payload stands somewhere as the text it is."""
    return any(payload in piece for page in pages for piece in page.text)


def fitting(payload: str, length: int | None, number: Any) -> str:
    """Give a payload for a column, made different for each row."""
    text = f"{payload} {number}"
    return text[:length]
