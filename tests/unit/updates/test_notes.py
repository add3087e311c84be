"""Release notes cannot do anything to whoever reads them."""

import pytest

from muster_platform.updates.notes import rendered

ATTACKS = [
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&colon;alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](https://other.example/pixel.png)",
    '<img src="https://other.example/x" onerror="alert(1)">',
    '<a href="https://x" onclick="alert(1)">x</a>',
    "<style>body{background:url(https://other.example)}</style>",
    '<iframe src="https://other.example"></iframe>',
    "<svg/onload=alert(1)>",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_notes_run_nothing_and_ask_no_other_host(text: str) -> None:
    html = rendered(text)
    for tag in ("<script", "<img", "<style", "<iframe", "<svg", '<a href="https://x" on'):
        assert tag not in html.lower()
    for scheme in ('href="javascript', 'href="data'):
        assert scheme not in html.lower()


def test_notes_keep_what_people_write() -> None:
    html = rendered(
        "# New\n\n*Fast* [more](https://muster.example/x)\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    )
    assert "<h2>New</h2>" in html
    assert "<em>Fast</em>" in html
    assert 'href="https://muster.example/x" rel="noopener noreferrer nofollow"' in html
    assert "<td>1</td>" in html
