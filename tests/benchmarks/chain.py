"""The chain that benchmarks run on in process: the devnet's rollup with many funded accounts, and its next blocks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from benchmarks.accounts import TOKEN, Population
from phal2.contracts import load_artefact
from phal2.devnet.accounts import role_account
from phal2.devnet.deployment import planned_l1_contracts
from phal2.devnet.rollup import devnet_rollup
from phal2.devnet.settings import DevnetSettings
from phal2.devnet.storage_layout import storage_words
from phal2.node.derivation.attributes import epoch_attributes
from phal2.node.derivation.l1_traversal import Epoch
from phal2.node.protocol.block_refs import BlockId, L1BlockRef, L2BlockRef
from phal2.node.protocol.headers import Block
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.protocol.rollup_config import RollupConfig
from phal2.node.state.database import StateUpdate
from phal2.node.state.genesis import GenesisAccount, l1_genesis_block
from phal2.node.state.outcomes import ExecutedBlock
from phal2.node.state.rules import L1Rules

CHAIN_ID: Final = 20350
BLOCK_GAS_LIMIT: Final = 500_000_000
"""The most that SystemConfig takes: room for 5,000 token transfers by their gas limits."""

_BALANCE: Final = 10**20
_TOKENS: Final = 10**18
_START: Final = 1_700_000_000


@dataclass(frozen=True, slots=True)
class BenchmarkChain:
    """A rollup with its genesis block, and the L1 block that all its L2 blocks have as their origin."""

    config: RollupConfig
    genesis: ExecutedBlock
    l1_block: Block

    def attributes(self, parent: L2BlockRef) -> PayloadAttributes:
        """Return the attributes of the block after `parent`, which takes transactions from the pool."""
        header = self.l1_block.header
        ref = L1BlockRef(self.l1_block.hash, header.number, header.parent_hash, header.timestamp)
        epoch = Epoch(header, ref, (), self.config.genesis_system_config)
        attributes = epoch_attributes(self.config, epoch, parent, parent.timestamp + self.config.block_time)
        return replace(attributes, no_tx_pool=False)


def benchmark_chain(people: Population) -> BenchmarkChain:
    """Return a chain of the devnet's rules on which all of `people` own ETH and tokens."""
    l1_state = StateUpdate(bytes(32), {})
    l1_block = l1_genesis_block(L1Rules(31337), l1_state, _START, 30_000_000, 10**9).block
    start = L1BlockRef(l1_block.hash, 0, bytes(32), _START)
    settings = DevnetSettings(l2_chain_id=CHAIN_ID, l2_gas_limit=BLOCK_GAS_LIMIT)
    owner = role_account("owner").address
    bare = devnet_rollup(settings, {}, owner, planned_l1_contracts(owner), start)
    accounts = {**bare.genesis.accounts, **funded_accounts(people), TOKEN: token_account(people)}
    genesis = replace(bare.genesis, accounts=accounts)
    block = genesis.block(bare.config)
    config = replace(bare.config, l2_genesis=BlockId(block.block.hash, 0))
    return BenchmarkChain(config, block, l1_block)


def funded_accounts(people: Population) -> Mapping[bytes, GenesisAccount]:
    """Return accounts that own ETH and nothing else."""
    return {address: GenesisAccount(balance=_BALANCE) for address in people.addresses}


def token_account(people: Population) -> GenesisAccount:
    """Return an ERC-20 token of which everybody owns the same."""
    artefact = load_artefact("PHAToken")
    balances = dict.fromkeys(people.addresses, _TOKENS)
    storage = storage_words(artefact, {"_balances": balances, "_totalSupply": _TOKENS * len(balances)})
    return GenesisAccount(nonce=1, code=artefact.deployed_bytecode, storage=storage)
