"""The fixtures that the pytest plugin gives to the tests of others."""

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "testing.md"

SUITE = """
import pytest

pytest_plugins = ["pytester"]

@pytest.fixture(scope="session")
def devnet_options():
    return ("--automine",)

def transfer(l2):
    sender, receiver = l2.request("eth_accounts")[:2]
    return l2.request("eth_sendTransaction", {"from": sender, "to": receiver, "value": "0x1"})

def test_options_are_taken(l2):
    receipt = l2.request("eth_getTransactionReceipt", transfer(l2))
    assert receipt["status"] == "0x1"

numbers = []

@pytest.mark.parametrize("round", range(2))
def test_the_devnet_is_restored(restored_devnet, l2, round):
    sender = l2.request("eth_accounts")[0]
    numbers.append(l2.request("eth_getTransactionCount", sender, "latest"))
    transfer(l2)
    restored_devnet.advance_time(30)
    assert len(set(numbers)) == 1

def test_both_chains_are_there(devnet, l1, l2, follower):
    snapshot = devnet.snapshot()
    devnet.mine(2)
    devnet.advance_time(5)
    l1.mine(3)
    devnet.reorg_l1(1)
    with devnet.stop_sequencer():
        l1.mine()
    devnet.revert(snapshot)
    assert l1.chain_id == 31337
    assert follower.chain_id == l2.chain_id == 20350
"""


def test_a_suite_of_tests_runs_on_the_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SUITE)

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist")

    result.assert_outcomes(passed=4)


def test_the_plugin_costs_nothing_where_it_is_not_used(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import sys\ndef test_it():\n    assert not any(name.startswith('phal2.devnet.devnet') for name in sys.modules)"
    )

    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


EXAMPLES = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
CONFIGURATION = [example for example in EXAMPLES if "def devnet_options" in example]
TESTS = [example for example in EXAMPLES if example not in CONFIGURATION]


def test_the_documented_examples_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("\n".join(TESTS))

    pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist").assert_outcomes(passed=3)


def test_the_documented_options_do(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import pytest\n" + "\n".join(CONFIGURATION))
    # A withdrawal waits for blocks that come by themselves.
    pytester.makepyfile("\n".join(example for example in TESTS if "withdraw" not in example))

    pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist").assert_outcomes(passed=2)
