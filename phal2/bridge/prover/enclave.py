"""What a prover asks of the enclave around it."""

from typing import Protocol


class Enclave(Protocol):
    """A trusted execution environment, as dstack's guest agent offers it."""

    def quote(self, report_data: bytes) -> bytes:
        """Return a raw DCAP quote over 64 bytes of report data, of the program that asks."""
        ...
