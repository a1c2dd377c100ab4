"""An embedded L1 in a process of its own, for a sequencer that runs alone: python -m benchmarks.l1_process DIR."""

import asyncio
import json
import signal
import sys
from pathlib import Path

from benchmarks.chain import BLOCK_GAS_LIMIT, CHAIN_ID
from phal2.devnet.accounts import DEFAULT_MNEMONIC, accounts_of_mnemonic, role_account
from phal2.devnet.deployment import planned_l1_contracts
from phal2.devnet.l1 import EmbeddedL1
from phal2.devnet.rollup import DevnetRollup, devnet_rollup
from phal2.devnet.rollup_files import write_rollup_files
from phal2.devnet.servers import serve_l1
from phal2.devnet.settings import DevnetSettings
from phal2.node.driver.clock import Clock
from phal2.node.protocol.block_refs import L1BlockRef
from phal2.node.protocol.headers import Header
from phal2.node.state.genesis import genesis_state, l1_genesis_block
from phal2.node.state.rules import L1Rules


async def main(directory: Path, account_count: int) -> None:
    """Serve an empty L1; once it is up print {rpc} on one line, the rollup's files being in the directory."""
    settings = DevnetSettings(l2_chain_id=CHAIN_ID, l2_gas_limit=BLOCK_GAS_LIMIT, account_count=account_count)
    clock = Clock()
    genesis = l1_genesis_block(
        L1Rules(settings.l1_chain_id), genesis_state({}), int(clock.now()), settings.l1_gas_limit, 10**9
    )
    write_rollup_files(directory, _rollup(settings, genesis.block.header, genesis.block.hash))
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    l1 = EmbeddedL1.open(directory / "l1", genesis, settings.l1_chain_id, settings.l1_block_time, clock, durable=False)
    try:
        server = await serve_l1(l1, settings.host, 0)
        await l1.start()
        print(json.dumps({"rpc": server.url}), flush=True)
        await stop.wait()
        await server.stop()
    finally:
        await l1.stop()


def _rollup(settings: DevnetSettings, l1_header: Header, l1_hash: bytes) -> DevnetRollup:
    accounts = accounts_of_mnemonic(DEFAULT_MNEMONIC, settings.account_count)
    balances = {account.address: settings.balance for account in accounts}
    owner = role_account("owner").address
    start = L1BlockRef(l1_hash, l1_header.number, l1_header.parent_hash, l1_header.timestamp)
    return devnet_rollup(settings, balances, owner, planned_l1_contracts(owner), start)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
