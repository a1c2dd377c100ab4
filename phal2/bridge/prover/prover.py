"""A prover: a rollup and a key that never leaves the enclave."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from phal2.bridge.prover.claim import Claim, SignedClaim, claim_signer, config_hash, sign_claim
from phal2.bridge.prover.enclave import Enclave
from phal2.bridge.prover.errors import NoEnclave, UnlinkedClaims
from phal2.bridge.prover.proof_request import ProofRequest
from phal2.bridge.prover.proving import prove
from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.rollup_config import RollupConfig
from phal2.node.protocol.signatures import SECP256K1_ORDER, address_of_private_key

LEAST_ENTROPY_BYTES: Final = 32


class Prover:
    """Signs what it has executed itself, and nothing else."""

    def __init__(self, config: RollupConfig, entropy: bytes, enclave: Enclave | None = None) -> None:
        """`entropy` is secret random bytes, at least 32: the same give the same key. Raises `ValueError` for fewer."""
        if len(entropy) < LEAST_ENTROPY_BYTES:
            raise ValueError(f"{len(entropy)} bytes of entropy; at least {LEAST_ENTROPY_BYTES} are needed")
        self._config = config
        self._private_key = _private_key(entropy)
        self._enclave = enclave
        self.address = address_of_private_key(self._private_key)

    @property
    def config_hash(self) -> bytes:
        """The hash by which L1's game knows the rollup."""
        return config_hash(self._config)

    def prove(self, request: ProofRequest) -> SignedClaim:
        """Execute the blocks of a request and sign the claim on them. Raises a `ProverError`."""
        return sign_claim(prove(self._config, request), self._private_key)

    def combine(self, claims: Sequence[SignedClaim]) -> SignedClaim:
        """Sign one claim for a chain of this prover's claims, each of which begins where the one before ends.

        An output root commits to the block's hash, and so to its L1 origin: what is linked by output roots is linked
        on L1, too. Raises `UnlinkedClaims`.
        """
        if not claims:
            raise UnlinkedClaims("no claims to combine")
        for index, signed in enumerate(claims):
            self._check_own(index, signed)
        for index, (before, after) in enumerate(pairwise(claims)):
            _check_linked(index, before.claim, after.claim)
        first, last = claims[0].claim, claims[-1].claim
        combined = Claim(
            config_hash=last.config_hash,
            l1_block_hash=last.l1_block_hash,
            l1_block_number=last.l1_block_number,
            l2_block_number=last.l2_block_number,
            previous_output_root=first.previous_output_root,
            output_root=last.output_root,
        )
        return sign_claim(combined, self._private_key)

    def quote(self, registry: bytes) -> bytes:
        """Return a quote that binds this prover's key to L1's chain and a ProverRegistry on it. Raises `NoEnclave`."""
        if self._enclave is None:
            raise NoEnclave("this prover runs outside of an enclave and has no quote; start it with --enclave")
        return self._enclave.quote(registration_report_data(self._config.l1_chain_id, registry, self.address))

    def _check_own(self, index: int, signed: SignedClaim) -> None:
        if signed.claim.config_hash != self.config_hash:
            raise UnlinkedClaims(f"claim {index} is on another rollup")
        try:
            signer = claim_signer(signed)
        except InvalidTransaction as error:
            raise UnlinkedClaims(f"claim {index}: {error}") from error
        if signer != self.address:
            raise UnlinkedClaims(f"claim {index} is signed by 0x{signer.hex()}, not by this prover")


def registration_report_data(l1_chain_id: int, registry: bytes, prover: bytes) -> bytes:
    """Return the report data of a prover's quote: keccak(abi.encode(chainId, registry, prover)) and 32 zero bytes."""
    words = (l1_chain_id.to_bytes(32, "big"), registry.rjust(32, b"\x00"), prover.rjust(32, b"\x00"))
    return keccak256(b"".join(words)) + bytes(32)


def _check_linked(index: int, before: Claim, after: Claim) -> None:
    if after.previous_output_root != before.output_root:
        raise UnlinkedClaims(
            f"claim {index + 1} begins at the output root 0x{after.previous_output_root.hex()}, claim {index} ends at "
            f"0x{before.output_root.hex()}"
        )


def _private_key(entropy: bytes) -> bytes:
    """Derive a key that is below the curve's order; all but one in 2^128 seeds give one at once."""
    counter = 0
    while True:
        key = keccak256(b"phal2 prover key" + counter.to_bytes(4, "big") + entropy)
        if 0 < int.from_bytes(key, "big") < SECP256K1_ORDER:
            return key
        counter += 1
