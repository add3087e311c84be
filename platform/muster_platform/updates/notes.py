"""Release notes: Markdown made HTML that cannot do anything."""

import nh3
from markdown_it import MarkdownIt

TAGS = frozenset(
    {
        *("p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "code"),
        *("strong", "em", "s", "del", "ul", "ol", "li", "a"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }
)
SCHEMES = frozenset({"http", "https", "mailto"})
_HEADINGS = {"h1": "h2"}


def rendered(markdown: str) -> str:
    """Give notes as HTML.

    What is raw HTML in them is shown as text; links lead out with `noopener noreferrer`; images
    are left out: a page makes no request to another host.
    """
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(
        ["table", "strikethrough"]
    )
    html = parser.render(markdown)
    for heading, instead in _HEADINGS.items():
        html = html.replace(f"<{heading}>", f"<{instead}>").replace(
            f"</{heading}>", f"</{instead}>"
        )
    return nh3.clean(
        html,
        tags=set(TAGS),
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes=set(SCHEMES),
        link_rel="noopener noreferrer nofollow",
    )
