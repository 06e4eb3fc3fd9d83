"""Where a request came from, as far as security remembers it."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated

from fastapi import Depends, Request

_USER_AGENT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Client:
    address: str | None
    user_agent: str | None = None

    @property
    def network(self) -> str:
        """What one client can't leave: a home or a server is given a whole IPv6 /64."""
        try:
            address = ip_address(self.address or "")
        except ValueError:
            return self.address or "unknown"
        if isinstance(address, IPv6Address):
            mapped = address.ipv4_mapped
            return str(mapped or ip_network((address, 64), strict=False))
        return str(address)


async def _client_of(request: Request) -> Client:
    user_agent = request.headers.get("user-agent", "")[:_USER_AGENT_LENGTH]
    return Client(
        address=request.client.host if request.client else None,
        user_agent="".join(filter(str.isprintable, user_agent)) or None,
    )


CurrentClient = Annotated[Client, Depends(_client_of)]
