"""What can go wrong while outputs are proposed."""

from phal2.node.protocol.errors import Phal2Error


class ProposerError(Phal2Error):
    """Root of the proposer's errors."""


class ProverUnavailable(ProposerError):
    """The prover program does not run, ended, or takes too long. A new one has another key, to be registered anew."""


class ProverOfAnotherRollup(ProposerError):
    """The prover was started with the configuration of another rollup. Start it with this one's."""

    def __init__(self, expected: bytes, found: bytes) -> None:
        super().__init__(
            f"the prover's rollup has the configuration hash 0x{found.hex()}, this one's is 0x{expected.hex()}; "
            "start the prover with this rollup's configuration"
        )
        self.expected = expected
        self.found = found


class UntrueClaim(ProposerError):
    """The prover signed something else than was asked for: it is faulty. Nothing was sent."""


class ChainMoved(ProposerError):
    """L1 or L2 was reorganised while blocks were gathered. Begin again at the newest game that is still right."""


class UnprovableBlock(ProposerError):
    """An L2 block whose witness the node no longer has, or that no request can hold."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"L2 block {number} cannot be proven: {reason}")
        self.number = number


class CallRefused(ProposerError):
    """A contract would revert; the text has the reason by the name of its error. Nothing was sent."""


class NotRegistered(ProposerError):
    """The prover's key is not (or no longer) in the ProverRegistry, so that games with its claims would revert."""


class InvalidQuote(ProposerError):
    """A prover's quote that does not hold, or is not of the program, the rollup and the registry that it should be."""
