"""What whoever runs a node can say about its JSON-RPC server."""

from dataclasses import dataclass, field

from phal2.node.rpc.access import AccessRules
from phal2.node.rpc.limits import CALL_SECONDS, GAS_CAP, Limits, SearchLimits


@dataclass(frozen=True, slots=True)
class RpcOptions:
    """Who may ask, and for how much. `gas_cap` is the gas and `call_seconds` the time that one call may take.

    `enable_admin` offers the namespace `admin` on nodes that have one.
    """

    access: AccessRules = field(default_factory=AccessRules)
    limits: Limits = field(default_factory=Limits)
    search: SearchLimits = field(default_factory=SearchLimits)
    gas_cap: int = GAS_CAP
    call_seconds: float = CALL_SECONDS
    enable_admin: bool = False
