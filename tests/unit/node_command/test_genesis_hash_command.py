"""`phal2 genesis-hash`: the hash of a genesis as the file states it, and one line where it cannot be computed."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phal2.devnet.command.main import main
from phal2.node.command.rollup_rules import rollup_rules
from phal2.node.protocol.forks import Fork, ForkSchedule
from phal2.node.protocol.headers import header_hash
from phal2.node.protocol.predeploys import L2_TO_L1_MESSAGE_PASSER
from phal2.node.state.genesis import GenesisAccount, genesis_state, l2_genesis_block
from phal2.node.state.rules import L2Rules

CHAIN_ID = 20350
TIME = 1_750_000_000
ACCOUNTS = {
    b"\x0a" * 20: GenesisAccount(10**18, nonce=3),
    L2_TO_L1_MESSAGE_PASSER: GenesisAccount(code=b"\x00", storage={1: 2}),
}
FORKS = [fork for fork in Fork if fork >= Fork.REGOLITH]


def allocation(**changes: Any) -> dict[str, Any]:
    """Return a genesis.json with fields changed; `...` leaves a field out."""
    content: dict[str, Any] = {
        "config": {"chainId": CHAIN_ID, "londonBlock": 0},
        "nonce": "0x0",
        "timestamp": hex(TIME),
        "extraData": "0x424544524f434b",
        "gasLimit": "0x1c9c380",
        "difficulty": "0x0",
        "mixHash": "0x" + "00" * 32,
        "coinbase": "0x4200000000000000000000000000000000000011",
        "number": "0x0",
        "gasUsed": "0x0",
        "parentHash": "0x" + "00" * 32,
        "baseFeePerGas": "0x3b9aca00",
        "excessBlobGas": None,
        "blobGasUsed": None,
        "alloc": {
            "0a" * 20: {"balance": hex(10**18), "nonce": "0x3"},
            "0x" + L2_TO_L1_MESSAGE_PASSER.hex(): {"balance": "0x0", "code": "0x00", "storage": {"0x1": "0x2"}},
        },
    }
    content |= changes
    return {name: value for name, value in content.items() if value is not ...}


def configuration(genesis_hash: bytes, forks: list[Fork], number: int = 0) -> str:
    times = "\n".join(f"{fork.name.lower()}_time = {index and TIME - index}" for index, fork in enumerate(forks))
    return f"""
