"""Who asks: clients as they are counted, one by one, wherever something is limited."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from typing import Any

_NETWORK_BITS = 64  # what one user of IPv6 has


def client_of(scope: Mapping[str, Any]) -> str:
    """Return who asks: the address, of IPv6 the network, that the server or the proxy that it trusts gives."""
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ip_address(host)
    except ValueError:
        return str(host)
    if isinstance(address, IPv6Address):
        return str(int(address) >> (128 - _NETWORK_BITS))
    return str(host)


def digest_of(client: str) -> str:
    """Return under which name a client is kept, so that no address is."""
    return hashlib.sha256(client.encode()).hexdigest()
