import pytest
from contract_chain import Chain

from phal2.node.protocol.predeploys import ATTESTATION_CONTEXT


@pytest.fixture
def chain() -> Chain:
    """A fresh chain that has AttestationContext and nothing else."""
    chain = Chain()
    chain.place("AttestationContext", ATTESTATION_CONTEXT)
    return chain