name = "A chain"
chain_id = {CHAIN_ID}
[hardforks]
{times}
karst_time = 0 # of no effect on a genesis block
[optimism]
eip1559_elasticity = 6
eip1559_denominator = 50
[genesis]
l2_time = {TIME}
[genesis.l2]
hash = "0x{genesis_hash.hex()}"
number = {number}
"""


def expected_hash(forks: list[Fork], **header_fields: Any) -> bytes:
    schedule = ForkSchedule(**{f"{fork.name.lower()}_time": 0 for fork in forks})
    rules = rollup_rules(chain_id=CHAIN_ID, forks=schedule, elasticity=6, denominator=50, denominator_canyon=250)
    block = l2_genesis_block(
        L2Rules(rules), genesis_state(ACCOUNTS), TIME, 30_000_000, 10**9, extra_data=bytes.fromhex("424544524f434b")
    ).block
    return header_hash(replace(block.header, **header_fields))


def run(tmp_path: Path, genesis: object, config: str | bytes) -> int:
    files = tmp_path / "genesis.json", tmp_path / "chain.toml"
    files[0].write_bytes(genesis if isinstance(genesis, bytes) else json.dumps(genesis).encode())
    files[1].write_bytes(config if isinstance(config, bytes) else config.encode())
    return main(["genesis-hash", str(files[0]), "--config", str(files[1])])


@pytest.mark.parametrize("last", FORKS, ids=lambda fork: fork.name)
def test_every_fork_at_genesis_has_its_header(tmp_path: Path, capsys: pytest.CaptureFixture[str], last: Fork) -> None:
    forks = FORKS[: FORKS.index(last) + 1]
    expected = expected_hash(forks)

    assert run(tmp_path, allocation(), configuration(expected, forks[1:])) == 0
    assert capsys.readouterr() == (f"0x{expected.hex()}\n", "")


def test_a_base_fee_that_is_not_stated_is_geths_initial_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = expected_hash([])

    assert run(tmp_path, allocation(baseFeePerGas=None), configuration(expected, [])) == 0
    assert capsys.readouterr() == (f"0x{expected.hex()}\n", "")


def test_another_hash_is_told_beside_the_configurations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, allocation(), configuration(b"\xab" * 32, [])) == 1

    computed, printed = "0x" + expected_hash([]).hex(), capsys.readouterr()
    assert printed.out == f"{computed}\n"
    assert printed.err.startswith(f"phal2: error: the genesis block has the hash {computed}, but ")
    assert f"says 0x{'ab' * 32}" in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize(
    ("stated", "header_fields"),
    [
        ({"coinbase": "0x" + "0c" * 20}, {"coinbase": b"\x0c" * 20}),
        ({"difficulty": "0x1"}, {"difficulty": 1}),
        ({"nonce": "0x0000000000000042"}, {"nonce": bytes(7) + b"\x42"}),
        ({"mixHash": "0x" + "0d" * 32}, {"prev_randao": b"\x0d" * 32}),
        ({"parentHash": "0x" + "0e" * 32}, {"parent_hash": b"\x0e" * 32}),
        ({"gasUsed": "0x5"}, {"gas_used": 5}),
        ({"gasLimit": 60_000_000}, {"gas_limit": 60_000_000}),
        ({"baseFeePerGas": "1"}, {"base_fee_per_gas": 1}),
        ({"extraData": "0x" + "0f" * 200}, {"extra_data": b"\x0f" * 200}),
        ({"config": None}, {}),
        ({"config": ..., "difficulty": ..., "nonce": ..., "mixHash": ..., "coinbase": ..., "number": ...}, {}),
        ({"surprise": {"of": "no effect"}}, {}),
    ],
)
def test_the_header_has_what_the_file_states(
    tmp_path: Path, stated: dict[str, Any], header_fields: dict[str, Any]
) -> None:
    assert run(tmp_path, allocation(**stated), configuration(expected_hash([], **header_fields), [])) == 0


def test_blob_fields_are_taken_from_the_file_where_the_fork_has_them(tmp_path: Path) -> None:
    forks = FORKS[: FORKS.index(Fork.ECOTONE) + 1]
    expected = expected_hash(forks, blob_gas_used=7, excess_blob_gas=9)

    stated = allocation(blobGasUsed="0x7", excessBlobGas="0x9")
    assert run(tmp_path, stated, configuration(expected, forks[1:])) == 0


def test_a_migrated_chain_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, allocation(alloc={}, stateHash="0x" + "0a" * 32), configuration(bytes(32), [], 105235063)) == 1
    assert "describes block 0, but the configuration's rollup begins with block 105235063" in capsys.readouterr().err

    assert run(tmp_path, allocation(alloc={}, stateHash="0x" + "0a" * 32), configuration(bytes(32), [])) == 1
    assert "has a stateHash in place of the accounts" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("genesis", "reason"),
    [
        (b"", "genesis.json: is not JSON"),
        (b"[]", "genesis.json: the document is a JSON list"),
        (b"[" * 100_000, "genesis.json: is not JSON"),
        (allocation(alloc=...), "alloc is missing"),
        (allocation(alloc={"0x1": {}}), "is no address"),
        (allocation(alloc={"0a" * 20: {"balance": "lots"}}), "balance is 'lots'"),
        (allocation(gasLimit=...), "gasLimit is missing"),
        (allocation(baseFeePerGas="0x"), "baseFeePerGas is "),
        (allocation(extraData="0x" + "00" * 65_537), "extraData is '0x0000"),
        (allocation(timestamp="0x1"), f"expected {TIME}, which the configuration has as genesis.l2_time"),
        (allocation(config={"chainId": 1}), "config.chainId is 1, but the configuration is of chain 20350"),
    ],
)
def test_what_is_no_genesis_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], genesis: object, reason: str
) -> None:
    assert run(tmp_path, genesis, configuration(bytes(32), [])) == 1
    printed = capsys.readouterr()
    assert reason in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)


def without(text: str) -> Callable[[str], str]:
    return lambda config: config.replace(text, "")


@pytest.mark.parametrize(
    ("altered", "reason"),
    [
        (lambda config: config + "=", "is not TOML"),
        (lambda config: config + "\na = " + "[" * 50_000, "is not TOML"),
        (lambda config: config.encode() + b"\xff", "is not TOML"),
        (lambda config: config + "#" + "x" * (1 << 20), "is longer than 1048576 bytes"),
        (without(f"chain_id = {CHAIN_ID}"), "chain_id is missing"),
        (without("[genesis.l2]"), "genesis.l2 is missing"),
        (without(f"l2_time = {TIME}"), "genesis.l2_time is missing"),
        (lambda config: config.replace("karst_time", "canyon_time").replace("= 0", '= "0"'), "hardforks.canyon_time"),
    ],
)
def test_what_is_no_configuration_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], altered: Callable[[str], str | bytes], reason: str
) -> None:
    assert run(tmp_path, allocation(), altered(configuration(bytes(32), []))) == 1
    printed = capsys.readouterr()
    assert "chain.toml: " in printed.err
    assert reason in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)


@pytest.mark.parametrize("arguments", [[], ["genesis.json"], ["--config", "chain.toml"]])
def test_bad_usage_has_exit_code_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["genesis-hash", *arguments])

    assert end.value.code == 2
    assert "usage: phal2 genesis-hash" in capsys.readouterr().err


def test_the_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["genesis-hash", "--help"])

    assert end.value.code == 0
    text = capsys.readouterr().out
    for taught in ("superchain registry", "--dictionary", "[genesis.l2]", "migrated", "exit codes"):
        assert taught in text
