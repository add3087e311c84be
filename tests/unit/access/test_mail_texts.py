"""Names in mails: whatever is in them, they add no line and no header."""

from muster_platform.access.mail_texts import render

EVIL = "North\r\n\r\nYour password expires today:\nhttps://evil.example/\u2028x"


def test_a_name_adds_no_lines_to_subject_or_text() -> None:
    known = {"public_url": "https://muster.example", "name": "ana", "by": EVIL}
    subject, text, html = render("alarm_test", group=EVIL, **known)
    _, plain, _ = render("alarm_test", group="North", **{**known, "by": "root"})
    assert subject.splitlines() == [subject]
    assert len(text.splitlines()) == len(plain.splitlines())
    assert not any(line.startswith(("Your", "https")) for line in text.splitlines())
    assert "North Your password" in html
