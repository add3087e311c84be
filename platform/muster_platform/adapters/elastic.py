"""Elasticsearch over the transport of its own client: nodes, TLS, who we are; plain calls.

The client's helpers are left out: they read `GET /` at the start, which small servers lack, and
serialise what is serialised already.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import msgspec
from elastic_transport import (
    ConnectionError as NodeAway,
)
from elastic_transport import (
    NodeConfig,
    Serializer,
    TlsError,
    Transport,
    TransportError,
)

from muster_platform.errors import ConfigurationError, Unavailable
from muster_platform.logs.elastic.indices import delete_of_device
from muster_platform.logs.elastic.ports import Refused
from muster_platform.logs.elastic.store import ElasticLogStore
from muster_platform.settings import Settings
from muster_platform.unit import Unit

TIMEOUT_S = 30.0
_JSON = "application/json"
_NDJSON = "application/x-ndjson"
_BUSY = frozenset({429, 500, 502, 503, 504})


class _Bytes(Serializer):
    """Hands answers over as they came: only some of them are read whole."""

    mimetype = _JSON

    def loads(self, data: bytes) -> bytes:
        return data

    def dumps(self, data: Any) -> bytes:
        return data if isinstance(data, bytes) else msgspec.json.encode(data)


class _Lines(_Bytes):
    mimetype = _NDJSON


class Elastic:
    """Implements logs.elastic.ports.SearchEngine."""

    def __init__(self, transport: Transport, headers: Mapping[str, str], shown: str) -> None:
        """Prepare; nothing connects yet.

        Args:
            headers: who we are.
            shown: the addresses, for messages.
        """
        self._transport, self._headers, self._shown = transport, dict(headers), shown

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """See SearchEngine."""
        status, answer = self.send(method, path, body)
        if status == 404:
            return None
        if status in _BUSY:
            raise Unavailable(f"the log store is overloaded: {self._shown} answers {status}")
        if status >= 400:
            raise Refused(status, *_error(answer))
        return msgspec.json.decode(answer) if answer else None

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Do one request; give status and body, whatever they are.

        Raises:
            Unavailable: it does not answer.
        """
        kind = _NDJSON if isinstance(body, bytes) else _JSON
        headers = self._headers | {"accept": _JSON}
        if body is not None:
            headers["content-type"] = kind
        try:
            answer = self._transport.perform_request(
                method, path, body=body, headers=headers, request_timeout=TIMEOUT_S
            )
        except TlsError as error:
            raise Unavailable(
                f"the log store is not trusted: {self._shown}: {error}; see elasticsearch_ca_file"
            ) from error
        except (NodeAway, TransportError) as error:
            raise Unavailable(f"the log store is away: {self._shown}: {_short(error)}") from error
        return answer.meta.status, answer.body or b""

    def close(self) -> None:
        """Close its connections."""
        self._transport.close()


def connect(settings: Settings) -> Elastic:
    """Prepare a connection as the settings say; nothing connects yet.

    Raises:
        ConfigurationError: there is no address, or it is none.
    """
    if not settings.elasticsearch_urls:
        raise ConfigurationError("no Elasticsearch is configured", where="elasticsearch_urls")
    nodes = [_node(url, settings.elasticsearch_ca_file) for url in settings.elasticsearch_urls]
    transport = Transport(
        nodes,
        max_retries=len(nodes) - 1,
        retry_on_status=(502, 503, 504),
        retry_on_timeout=False,
        serializers={_JSON: _Bytes(), _NDJSON: _Lines()},
    )
    shown = ", ".join(f"{node.scheme}://{node.host}:{node.port}" for node in nodes)
    return Elastic(transport, _identity(settings), shown)


@lru_cache(maxsize=4)
def _shared(settings: Settings) -> Elastic:
    return connect(settings)


def engine_of(settings: Settings) -> Elastic:
    """Give this process's connection of an installation."""
    return _shared(settings)


def elastic_store(unit: Unit) -> ElasticLogStore:
    """Make the log store of a unit of work."""
    settings = unit.settings
    return ElasticLogStore(unit.session, engine_of(settings), settings.elasticsearch_index)


def forget_in_elastic(unit: Unit, device_key: int, limit: int) -> int:
    """Delete a batch of a device's records; nothing where no Elasticsearch is configured."""
    settings = unit.settings
    if not settings.elasticsearch_urls:
        return 0
    engine = engine_of(settings)
    return delete_of_device(engine, settings.elasticsearch_index, device_key, limit)


def _node(url: str, ca_file: str) -> NodeConfig:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(
            f"{url!r} is no address such as https://search.example:9200", where="elasticsearch_urls"
        )
    port = parts.port or 9200
    if parts.scheme == "https":
        return NodeConfig("https", parts.hostname, port, ca_certs=ca_file or None)
    return NodeConfig("http", parts.hostname, port)


def _identity(settings: Settings) -> dict[str, str]:
    if settings.elasticsearch_api_key:
        return {"authorization": f"ApiKey {settings.elasticsearch_api_key}"}
    if settings.elasticsearch_user:
        from elastic_transport.client_utils import basic_auth_to_header

        pair = (settings.elasticsearch_user, settings.elasticsearch_password)
        return {"authorization": basic_auth_to_header(pair)}
    return {}


def _error(answer: bytes) -> tuple[str, str]:
    """Read kind and reason of an error, the innermost cause where there is one."""
    try:
        error = msgspec.json.decode(answer)["error"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return "", answer[:200].decode(errors="replace")
    if not isinstance(error, dict):
        return "", str(error)[:500]
    causes = [*error.get("root_cause", ()), error]
    kind = next((str(cause["type"]) for cause in causes if cause.get("type")), "")
    failed = error.get("caused_by") or causes[0]
    return kind, str(failed.get("reason") or error.get("reason") or "")[:500]


def _short(error: Exception) -> str:
    return str(getattr(error, "message", error))[:200]
