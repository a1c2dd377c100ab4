"""Why a prover refuses to sign. Each class is one check that failed; the text says what was found and expected."""

from phal2.node.protocol.errors import Phal2Error


class ProverError(Phal2Error):
    """Root of the prover's errors. Nothing was signed."""


class MalformedRequest(ProverError):
    """Bytes that are no request: not canonical, of an unknown kind, or above a bound. Correct whoever made them."""


class WrongParent(ProverError):
    """The block before the first one is not what a chain of this rollup can have, or its parts contradict its hash."""


class WrongL1Origin(ProverError):
    """L1 headers that are not linked by their parent hashes to the parent's L1 origin, or more or fewer than needed."""


class WrongReceipts(ProverError):
    """Receipts that do not have the receipts root of their L1 header, or are missing where they may matter."""

    def __init__(self, l1_block: int, reason: str) -> None:
        super().__init__(f"receipts of L1 block {l1_block}: {reason}")
        self.l1_block = l1_block


class WrongMessagePasserProof(ProverError):
    """A proof that does not show the message passer's storage root under a block's state root."""

    def __init__(self, block: int, reason: str) -> None:
        super().__init__(f"message passer of L2 block {block}: {reason}")
        self.block = block


class BrokenRule(ProverError):
    """A block that derivation would not take: its parent, time, L1 origin, drift or transactions break a rule."""

    def __init__(self, block: int, reason: str) -> None:
        super().__init__(f"L2 block {block} breaks a rule of derivation: {reason}")
        self.block = block


class ExecutionFailed(ProverError):
    """A block that cannot be executed from the witness: an invalid transaction, or something is missing."""

    def __init__(self, block: int, reason: str) -> None:
        super().__init__(f"L2 block {block} cannot be executed: {reason}")
        self.block = block


class WrongBlock(ProverError):
    """A block whose header is not what executing it gives; `field` is the first field that differs."""

    def __init__(self, block: int, field: str, stated: object, computed: object) -> None:
        super().__init__(
            f"L2 block {block} states the {field.replace('_', ' ')} {_shown(stated)}, but executing it gives "
            f"{_shown(computed)}"
        )
        self.block = block
        self.field = field


class UnlinkedClaims(ProverError):
    """Claims that cannot be combined: not signed by this prover, or one does not follow the other."""


class NoEnclave(ProverError):
    """A quote was asked for, but the program runs without an enclave."""


def _shown(value: object) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
