"""What a prover signs: that the blocks of a rollup after one output root lead to another, as seen from an L1 block."""

from dataclasses import dataclass, field
from typing import Final

from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.rollup_config import RollupConfig
from phal2.node.protocol.signatures import recover_address, sign

SIGNATURE_LENGTH: Final = 65
_FIRST_V: Final = 27


@dataclass(frozen=True, slots=True)
class Claim:
    """Executing the L2 blocks after the one of `previous_output_root` up to `l2_block_number` gives `output_root`.

    The L1 block is the last block's L1 origin: whoever finds it on the canonical chain knows that all L1 data was real.
    """

    config_hash: bytes
    l1_block_hash: bytes
    l1_block_number: int
    l2_block_number: int
    previous_output_root: bytes
    output_root: bytes


@dataclass(frozen=True, slots=True)
class SignedClaim:
    """A claim with the 65-byte signature r ++ s ++ v of its digest; v is 27 or 28."""

    claim: Claim
    signature: bytes = field(repr=False)


def config_hash(config: RollupConfig) -> bytes:
    """Return the hash by which L1's game knows the rollup.

    keccak(abi.encode(l1ChainId, l2ChainId, l2GenesisHash, portal, batchInbox, blockTime)).
    """
    return keccak256(
        b"".join(
            (
                _word(config.l1_chain_id),
                _word(config.l2_chain_id),
                config.l2_genesis.hash,
                config.deposit_contract_address.rjust(32, b"\x00"),
                config.batch_inbox_address.rjust(32, b"\x00"),
                _word(config.block_time),
            )
        )
    )


def claim_digest(claim: Claim) -> bytes:
    """Return what is signed: keccak(abi.encode(configHash, l1BlockHash, l2BlockNumber, previousRoot, outputRoot))."""
    return keccak256(
        claim.config_hash
        + claim.l1_block_hash
        + _word(claim.l2_block_number)
        + claim.previous_output_root
        + claim.output_root
    )


def sign_claim(claim: Claim, private_key: bytes) -> SignedClaim:
    """Sign a claim with a 32-byte key."""
    y_parity, r, s = sign(claim_digest(claim), private_key)
    return SignedClaim(claim, _word(r) + _word(s) + bytes([_FIRST_V + y_parity]))


def claim_signer(signed: SignedClaim) -> bytes:
    """Return the 20-byte address that signed; raise `InvalidTransaction` where no address could have."""
    signature = signed.signature
    if len(signature) != SIGNATURE_LENGTH:
        raise InvalidTransaction(f"signature of {len(signature)} bytes, expected {SIGNATURE_LENGTH}")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    return recover_address(claim_digest(signed.claim), signature[64] - _FIRST_V, r, s)


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")
