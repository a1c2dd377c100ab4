"""EIP-7702: setting the delegations that accounts have signed."""

from collections.abc import Sequence
from typing import Final

from phal2.node.protocol.addresses import ZERO_ADDRESS
from phal2.node.protocol.signatures import InvalidSignature
from phal2.node.protocol.transaction_codec import recover_authority
from phal2.node.protocol.transactions import Authorization
from phal2.node.state.accounts import MAXIMUM_NONCE
from phal2.node.state.delegation import delegated_address, delegation_to
from phal2.node.state.world_state import WorldState

EXISTING_ACCOUNT_REFUND: Final = 12_500
"""An authorization is charged as if it made a new account; so much goes back where it does not."""


def set_delegations(world: WorldState, chain_id: int, authorizations: Sequence[Authorization]) -> int:
    """Set each delegation whose authorization holds, skip the others, and return the gas to refund."""
    return sum(_set_delegation(world, chain_id, authorization) for authorization in authorizations)


def _set_delegation(world: WorldState, chain_id: int, authorization: Authorization) -> int:
    if authorization.chain_id not in (0, chain_id) or authorization.nonce >= MAXIMUM_NONCE:
        return 0
    try:
        authority = recover_authority(authorization)
    except InvalidSignature:
        return 0
    world.warm_address(authority)
    code = world.code(authority)
    if code and delegated_address(code) is None:
        return 0
    if world.nonce(authority) != authorization.nonce:
        return 0
    refund = EXISTING_ACCOUNT_REFUND if world.exists(authority) else 0
    delegates = authorization.address != ZERO_ADDRESS
    world.set_code(authority, delegation_to(authorization.address) if delegates else b"")
    world.set_nonce(authority, authorization.nonce + 1)
    return refund
