"""The pytest plugin `phal2`: a devnet for a test session.

def test_transfer(l2):
    assert l2.request("eth_chainId") == hex(l2.chain_id)
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from phal2.devnet.process import DevnetProcess, Endpoint


@pytest.fixture(scope="session")
def devnet() -> "Iterator[DevnetProcess]":
    """A running devnet on free ports, one for the session; it ends with it."""
    from phal2.devnet.process import DevnetProcess

    with DevnetProcess.start() as running:
        yield running


@pytest.fixture(scope="session")
def l1(devnet: "DevnetProcess") -> "Endpoint":
    """The devnet's L1."""
    return devnet.l1


@pytest.fixture(scope="session")
def l2(devnet: "DevnetProcess") -> "Endpoint":
    """The devnet's sequencer."""
    return devnet.l2


@pytest.fixture(scope="session")
def follower(devnet: "DevnetProcess") -> "Endpoint":
    """The devnet's follower, which derives L2 from L1 alone."""
    return devnet.follower
