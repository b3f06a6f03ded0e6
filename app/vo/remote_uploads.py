"""Tables that users name by an address: fetched from the public internet alone, never from the service's own network.

The address is resolved once, every result has to be public, and the connection goes to that very result: a name that
answers differently the second time leads nowhere. Redirections are not followed.
"""

from __future__ import annotations

import socket
import ssl
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import ip_address
from time import monotonic
from urllib.parse import urlsplit

from app.domain.errors import ParameterError
from app.vo.requests import LARGEST_BODY

PATIENCE_S = 10.0
LONGEST_S = 60.0
_PORTS = {"http": 80, "https": 443}
_BLOCK = 1 << 16


def fetched(address: str) -> bytes:
    """Return what stands at an address.

    Raises:
        ParameterError: it is none of the public internet, does not answer, or holds more than an upload may.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        place = _public(host, port)
        connection = HTTPConnection(host, port, timeout=PATIENCE_S)
        connection.sock = _connected(parts.scheme, host, place)
        connection.request("GET", f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}")
        response = connection.getresponse()
        if response.status != 200:
            raise ParameterError(
                "UPLOAD", f"{address} answers with status {response.status}; redirections do not count"
            )
        return _read(response, address)
    except (OSError, HTTPException, ValueError, UnicodeError) as problem:
        raise ParameterError("UPLOAD", f"{address} cannot be fetched: {problem}") from None


def _public(host: str, port: int) -> tuple[str, int]:
    """Return where a host is; all of its addresses have to be public."""
    found = [entry[4] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    places = [ip_address(str(place[0])) for place in found]
    if not places or not all(place.is_global and not place.is_multicast for place in places):
        raise ParameterError("UPLOAD", f"{host} is no host of the public internet: send the table with the request")
    return str(found[0][0]), port


def _connected(scheme: str, host: str, place: tuple[str, int]) -> socket.socket:
    plain = socket.create_connection(place, timeout=PATIENCE_S)
    return plain if scheme == "http" else ssl.create_default_context().wrap_socket(plain, server_hostname=host)


def _read(response: HTTPResponse, address: str) -> bytes:
    end, content = monotonic() + LONGEST_S, bytearray()
    while block := response.read(_BLOCK):
        content += block
        if len(content) > LARGEST_BODY:
            raise ParameterError("UPLOAD", f"{address} holds more than {LARGEST_BODY // 2**20} MiB")
        if monotonic() > end:
            raise ParameterError("UPLOAD", f"{address} took longer than {LONGEST_S:g} s")
    return bytes(content)
