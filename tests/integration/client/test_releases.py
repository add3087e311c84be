"""A release made, filled and published from a terminal."""

import hashlib

from tests.integration.client.conftest import Server, Terminal

PIECES = 8 * 1024 * 1024 + 77
"""More than one piece of an upload."""


def draft(terminal: Terminal, version: str) -> str:
    """Make a draft with notes; give its id."""
    if not any(row["name"] == "camera" for row in terminal.json("profile", "list")):
        terminal.json("profile", "create", "camera")
    notes = terminal.folder / "notes.md"
    notes.write_text("# Sharper\n\nPictures are *sharper*.\n")
    words = ("Firmware", version, "--component", f"firmware={version}", "--profile", "camera")
    made = terminal.json("releases", "create", *words, "--notes-file", str(notes))
    assert made["state"] == "DRAFT"
    assert made["missing"] == []
    return str(made["id"])


def test_a_file_of_several_pieces_comes_whole_and_is_published(
    signed_in: Terminal, server: Server
) -> None:
    release = draft(signed_in, "2.1.0")
    content = bytes(range(256)) * (PIECES // 256 + 1)
    file = signed_in.folder / "firmware.bin"
    file.write_bytes(content)
    sent = signed_in.json("releases", "upload", release, str(file), "--component", "firmware")
    assert sent["size"] == len(content)
    assert sent["sha256"] == hashlib.sha256(content).hexdigest()
    published = signed_in.json("releases", "publish", release)
    assert published["state"] == "PUBLISHED"
    shown = signed_in.json("releases", "show", release)
    assert [item["name"] for item in shown["artifacts"]] == ["firmware.bin"]
    assert "firmware.bin" in signed_in.run("releases", "show", release).stdout
    with server.muster() as muster:
        stored = muster.get_release(release)
    assert stored["state"] == "PUBLISHED"


def test_what_was_published_takes_no_other_file_and_can_be_revoked(signed_in: Terminal) -> None:
    release = draft(signed_in, "2.2.0")
    signed_in.json("releases", "publish", release)
    late = signed_in.folder / "late.bin"
    late.write_bytes(b"late")
    refused = signed_in.run("releases", "upload", release, str(late), fails=6)
    assert "muster: " in refused.stderr
    revoked = signed_in.json("releases", "revoke", release, "--reason", "burns", "--yes")
    assert (revoked["state"], revoked["reason"]) == ("REVOKED", "burns")


def test_a_draft_is_deleted_with_its_files(signed_in: Terminal) -> None:
    release = draft(signed_in, "2.3.0")
    file = signed_in.folder / "small.bin"
    file.write_bytes(b"small")
    signed_in.json("releases", "upload", release, str(file))
    assert signed_in.json("releases", "delete", release, "--yes")["deleted"] is True
    signed_in.run("releases", "show", release, fails=5)
