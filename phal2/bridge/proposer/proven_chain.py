"""The claims that a prover has signed on blocks after an output root, on the way to the next game."""

import logging

from phal2.bridge.proposer.errors import ChainMoved, UntrueClaim
from phal2.bridge.proposer.games import OutputOnL1
from phal2.bridge.proposer.gathering import GatheredRange, Gathering
from phal2.bridge.proposer.prover_client import ProverClient
from phal2.bridge.prover.claim import SignedClaim

_LOGGER = logging.getLogger("phal2.proposer")


class ProvenChain:
    """Grows by a request at a time. What was proven stays until L2 or the prover's key changes."""

    def __init__(self, gathering: Gathering, prover: ProverClient, blocks_in_a_request: int) -> None:
        self._gathering = gathering
        self._prover = prover
        self._blocks = blocks_in_a_request
        self._claims: list[SignedClaim] = []
        self._signer = b""

    def forget(self) -> None:
        """Begin again at the next parent."""
        self._claims.clear()

    async def prove(self, parent: OutputOnL1, target: int) -> SignedClaim:
        """Return a claim that goes from `parent` to the L2 block `target`, or beyond it where that is proven already.

        Raises `ChainMoved` (then nothing is kept), `UnprovableBlock`, `UntrueClaim`, and what the gathering and the
        prover raise; what was proven before is kept, and the next call goes on from there.
        """
        await self._begin_at(parent)
        while (tip := self._tip(parent))[0] < target:
            await self._extend(*tip, target)
        if len(self._claims) > 1:
            self._claims = [await self._prover.combine(self._claims)]
        return self._claims[0]

    async def _begin_at(self, parent: OutputOnL1) -> None:
        """Drop what is not after `parent`, and what a prover's former key has signed."""
        signer = (await self._prover.description()).address
        if signer != self._signer:
            self._claims.clear()
            self._signer = signer
        roots = [signed.claim.previous_output_root for signed in self._claims]
        self._claims = self._claims[roots.index(parent.root) :] if parent.root in roots else []

    def _tip(self, parent: OutputOnL1) -> tuple[int, bytes]:
        if not self._claims:
            return parent.l2_block_number, parent.root
        claim = self._claims[-1].claim
        return claim.l2_block_number, claim.output_root

    async def _extend(self, number: int, root: bytes, target: int) -> None:
        """Prove the next blocks after the block `number`, whose output root is `root`."""
        gathered = await self._gathering.gather(number + 1, min(target, number + self._blocks))
        signed = await self._prover.prove(gathered.request)
        if signed.claim.previous_output_root != root:
            self.forget()
            raise ChainMoved(f"L2 block {number} has another output root than the one to go on from")
        _check_claim(signed, gathered)
        self._claims.append(signed)
        _LOGGER.debug("proven: the L2 blocks %d to %d", number + 1, gathered.last.number)


def _check_claim(signed: SignedClaim, gathered: GatheredRange) -> None:
    claim, last = signed.claim, gathered.last
    stated = (claim.l2_block_number, claim.l1_block_number, claim.l1_block_hash)
    if stated != (last.number, last.l1_origin.number, last.l1_origin.hash):
        raise UntrueClaim(f"the prover was asked about the L2 blocks to {last.number}, but its claim is another")
