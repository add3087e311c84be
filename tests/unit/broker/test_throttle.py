"""The log's throttle: few lines of a kind, none uncounted."""

from muster_broker.embedded.logs import Throttle


def test_a_flood_is_cut_and_counted() -> None:
    now_s = [0.0]
    throttle = Throttle(lambda: now_s[0])
    allowed = [throttle.allow("malformed") for _ in range(1_000)]
    assert allowed[:20] == [0] * 20
    assert set(allowed[20:]) == {None}
    assert throttle.allow("other") == 0
    now_s[0] = 11.0
    assert throttle.allow("malformed") == 980
    assert throttle.allow("malformed") == 0
