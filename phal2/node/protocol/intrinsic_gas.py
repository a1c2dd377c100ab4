"""What a transaction costs before it runs, and the least it costs at all.

Sources: Yellow Paper 6.2; EIP-2930, EIP-3860, EIP-7623, EIP-7702.
"""

from typing import Final

from phal2.node.protocol.transactions import AccessList

TRANSACTION_GAS: Final = 21_000
CREATION_GAS: Final = 32_000
INIT_CODE_WORD_GAS: Final = 2
ACCESS_LIST_ADDRESS_GAS: Final = 2_400
ACCESS_LIST_SLOT_GAS: Final = 1_900
AUTHORIZATION_GAS: Final = 25_000
STANDARD_TOKEN_GAS: Final = 4
FLOOR_TOKEN_GAS: Final = 10

MAXIMUM_INIT_CODE_LENGTH: Final = 49_152


def data_tokens(data: bytes) -> int:
    """Return the tokens of call data: 1 for a zero byte, 4 for any other."""
    return 4 * len(data) - 3 * data.count(0)


def intrinsic_gas(
    data: bytes,
    is_creation: bool,
    access_list: AccessList = (),
    authorizations: int = 0,
    charges_init_code: bool = True,
) -> int:
    """Return the gas that is taken before the message runs; `charges_init_code` holds since Shanghai."""
    gas = TRANSACTION_GAS + STANDARD_TOKEN_GAS * data_tokens(data)
    if is_creation:
        gas += CREATION_GAS
        if charges_init_code:
            gas += INIT_CODE_WORD_GAS * ((len(data) + 31) // 32)
    for _, slots in access_list:
        gas += ACCESS_LIST_ADDRESS_GAS + ACCESS_LIST_SLOT_GAS * len(slots)
    return gas + AUTHORIZATION_GAS * authorizations


def floor_gas(data: bytes) -> int:
    """Return the least gas that a transaction with this data uses (EIP-7623, since Prague)."""
    return TRANSACTION_GAS + FLOOR_TOKEN_GAS * data_tokens(data)
