"""Addresses that the protocol fixes.

Sources: OP Stack "Predeploys"; EIP-4788, 2935, 7002, 7251; docs/attested-transactions.md.
"""

from typing import Final


def _predeploy(suffix: int) -> bytes:
    return bytes.fromhex("4200000000000000000000000000000000000000")[:18] + suffix.to_bytes(2, "big")


WETH9: Final = _predeploy(0x06)
L2_CROSS_DOMAIN_MESSENGER: Final = _predeploy(0x07)
GAS_PRICE_ORACLE: Final = _predeploy(0x0F)
L2_STANDARD_BRIDGE: Final = _predeploy(0x10)
SEQUENCER_FEE_VAULT: Final = _predeploy(0x11)
OPTIMISM_MINTABLE_ERC20_FACTORY: Final = _predeploy(0x12)
L1_BLOCK_NUMBER: Final = _predeploy(0x13)
L1_BLOCK: Final = _predeploy(0x15)
L2_TO_L1_MESSAGE_PASSER: Final = _predeploy(0x16)
PROXY_ADMIN: Final = _predeploy(0x18)
BASE_FEE_VAULT: Final = _predeploy(0x19)
L1_FEE_VAULT: Final = _predeploy(0x1A)
OPERATOR_FEE_VAULT: Final = _predeploy(0x1B)

ATTESTATION_CONTEXT: Final = _predeploy(0x54)
ATTESTATION_POLICY: Final = _predeploy(0x55)
ENCLAVE_REGISTRY: Final = _predeploy(0x56)
PHA_CLAIMS: Final = _predeploy(0x57)
PHA_TOKEN: Final = _predeploy(0x58)

L1_ATTRIBUTES_DEPOSITOR: Final = bytes.fromhex("deaddeaddeaddeaddeaddeaddeaddeaddead0001")
"""Sender of the L1 attributes deposit, the first transaction of every L2 block."""

SYSTEM_ADDRESS: Final = bytes.fromhex("fffffffffffffffffffffffffffffffffffffffe")
BEACON_ROOTS: Final = bytes.fromhex("000f3df6d732807ef1319fb7b8bb8522d0beac02")
HISTORY_STORAGE: Final = bytes.fromhex("0000f90827f1c53a10cb7a02335b175320002935")
WITHDRAWAL_REQUESTS: Final = bytes.fromhex("00000961ef480eb55e80d19ad83579a64c007002")
CONSOLIDATION_REQUESTS: Final = bytes.fromhex("0000bbddc7ce488642fb579f8b00f3a590007251")
P256_VERIFY: Final = bytes(18) + b"\x01\x00"


def implementation_address(predeploy: bytes) -> bytes:
    """Return where the implementation behind a predeploy's proxy lies: 0xc0d3…c0d3 and its last two bytes."""
    return bytes.fromhex("c0d3c0d3c0d3c0d3c0d3c0d3c0d3c0d3c0d3") + predeploy[18:]
