"""Where the L1 contracts of an OP Stack chain are, from a file, a rollup configuration, or the chain itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from phal2.bridge.chain_access.clients import require_chain
from phal2.bridge.chain_access.contract_views import Contract
from phal2.bridge.chain_access.errors import ContractMissing
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointRefused
from phal2.node.protocol.addresses import ZERO_ADDRESS, parse_address
from phal2.node.protocol.errors import InvalidEncoding, Phal2Error
from phal2.node.protocol.predeploys import L2_STANDARD_BRIDGE

_OLDEST_PORTAL: Final = 3
_MOST_IGNORED: Final = 80


class UnknownContracts(Phal2Error):
    """The L1 contracts of the rollup cannot be found out, or are not what a rollup of this generation has."""


@dataclass(frozen=True, slots=True)
class ContractSource:
    """What somebody says of a rollup's contracts; None is found out on the chains."""

    portal: bytes
    system_config: bytes | None = None
    l1_standard_bridge: bytes | None = None
    l1_chain_id: int | None = None
    l2_chain_id: int | None = None


@dataclass(frozen=True, slots=True)
class RollupContracts:
    """The contracts on L1, as 20-byte addresses. Portals before 4.0 have no `anchor_state_registry`."""

    portal: bytes
    dispute_game_factory: bytes
    anchor_state_registry: bytes | None
    l1_standard_bridge: bytes | None
    portal_version: str

    @property
    def bridge(self) -> bytes:
        """The L1StandardBridge. Raises `UnknownContracts` where it is not known."""
        if self.l1_standard_bridge is None:
            raise UnknownContracts(
                "where the L1StandardBridge is is not known: the rollup's SystemConfig does not tell; "
                "name it in the file of --contracts"
            )
        return self.l1_standard_bridge


def source_from_contracts(document: object) -> ContractSource:
    """Read addresses by contract name: an object {name: address}, or what `phal2 devnet --json` prints.

    The names are those of the contracts, with or without "Proxy" behind, as deployments write them. Raises
    `UnknownContracts`.
    """
    whole = _mapping(document, "the document")
    contracts, l1_chain_id, l2_chain_id = whole, None, None
    if isinstance(whole.get("l1"), Mapping):
        l1, l2 = _mapping(whole["l1"], "l1"), _mapping(whole.get("l2", {}), "l2")
        contracts = _mapping(l1.get("contracts"), "l1.contracts")
        l1_chain_id, l2_chain_id = _optional_integer(l1, "chainId"), _optional_integer(l2, "chainId")
    portal = _named(contracts, ("OptimismPortal", "OptimismPortalProxy"))
    if portal is None:
        raise UnknownContracts("the contracts lack OptimismPortal (or OptimismPortalProxy)")
    return ContractSource(
        portal=portal,
        system_config=_named(contracts, ("SystemConfig", "SystemConfigProxy")),
        l1_standard_bridge=_named(contracts, ("L1StandardBridge", "L1StandardBridgeProxy")),
        l1_chain_id=l1_chain_id,
        l2_chain_id=l2_chain_id,
    )


def source_from_rollup_config(document: object) -> ContractSource:
    """Read op-node's rollup.json as far as it names contracts and chains. Raises `UnknownContracts`."""
    fields = _mapping(document, "the rollup configuration")
    portal = _named(fields, ("deposit_contract_address",))
    if portal is None:
        raise UnknownContracts("the rollup configuration lacks deposit_contract_address")
    system_config = _named(fields, ("l1_system_config_address",))
    return ContractSource(
        portal=portal,
        system_config=None if system_config == ZERO_ADDRESS else system_config,
        l1_chain_id=_optional_integer(fields, "l1_chain_id"),
        l2_chain_id=_optional_integer(fields, "l2_chain_id"),
    )


async def source_from_node(rollup_node: L1Client) -> ContractSource:
    """Ask a rollup node for its configuration (`optimism_rollupConfig`). Raises `UnknownContracts`, `EndpointError`."""
    try:
        document = await rollup_node.rpc.call("optimism_rollupConfig")
    except EndpointRefused as error:
        raise UnknownContracts(
            f"{rollup_node.rpc.url} does not tell the rollup's configuration ({error.message[:_MOST_IGNORED]}): give "
            "--rollup-config FILE, --contracts FILE, or --rollup-node URL (the op-node beside an execution node)"
        ) from None
    return source_from_rollup_config(document)


async def find_contracts(l1: L1Client, l2: L1Client, source: ContractSource) -> RollupContracts:
    """Find out the rest on the chains, and whether these are the rollup's.

    Raises `WrongChain`, `UnknownContracts`, `ContractMissing` and `EndpointError`.
    """
    for client, expected in ((l1, source.l1_chain_id), (l2, source.l2_chain_id)):
        if expected is not None:
            await require_chain(client, expected)
    portal = Contract("OptimismPortal", source.portal)
    version: str = await portal.read(l1.call, "version")
    if not _is_recent(version):
        raise UnknownContracts(
            f"the portal has version {version[:_MOST_IGNORED]!r}; withdrawals by dispute games need at least version "
            f"{_OLDEST_PORTAL}.0.0"
        )
    factory: bytes = await portal.read(l1.call, "disputeGameFactory")
    return RollupContracts(
        portal=source.portal,
        dispute_game_factory=factory,
        anchor_state_registry=await _optional_view(l1, portal, "anchorStateRegistry"),
        l1_standard_bridge=source.l1_standard_bridge or await _l1_standard_bridge(l1, l2, source.system_config),
        portal_version=version,
    )


async def _l1_standard_bridge(l1: L1Client, l2: L1Client, system_config: bytes | None) -> bytes | None:
    if system_config is not None:
        bridge = await _optional_view(l1, Contract("SystemConfig", system_config), "l1StandardBridge")
        if bridge is not None:
            return bridge
    return await _optional_view(l2, Contract("L2StandardBridge", L2_STANDARD_BRIDGE, "L2"), "otherBridge")


async def _optional_view(client: L1Client, contract: Contract, function: str) -> bytes | None:
    """Return an address that a contract tells, or None where it does not know the function or the address is zero."""
    try:
        found: bytes = await contract.read(client.call, function)
    except ContractMissing:
        return None
    return None if found == ZERO_ADDRESS else found


def _is_recent(version: str) -> bool:
    major = version.partition(".")[0]
    return major.isascii() and major.isdigit() and len(major) < 6 and int(major) >= _OLDEST_PORTAL


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UnknownContracts(f"{what}: expected a JSON object, found {str(value)[:_MOST_IGNORED]}")
    return value


def _named(fields: Mapping[str, Any], names: Sequence[str]) -> bytes | None:
    for name in names:
        value = fields.get(name)
        if value is None:
            continue
        try:
            return parse_address(value)
        except (InvalidEncoding, TypeError, AttributeError):
            raise UnknownContracts(f"{name}: expected an address, found {str(value)[:_MOST_IGNORED]!r}") from None
    return None


def _optional_integer(fields: Mapping[str, Any], name: str) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 256:
        raise UnknownContracts(f"{name}: expected a chain id, found {str(value)[:_MOST_IGNORED]!r}")
    return value
