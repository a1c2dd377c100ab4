"""The OP Stack's predeploys of an L2 genesis that bridge, price and collect: all behind proxies but WETH9.

OP Stack chains have proxies without implementation at the rest of the first 2,048 addresses. They are left out, because
nothing calls them and every account costs start-up time.
"""

from dataclasses import dataclass
from typing import Final

from phal2.devnet.predeploy_accounts import contract_account, proxied_accounts
from phal2.node.protocol.predeploys import (
    BASE_FEE_VAULT,
    GAS_PRICE_ORACLE,
    L1_BLOCK_NUMBER,
    L1_FEE_VAULT,
    L2_CROSS_DOMAIN_MESSENGER,
    L2_STANDARD_BRIDGE,
    OPERATOR_FEE_VAULT,
    OPTIMISM_MINTABLE_ERC20_FACTORY,
    PROXY_ADMIN,
    SEQUENCER_FEE_VAULT,
    WETH9,
)
from phal2.node.state.genesis import GenesisAccount

_NO_MESSAGE_SENDER: Final = bytes.fromhex("dead")
"""What a messenger holds as the sender while it delivers no message."""

_FEES_ON_L2: Final = 1
"""FeeVault.WithdrawalNetwork.L2."""

_FEE_VAULTS: Final = {
    SEQUENCER_FEE_VAULT: "SequencerFeeVault",
    BASE_FEE_VAULT: "BaseFeeVault",
    L1_FEE_VAULT: "L1FeeVault",
    OPERATOR_FEE_VAULT: "OperatorFeeVault",
}


@dataclass(frozen=True, slots=True)
class BridgeSettings:
    """The counterparts on L1; `owner` administers the proxies and receives the fees, on L2."""

    owner: bytes
    l1_cross_domain_messenger: bytes
    l1_standard_bridge: bytes


def bridge_predeploys(settings: BridgeSettings) -> dict[bytes, GenesisAccount]:
    """Return the predeploys, for a chain on which every fork through Isthmus is active."""
    messenger = {"xDomainMsgSender": _NO_MESSAGE_SENDER, "otherMessenger": settings.l1_cross_domain_messenger}
    bridge = {"messenger": L2_CROSS_DOMAIN_MESSENGER, "otherBridge": settings.l1_standard_bridge}
    # Any amount can be withdrawn, as a devnet's fees are small.
    vault = {"recipient": settings.owner, "minWithdrawalAmount": 0, "withdrawalNetwork": _FEES_ON_L2}
    initializable: dict[bytes, tuple[str, dict[str, object]]] = {
        L2_CROSS_DOMAIN_MESSENGER: ("L2CrossDomainMessenger", dict(messenger)),
        L2_STANDARD_BRIDGE: ("L2StandardBridge", dict(bridge)),
        OPTIMISM_MINTABLE_ERC20_FACTORY: ("OptimismMintableERC20Factory", {"bridge": L2_STANDARD_BRIDGE}),
        **{address: (name, dict(vault)) for address, name in _FEE_VAULTS.items()},
    }
    accounts = {WETH9: contract_account("WETH9")}
    for address, (name, values) in initializable.items():
        accounts |= proxied_accounts(address, name, PROXY_ADMIN, values, is_initializable=True)
    forks = {"isEcotone": True, "isFjord": True, "isIsthmus": True}
    accounts |= proxied_accounts(GAS_PRICE_ORACLE, "GasPriceOracle", PROXY_ADMIN, forks)
    accounts |= proxied_accounts(PROXY_ADMIN, "ProxyAdmin", PROXY_ADMIN, {"owner": settings.owner})
    accounts |= proxied_accounts(L1_BLOCK_NUMBER, "L1BlockNumber", PROXY_ADMIN)
    return accounts
