"""`phal2 devnet` as a person or a script uses it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from eth_account import Account
from web3 import Web3

PORTS = ("--l1-port", "0", "--l2-port", "0", "--follower-port", "0")
DEVNET = (sys.executable, "-m", "phal2", "devnet")


@pytest.fixture(scope="module")
def text_devnet() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A devnet without --json, and what it printed until it was up."""
    process = subprocess.Popen((*DEVNET, *PORTS), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    yield process, "".join(lines)
    process.kill()
    process.communicate()


def test_it_prints_accounts_keys_contracts_and_endpoints(text_devnet: tuple[subprocess.Popen[str], str]) -> None:
    _, text = text_devnet

    assert "(0) 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 (10,000 ETH)" in text
    assert "(9) 0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6" in text
    assert "test test test test test test test test test test test junk" in text
    assert "OptimismPortal" in text
    assert re.search(r"^EnclaveRegistry +0x4200000000000000000000000000000000000056$", text, re.MULTILINE)
    assert "chain id 20350" in text


def test_ctrl_c_ends_it_with_exit_code_0_and_progress_on_stderr(
    text_devnet: tuple[subprocess.Popen[str], str],
) -> None:
    process, _ = text_devnet

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)

    assert process.returncode == 0
    assert "L1: deploying the contracts" in errors
    assert "Traceback" not in errors


def test_json_is_one_line_and_all_of_stdout() -> None:
    process = subprocess.Popen((*DEVNET, *PORTS, "--json", "--accounts", "2"), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    description = json.loads(process.stdout.readline())
    process.terminate()
    rest = process.stdout.read()
    process.stdout.close()

    assert (process.wait(timeout=20), rest) == (0, "")
    assert description["l1"]["chainId"] == 31337
    assert description["l2"]["chainId"] == 20350
    assert description["l2"]["ws"].startswith("ws://127.0.0.1:")
    assert set(description["follower"]) == {"rpc"}
    assert description["tee"]["simulated"] is True
    assert [Account.from_key(account["privateKey"]).address for account in description["accounts"]] == [
        account["address"] for account in description["accounts"]
    ]
    assert len(description["accounts"]) == 2
    for contracts in (description["l1"]["contracts"], description["l2"]["contracts"]):
        assert all(Web3.is_checksum_address(address) for address in contracts.values())


def test_a_taken_port_is_one_clear_line_and_exit_code_1() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        result = subprocess.run(
            (*DEVNET, "--l1-port", str(port), "--l2-port", "0", "--follower-port", "0", "--json"),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert (result.returncode, result.stdout) == (1, "")
    (error,) = [line for line in result.stderr.splitlines() if "error" in line]
    assert f"port {port} on 127.0.0.1 is in use" in error


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--l2-block-time", "0"), "whole number of at least 1"),
        (("--l1-port", "70000"), "no port"),
        (("--balance", "-1"), "amount in ETH"),
        (("--accounts", "many"), "whole number of at least 1"),
        (("--no-such-option",), "unrecognized"),
    ],
)
def test_bad_usage_is_explained_with_exit_code_2(options: tuple[str, ...], reason: str) -> None:
    result = subprocess.run((*DEVNET, *options), capture_output=True, text=True, timeout=60, check=False)

    assert result.returncode == 2
    assert reason in result.stderr


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--l2-gas-limit", "1000000"), "SystemConfig takes 2,000,000 to 500,000,000; choose --l2-gas-limit"),
        (("--l1-gas-limit", "2000000"), "a block of this L1 has 2,000,000"),
    ],
)
def test_gas_limits_that_do_not_do_are_explained_with_exit_code_1(options: tuple[str, ...], reason: str) -> None:
    result = subprocess.run((*DEVNET, *PORTS, *options), capture_output=True, text=True, timeout=60, check=False)

    assert result.returncode == 1
    assert reason in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_mnemonic_is_explained_with_exit_code_1() -> None:
    result = subprocess.run(
        (*DEVNET, *PORTS, "--mnemonic", "test test"), capture_output=True, text=True, timeout=60, check=False
    )

    assert result.returncode == 1
    assert "BIP-39" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_data_directory_that_cannot_be_made_is_explained() -> None:
    result = subprocess.run(
        (*DEVNET, *PORTS, "--data-dir", os.devnull + "/chain"), capture_output=True, text=True, timeout=60, check=False
    )

    assert result.returncode == 1
    assert "data directory" in result.stderr
    assert "Traceback" not in result.stderr
