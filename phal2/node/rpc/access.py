"""Who may ask: the Host check against DNS rebinding, and CORS, as geth has them."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

DEFAULT_VIRTUAL_HOSTS: Final = ("localhost",)


@dataclass(frozen=True, slots=True)
class AccessRules:
    """`virtual_hosts` are host names that a request may be addressed to; `cors_origins` sites whose pages may ask.

    Requests to an IP address pass, as a name is what rebinding needs. "*" in either list admits all.
    """

    virtual_hosts: Sequence[str] = DEFAULT_VIRTUAL_HOSTS
    cors_origins: Sequence[str] = ()

    def admits_host(self, host: str | None) -> bool:
        """Tell whether the Host header of a request is admitted."""
        if host is None or "*" in self.virtual_hosts:
            return True
        name = _host_name(host)
        return _is_ip_address(name) or name.lower() in (allowed.lower() for allowed in self.virtual_hosts)

    def admits_origin(self, origin: str) -> bool:
        """Tell whether pages of a site may read answers."""
        return "*" in self.cors_origins or origin in self.cors_origins

    def admits_web_socket(self, origin: str | None) -> bool:
        """Tell whether a WebSocket may be opened: by programs, by admitted sites, and by pages of this machine."""
        if origin is None or self.admits_origin(origin):
            return True
        return _host_name(origin.partition("://")[2]) in ("localhost", "127.0.0.1", "[::1]")

    def cors_headers(self, origin: str | None, preflight: bool = False) -> Mapping[str, str]:
        """Return the headers that let a page of `origin` read the answer; none where it may not."""
        if origin is None or not self.admits_origin(origin):
            return {}
        headers = {"Access-Control-Allow-Origin": "*" if "*" in self.cors_origins else origin, "Vary": "Origin"}
        if preflight:
            headers["Access-Control-Allow-Methods"] = "POST, GET"
            headers["Access-Control-Allow-Headers"] = "Content-Type"
            headers["Access-Control-Max-Age"] = "600"
        return headers


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _is_ip_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
