"""Everything that fixes the next L2 block but the pool's transactions (OP Stack "Extended PayloadAttributes")."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PayloadAttributes:
    """What derivation or the sequencer asks the state module to build on a parent.

    `transactions` are envelopes that must come first and in this order; with `no_tx_pool` they are the whole block.
    `prev_randao` and `parent_beacon_block_root` are those of the L1 origin. An EIP-1559 denominator and elasticity of
    0 stand for Canyon's constants (Holocene).
    """

    timestamp: int
    prev_randao: bytes
    fee_recipient: bytes
    parent_beacon_block_root: bytes
    transactions: tuple[bytes, ...]
    no_tx_pool: bool
    gas_limit: int
    eip1559_denominator: int
    eip1559_elasticity: int
