"""Questions that a working part answers within a second."""

import http.client
import socket

import redis

TIMEOUT_S = 2.0


def answers_tcp(host: str, port: int) -> bool:
    """Say whether something accepts connections there."""
    try:
        with socket.create_connection((_reachable(host), port), timeout=TIMEOUT_S):
            return True
    except OSError:
        return False


def answers_http(host: str, port: int, path: str) -> bool:
    """Say whether GET of the path gives 200."""
    connection = http.client.HTTPConnection(_reachable(host), port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def valkey_answers(url: str) -> bool:
    """Say whether PING is answered."""
    client = redis.Redis.from_url(url, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def port_is_free(host: str, port: int) -> bool:
    """Say whether we could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Give a port that is free now on 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared, not bound
