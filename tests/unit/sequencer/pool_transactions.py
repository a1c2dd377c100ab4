"""Real signed transactions for tests of pool and ordering."""

from dataclasses import replace

from phal2.node.protocol.signatures import sign
from phal2.node.protocol.transaction_codec import RecoveredTransaction, recovered, signing_hash
from phal2.node.protocol.transactions import Attestation, AttestedTransaction, DynamicFeeTransaction

ALICE, BOB, CAROL = (bytes([number]) * 32 for number in (1, 2, 3))
GWEI = 10**9


def ordinary(
    key: bytes, nonce: int, tip: int = GWEI, fee_cap: int = 100 * GWEI, value: int = 0, data: bytes = b""
) -> RecoveredTransaction:
    unsigned = DynamicFeeTransaction(
        chain_id=20350,
        nonce=nonce,
        max_priority_fee_per_gas=tip,
        max_fee_per_gas=fee_cap,
        gas_limit=21_000,
        to=bytes(20),
        value=value,
        data=data,
        access_list=(),
        y_parity=0,
        r=0,
        s=0,
    )
    y_parity, r, s = sign(signing_hash(unsigned), key)
    return recovered(replace(unsigned, y_parity=y_parity, r=r, s=s))


def attested(
    key: bytes, nonce: int, tip: int = GWEI, valid_until: int = 0, fee_cap: int = 100 * GWEI
) -> RecoveredTransaction:
    unsigned = AttestedTransaction(
        chain_id=20350,
        nonce=nonce,
        max_priority_fee_per_gas=tip,
        max_fee_per_gas=fee_cap,
        gas_limit=100_000,
        to=bytes(20),
        value=0,
        data=b"",
        access_list=(),
        attestation=Attestation(kind=2, valid_until=valid_until, evidence=(bytes(20), bytes(65))),
        y_parity=0,
        r=0,
        s=0,
    )
    y_parity, r, s = sign(signing_hash(unsigned), key)
    return recovered(replace(unsigned, y_parity=y_parity, r=r, s=s))
