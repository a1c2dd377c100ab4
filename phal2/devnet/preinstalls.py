"""Contracts that clients expect on every chain at its one address; OP Stack chains and anvil have them from genesis."""

from typing import Final

from phal2.devnet.deployment.addresses import MULTICALL3
from phal2.devnet.predeploy_accounts import contract_account
from phal2.node.state.genesis import GenesisAccount

DETERMINISTIC_DEPLOYER: Final = bytes.fromhex("4e59b44847b379578588920ca78fbf26c0b4956c")
"""Creates the code that follows a salt in its call data (CREATE2): where forge and others deploy with a salt."""

SAFE_SINGLETON_FACTORY: Final = bytes.fromhex("914d7fec6aac8cd542e72bca78b30650d45643d7")
"""The same for Safe's tools, which cannot do without it on a chain whose number they do not know."""

_DEPLOYER_OF_THE_DEPLOYER: Final = bytes.fromhex("3fab184622dc19b6109349b94811493bf2a45362")
"""Its key is nobody's: its one transaction, whose signature was made up, is what deploys elsewhere."""

_DEPLOYER_CODE: Final = bytes.fromhex(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b"
    "8082525050506014600cf3"
)


def preinstalled_accounts() -> dict[bytes, GenesisAccount]:
    """Return them as a genesis has them."""
    deployer = GenesisAccount(nonce=1, code=_DEPLOYER_CODE)
    return {
        MULTICALL3: contract_account("Multicall3"),
        DETERMINISTIC_DEPLOYER: deployer,
        SAFE_SINGLETON_FACTORY: deployer,
        _DEPLOYER_OF_THE_DEPLOYER: GenesisAccount(nonce=1),
    }
