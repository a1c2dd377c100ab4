"""The genesis blocks of real OP Stack chains, from their allocations to the hash that the superchain registry names."""

import tomllib
from pathlib import Path

import pytest

from phal2.devnet.command.main import main

CHAINS = (
    "mainnet/bob",
    "mainnet/ink",
    "mainnet/lisk",
    "mainnet/mode",
    "mainnet/shape",
    "mainnet/zora",
    "sepolia-devnet-2/sepolia-devnet-2",
    "sepolia/metal",
    "sepolia/soneium-minato",
    "sepolia/unichain",
    "sepolia/worldchain",
)


@pytest.mark.parametrize("chain", CHAINS)
def test_the_genesis_hash_is_reached(vectors: Path, capsys: pytest.CaptureFixture[str], chain: str) -> None:
    folder = vectors / "genesis"
    expected = tomllib.loads((folder / f"{chain}.toml").read_text())["genesis"]["l2"]["hash"]

    assert main(["genesis-hash", *_options(folder, chain, chain)]) == 0
    assert capsys.readouterr() == (f"{expected}\n", "")


def test_every_chain_of_the_vectors_is_among_them(vectors: Path) -> None:
    folder = vectors / "genesis"
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.toml")} == {f"{chain}.toml" for chain in CHAINS}


def test_another_chains_configuration_is_found_out(vectors: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["genesis-hash", *_options(vectors / "genesis", "mainnet/ink", "mainnet/zora")]) == 1
    assert "timestamp is " in capsys.readouterr().err


def _options(folder: Path, allocation: str, configuration: str) -> list[str]:
    dictionary = folder / "zstd-dictionary"
    options = [
        folder / f"{allocation}.json.zst",
        "--config",
        folder / f"{configuration}.toml",
        "--dictionary",
        dictionary,
    ]
    return [str(option) for option in options]
