"""Methods that choose fields of the next header: they work on L1, and L2 says why it refuses."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from phal2.devnet.development.inert_methods import refusing
from phal2.devnet.development.l1_chain import L1Development
from phal2.devnet.development.parameters import Amount, Number
from phal2.node.rpc.errors import invalid_params
from phal2.node.rpc.parameter_types import Address, AnyValue, Hash
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import BOOLEAN, NULL

_LEAST_GAS_LIMIT: Final = 5_000
_PREFIXES: Final[Mapping[str, Sequence[str]]] = {
    "setNextBlockBaseFeePerGas": ("anvil", "hardhat"),
    "setCoinbase": ("anvil", "hardhat"),
    "setPrevRandao": ("anvil", "hardhat"),
    "setBlockGasLimit": ("anvil", "evm"),
    "reorg": ("anvil",),
    "rollback": ("anvil",),
}
_REFUSALS: Final = {
    "setNextBlockBaseFeePerGas": "the base fee of an L2 block follows from its parent, and every follower computes it",
    "setCoinbase": "the fee recipient of L2 blocks is the SequencerFeeVault, by derivation",
    "setPrevRandao": "the randomness of an L2 block is that of its L1 origin; set it on L1",
    "setBlockGasLimit": "the gas limit of L2 blocks is the one of the system configuration on L1",
    "reorg": "L2 is reorganised with its L1: call it there",
    "rollback": "L2 goes back with its L1: call it there, or use evm_snapshot and evm_revert",
}


class L1HeaderMethods:
    """The fields that a proposer chooses, and reorganisations."""

    def __init__(self, chain: L1Development) -> None:
        self._chain = chain

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods."""
        for name, method, result in (
            ("setNextBlockBaseFeePerGas", self.set_next_block_base_fee, BOOLEAN),
            ("setCoinbase", self.set_coinbase, BOOLEAN),
            ("setPrevRandao", self.set_prev_randao, BOOLEAN),
            ("setBlockGasLimit", self.set_block_gas_limit, BOOLEAN),
            ("reorg", self.reorganise, NULL),
            ("rollback", self.roll_back, NULL),
        ):
            for prefix in _PREFIXES[name]:
                registry.add(f"{prefix}_{name}", method, result=result)

    async def set_next_block_base_fee(self, base_fee: Amount) -> bool:
        """Give the next block this base fee, in wei per gas; return true."""
        self._chain.choose(replace(self._chain.choices, base_fee_per_gas=base_fee))
        return True

    async def set_coinbase(self, address: Address) -> bool:
        """Pay the tips of later blocks to an address; return true."""
        self._chain.choose(replace(self._chain.choices, coinbase=address))
        return True

    async def set_prev_randao(self, randomness: Hash) -> bool:
        """Give the next block this randomness (PREVRANDAO); return true."""
        self._chain.choose(replace(self._chain.choices, prev_randao=randomness))
        return True

    async def set_block_gas_limit(self, gas_limit: Number) -> bool:
        """Give later blocks this gas limit; return true."""
        if gas_limit < _LEAST_GAS_LIMIT:
            raise invalid_params(f"a gas limit of {gas_limit} is too low; expected at least {_LEAST_GAS_LIMIT}")
        self._chain.choose(replace(self._chain.choices, gas_limit=gas_limit))
        return True

    async def reorganise(self, depth: Number, transactions: AnyValue | None = None) -> None:
        """Replace the newest blocks by others; their transactions return to the pool."""
        if transactions:
            raise invalid_params("transactions cannot be placed in the new blocks; send them after the reorganisation")
        await self._chain.reorganise(depth)

    async def roll_back(self, depth: Number = 1) -> None:
        """Take the newest blocks away, with what is in them."""
        await self._chain.roll_back(depth)


def register_l2_refusals(registry: MethodRegistry) -> None:
    """Offer the methods of L1 that L2 cannot have, to say why."""
    for name, reason in _REFUSALS.items():
        for prefix in _PREFIXES[name]:
            registry.add(f"{prefix}_{name}", refusing(reason), result=NULL)
