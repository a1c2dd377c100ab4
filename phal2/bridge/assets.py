"""What is bridged: ETH, or a token with its address on either side."""

from dataclasses import dataclass
from typing import Final

from phal2.bridge.amounts import MOST_DECIMALS
from phal2.bridge.chain_access.contract_views import Contract
from phal2.bridge.chain_access.errors import ContractMissing
from phal2.node.l1.client import L1Client
from phal2.node.protocol.errors import Phal2Error

ETHER_DECIMALS: Final = 18
_LONGEST_SYMBOL: Final = 20


class UnknownToken(Phal2Error):
    """A token whose other side is not known, or does not belong to it."""


@dataclass(frozen=True, slots=True)
class Token:
    """An ERC-20 with its address on L1 and on L2.

    `l1_is_mintable` and `l2_is_mintable` tell on which side the bridge mints and burns it; where it does not, it takes
    the token into custody, and needs an allowance.
    """

    l1_address: bytes
    l2_address: bytes
    symbol: str
    decimals: int
    l1_is_mintable: bool
    l2_is_mintable: bool


async def find_token(l1: L1Client, l2: L1Client, l1_address: bytes | None, l2_address: bytes | None) -> Token:
    """Return a token of which at least one address is known.

    The mintable side (OptimismMintableERC20) names the other. Raises `UnknownToken`, `EndpointError`.
    """
    on_l1 = None if l1_address is None else await _remote_token(l1, l1_address)
    on_l2 = None if l2_address is None else await _remote_token(l2, l2_address)
    known_l1, known_l2 = l1_address or on_l2, l2_address or on_l1
    if known_l1 is None or known_l2 is None:
        raise UnknownToken(
            "the token does not tell its other side: give both --l1-token and --l2-token (an OptimismMintableERC20 "
            "names the token that it stands for, so its address alone is enough)"
        )
    if l1_address is None:
        on_l1 = await _remote_token(l1, known_l1)
    if l2_address is None:
        on_l2 = await _remote_token(l2, known_l2)
    if on_l1 != known_l2 and on_l2 != known_l1:
        raise UnknownToken(
            f"0x{known_l1.hex()} on L1 and 0x{known_l2.hex()} on L2 do not belong together: neither is an "
            "OptimismMintableERC20 that stands for the other, and what the bridge took of one it could not give as the "
            "other"
        )
    symbol, decimals = await _names(l1, known_l1, "L1")
    _, l2_decimals = await _names(l2, known_l2, "L2")
    if l2_decimals != decimals:
        raise UnknownToken(f"the token has {decimals} decimals on L1, but {l2_decimals} on L2")
    return Token(known_l1, known_l2, symbol, decimals, on_l1 == known_l2, on_l2 == known_l1)


async def _remote_token(client: L1Client, token: bytes) -> bytes | None:
    try:
        found: bytes = await Contract("OptimismMintableERC20", token).read(client.call, "remoteToken")
    except ContractMissing:
        return None
    return found


async def _names(client: L1Client, token: bytes, chain: str) -> tuple[str, int]:
    contract = Contract("PHAToken", token, chain)
    try:
        symbol: str = await contract.read(client.call, "symbol")
        decimals: int = await contract.read(client.call, "decimals")
    except ContractMissing:
        raise UnknownToken(f"0x{token.hex()} on {chain} is not an ERC-20 with symbol() and decimals()") from None
    if not 0 <= decimals <= MOST_DECIMALS:
        raise UnknownToken(f"0x{token.hex()} on {chain} has {decimals} decimals; at most {MOST_DECIMALS} make sense")
    shown = "".join(character for character in symbol if character.isprintable())[:_LONGEST_SYMBOL]
    return shown or "tokens", decimals
