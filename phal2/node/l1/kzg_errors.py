"""What can be wrong with blobs and their KZG proofs."""

from phal2.node.protocol.errors import Phal2Error


class KzgUnavailable(Phal2Error):
    """The worker process did not answer. Nothing is known of the blobs; try again."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the blobs could not be checked: {reason}; try again")


class InvalidBlob(Phal2Error):
    """A blob that no commitment exists for: not 131,072 bytes, or a field element not below the modulus."""


class InvalidKzgProof(Phal2Error):
    """Blobs whose KZG proofs do not show that they are those of the commitments."""
