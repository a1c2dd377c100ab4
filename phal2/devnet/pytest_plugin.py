"""The pytest plugin `phal2`: a devnet for a test session.

def test_transfer(devnet, l2):
    devnet.mine()
    assert l2.block_number() >= 1
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from phal2.devnet.process import DevnetProcess, Endpoint


@pytest.fixture(scope="session")
def devnet_options() -> Sequence[str]:
    """Further options of `phal2 devnet` for the session's devnet; override it in a conftest.py to give some."""
    return ()


@pytest.fixture(scope="session")
def devnet(devnet_options: Sequence[str]) -> "Iterator[DevnetProcess]":
    """A running devnet on free ports, one for the session; it ends with it."""
    from phal2.devnet.process import DevnetProcess

    with DevnetProcess.start(*devnet_options) as running:
        yield running


@pytest.fixture
def restored_devnet(devnet: "DevnetProcess") -> "Iterator[DevnetProcess]":
    """The session's devnet, which returns after the test to where it was before: L1, L2, follower and time."""
    before = devnet.snapshot()
    yield devnet
    devnet.revert(before)


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
