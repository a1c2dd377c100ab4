"""The module with viem's definitions of a devnet's chains. tests/clients runs viem on one."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from phal2.bridge.whole_files import FileNotWritten
from phal2.devnet.deployment import planned_l1_contracts
from phal2.devnet.description import DevnetDescription
from phal2.devnet.rollup import L2_CONTRACTS
from phal2.devnet.viem_chain import viem_chain_module, write_viem_chain
from phal2.node.protocol.addresses import to_checksum_address

CONTRACTS = planned_l1_contracts(b"\x01" * 20)
DESCRIPTION = DevnetDescription(
    l1_rpc_url="http://127.0.0.1:8545",
    l1_chain_id=31337,
    l1_contracts=CONTRACTS.by_name(),
    l2_rpc_url="http://127.0.0.1:9545",
    l2_chain_id=20350,
    l2_contracts=L2_CONTRACTS,
    follower_rpc_url="http://127.0.0.1:9546",
    accounts=(),
    tee_root_der=b"",
)


def test_it_names_endpoints_ids_and_the_contracts_by_their_l1() -> None:
    module = viem_chain_module(DESCRIPTION)

    assert 'http: ["http://127.0.0.1:9545"], webSocket: ["ws://127.0.0.1:9545"]' in module
    assert re.findall(r"^  id: (\d+),$", module, re.MULTILINE) == ["31337", "20350"]
    for name, address in (
        ("portal", CONTRACTS.optimism_portal),
        ("disputeGameFactory", CONTRACTS.dispute_game_factory),
        ("l1StandardBridge", CONTRACTS.l1_standard_bridge),
    ):
        assert f'{name}: {{ [l1.id]: {{ address: "{to_checksum_address(address)}" }} }}' in module
    assert module.count('multicall3: { address: "0xcA11bde05977b3631167028862bE2a173976CA11" }') == 2


def test_a_url_is_quoted() -> None:
    assert r'"http://a/\"; evil(\""' in viem_chain_module(replace(DESCRIPTION, l1_rpc_url='http://a/"; evil("'))


def test_it_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "chain.ts"

    write_viem_chain(path, DESCRIPTION)

    assert path.read_text() == viem_chain_module(DESCRIPTION)
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotWritten, match="cannot be written"):
        write_viem_chain(tmp_path / "missing" / "chain.ts", DESCRIPTION)
