"""The simulated TD of a prover: quotes of a workload whose measurement covers the rollup's configuration.

`python -m phal2.bridge.prover --enclave phal2.devnet.tee.prover_enclave:open_enclave` takes its quotes from here; it
would take them from dstack's guest agent on real hardware, where the configuration is part of what is measured.
"""

from dataclasses import dataclass
from typing import Final

from phal2.devnet.tee.measurements import measure
from phal2.node.protocol.keccak import keccak256

OPEN_ENCLAVE: Final = "phal2.devnet.tee.prover_enclave:open_enclave"


@dataclass(frozen=True, slots=True)
class SimulatedProverEnclave:
    """An `Enclave` of the TEE simulator."""

    workload: str

    def quote(self, report_data: bytes) -> bytes:
        """Return a raw quote over 64 bytes of report data."""
        # It brings the certificates' library, which proving does without.
        from phal2.devnet.tee.simulator import simulate_quote

        # The time goes into the collateral alone.
        return simulate_quote(report_data, self.workload, 0).quote


def open_enclave(configuration: bytes) -> SimulatedProverEnclave:
    """Return the enclave of a prover that was started with these bytes as its configuration file."""
    return SimulatedProverEnclave(prover_workload(configuration))


def prover_workload_hash(configuration: bytes) -> bytes:
    """Return the hash of a prover's workload, by which a ProverRegistry allows it (docs/attested-transactions.md)."""
    measured = measure(prover_workload(configuration))
    return keccak256(measured.mr_td + b"".join(measured.rt_mrs) + measured.mr_config_id)


def prover_workload(configuration: bytes) -> str:
    """Return the name of the workload: the same for the same configuration, byte by byte."""
    return f"phal2 prover of 0x{keccak256(configuration).hex()}"
