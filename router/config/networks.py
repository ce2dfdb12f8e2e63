"""Addresses and networks in the config, such as those of proxies."""

import functools
import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def check_networks(key: str, addresses: Iterable[str]) -> None:
    """Raises: ValueError, for a text that isn't a network, or that is the whole internet."""
    for address in addresses:
        try:
            network = _network(address)
        except ValueError:
            raise ValueError(f"{key}: '{address}' is not an address or network") from None
        if network.prefixlen == 0:
            raise ValueError(
                f"{key}: {address} includes every address, so anybody could impersonate anybody"
            )


def is_within(address: str, networks: Iterable[str]) -> bool:
    """Report whether an IP address belongs to one of the networks."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return any(ip in _network(network) for network in networks)


@functools.lru_cache(256)
def _network(text: str) -> Network:
    """Raises: ValueError."""
    return ipaddress.ip_network(text, strict=False)
