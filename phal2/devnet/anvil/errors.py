"""What can go wrong with an anvil that a devnet runs on."""

from pathlib import Path
from typing import Final

from phal2.node.protocol.errors import Phal2Error

HOW_TO_GET_IT: Final = (
    "Foundry has it (https://getfoundry.sh), and so has npm: `npm install @foundry-rs/anvil` puts the program into "
    "node_modules/@foundry-rs/anvil-SYSTEM-ARCHITECTURE/bin/anvil; name it with --anvil, or have it on the PATH. "
    "Without --l1 the devnet has its own embedded L1"
)


class AnvilMissing(Phal2Error):
    """There is no anvil to run."""

    def __init__(self, asked_for: Path | None) -> None:
        self.asked_for = asked_for
        where = "anvil is not on the PATH" if asked_for is None else f"{asked_for} is no program that can be run"
        super().__init__(f"{where}: {HOW_TO_GET_IT}")


class AnvilFailed(Phal2Error):
    """anvil did not start, or has ended. `output` is the last of what it said."""

    def __init__(self, what: str, output: str) -> None:
        self.output = output
        super().__init__(f"{what}; it said: {' '.join(output.split())[-1000:] or 'nothing'}")


class AnvilSnapshotLost(Phal2Error):
    """A snapshot that anvil no longer has."""

    def __init__(self) -> None:
        super().__init__(
            "anvil no longer has the snapshot of L1 that belongs to this one: an evm_revert at L1 has used it up; "
            "take a new one"
        )
