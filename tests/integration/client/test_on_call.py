"""Who is on call, from a terminal."""

from tests.integration.client.conftest import Server, Terminal


def test_a_terminal_says_who_is_on_call_now_and_in_the_days_to_come(
    signed_in: Terminal, server: Server
) -> None:
    assert "no on-call list counts" in signed_in.run("oncall", "who").stdout
    with server.muster() as muster:
        me = muster.me()["id"]
        entries = [{"user_id": me, "days": [1, 2], "start": "08:00", "end": "20:00"}]
        away = [{"user_id": me, "start": 1_000, "end": 2_000}]
        muster.put_on_call(1, zone="Europe/Berlin", entries=entries, absences=away)
    shown = signed_in.json("oncall", "show", "1", "--days", "14")
    assert shown["names"] == {me: "Admin"}
    assert {"Admin"} == {name for shift in shown["shifts"] for name in shift["people"]}
    table = signed_in.run("oncall", "show", "1").stdout
    assert all(word in table for word in ("Europe/Berlin", "Admin", "08:00", "20:00", "1970-01-01"))
    tuesday = str(1_795_507_200_000)  # 2026-11-24 08:00 UTC
    assert [
        one["name"] for one in signed_in.json("oncall", "who", "1", "--at", tuesday)["people"]
    ] == ["Admin"]
    assert signed_in.run("oncall", "test", "1").stdout == "a test mail goes to Admin\n"
    signed_in.run("oncall", "show", "999", fails=5)
