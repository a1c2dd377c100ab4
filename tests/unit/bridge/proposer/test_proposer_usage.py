"""`phal2 proposer` on the command line, and what its settings must be."""

from pathlib import Path

import pytest
from eth_abi import encode

from phal2.bridge.proposer.errors import ProposerError
from phal2.bridge.proposer.games import enclave_extra_data, permissioned_extra_data
from phal2.bridge.proposer.settings import ProposerSettings
from phal2.bridge.prover.claim import Claim, sign_claim
from phal2.devnet.command.main import main

ADDRESS = "0x" + "11" * 20
NOWHERE = ("--l1", "http://127.0.0.1:9", "--l2", "http://127.0.0.1:9")
CONTRACTS = (
    "--dispute-game-factory",
    ADDRESS,
    "--anchor-state-registry",
    ADDRESS,
    "--prover-registry",
    ADDRESS,
)


@pytest.mark.parametrize(
    "wrong",
    [
        (),
        (*NOWHERE,),
        (*NOWHERE, *CONTRACTS, "--prover", "nowhere"),
        (*NOWHERE, *CONTRACTS, "--game-type", "cannon"),
        (*NOWHERE, *CONTRACTS, "--interval-blocks", "0"),
        (*NOWHERE, *CONTRACTS, "--workload", "0x12"),
        (*NOWHERE, *CONTRACTS, "--approver-private-key", "0x12"),
        ("propose", *NOWHERE, *CONTRACTS),
    ],
)
def test_wrong_usage_has_exit_code_2(wrong: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["proposer", *wrong])
    assert end.value.code == 2


def test_what_is_missing_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["proposer", *NOWHERE, *CONTRACTS]) == 1
    assert "--private-key-file" in capsys.readouterr().err
    path = tmp_path / "key"
    path.write_text("12")
    assert main(["proposer", *NOWHERE, *CONTRACTS, "--private-key-file", str(path)]) == 1
    assert "64 hex digits" in capsys.readouterr().err
    path.write_text("0x" + "11" * 32)
    assert main(["proposer", *NOWHERE, *CONTRACTS, "--private-key-file", str(path)]) == 1
    assert "127.0.0.1:9" in capsys.readouterr().err
    assert main(["proposer", "register", *NOWHERE, *CONTRACTS]) == 1
    assert "--prover HOST:PORT" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [
        {"interval_blocks": 0},
        {"interval_seconds": 0},
        {"poll_interval_seconds": 0},
        {"blocks_in_a_request": 0},
        {"blocks_in_a_request": 2_000},
        {"fee_limit": 0},
    ],
)
def test_settings_without_sense_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ProposerError):
        ProposerSettings(**wrong)


def test_extra_data_is_the_abi_encoding_that_the_games_take() -> None:
    claim = Claim(b"\x01" * 32, b"\x02" * 32, 300, 700, b"\x03" * 32, b"\x04" * 32)
    signed = sign_claim(claim, b"\x05" * 32)
    types = ["uint256", "uint256", "uint256", "bytes"]
    assert enclave_extra_data(signed, 9) == encode(types, [700, 300, 9, signed.signature])
    assert permissioned_extra_data(700) == encode(["uint256"], [700])
