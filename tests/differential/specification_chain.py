"""The oracle: execution-specs (Prague), one transaction at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cast import CHAIN_ID
from ethereum.crypto.hash import Hash32
from ethereum.exceptions import EthereumException
from ethereum.forks.prague import fork, vm
from ethereum.forks.prague.blocks import Block, Header, Receipt
from ethereum.forks.prague.bloom import logs_bloom
from ethereum.forks.prague.fork_types import Account, Address
from ethereum.forks.prague.requests import compute_requests_hash
from ethereum.forks.prague.state import (
    State,
    account_exists,
    get_account,
    get_storage,
    set_account,
    set_storage,
    state_root,
)
from ethereum.forks.prague.transactions import LegacyTransaction, Transaction, decode_transaction
from ethereum.forks.prague.trie import root, trie_get, trie_set
from ethereum.forks.prague.vm.gas import calculate_blob_gas_price
from ethereum_rlp import rlp
from ethereum_rlp.exceptions import RLPException
from ethereum_types.bytes import Bytes, Bytes20, Bytes32
from ethereum_types.numeric import U64, U256, Uint
from hypothesis import reject

from phal2.node.protocol.headers import Block as NodeBlock
from phal2.node.protocol.headers import Header as NodeHeader
from phal2.node.protocol.headers import encode_header
from phal2.node.state.environment import BlockEnvironment
from phal2.node.state.genesis import GenesisAccount


@dataclass(frozen=True, slots=True)
class Commitments:
    """What a header says of a block's execution."""

    gas_used: int
    blob_gas_used: int
    state_root: bytes
    transactions_root: bytes
    receipts_root: bytes
    withdrawals_root: bytes
    bloom: bytes
    requests_hash: bytes


def specification_state(accounts: Mapping[bytes, GenesisAccount]) -> State:
    """Return the specification's state of `accounts`."""
    state = State()
    for address, account in accounts.items():
        set_account(state, Address(address), Account(Uint(account.nonce), U256(account.balance), account.code))
        for slot, word in account.storage.items():
            set_storage(state, Address(address), Bytes32(slot.to_bytes(32, "big")), U256(word))
    return state


def specification_header(header: NodeHeader) -> Header:
    """Return a header as the specification decodes it."""
    return rlp.decode_to(Header, encode_header(header))


class SpecificationBlock:
    """A block under construction by the specification; `block_hashes` are its ancestors', the parent's last."""

    def __init__(self, state: State, environment: BlockEnvironment, block_hashes: Sequence[bytes]) -> None:
        excess_blob_gas = U64(environment.excess_blob_gas or 0)
        self._environment = vm.BlockEnvironment(
            chain_id=U64(CHAIN_ID),
            state=state,
            block_gas_limit=Uint(environment.gas_limit),
            block_hashes=[Hash32(block_hash) for block_hash in block_hashes],
            coinbase=Address(environment.coinbase),
            number=Uint(environment.number),
            base_fee_per_gas=Uint(environment.base_fee_per_gas),
            time=U256(environment.timestamp),
            prev_randao=Bytes32(environment.prev_randao),
            excess_blob_gas=excess_blob_gas,
            parent_beacon_block_root=Hash32(environment.parent_beacon_block_root or bytes(32)),
        )
        self._output = vm.BlockOutput()
        self._included = 0
        self.blob_base_fee = int(calculate_blob_gas_price(excess_blob_gas))
        for target, data in (
            (fork.BEACON_ROOTS_ADDRESS, self._environment.parent_beacon_block_root),
            (fork.HISTORY_STORAGE_ADDRESS, self._environment.block_hashes[-1]),
        ):
            fork.process_unchecked_system_transaction(self._environment, target, data)

    @property
    def remaining_gas(self) -> int:
        """Gas that is left for further transactions."""
        return int(self._environment.block_gas_limit - self._output.block_gas_used)

    def nonce(self, address: bytes) -> int:
        """Return the nonce after the transactions so far."""
        return int(get_account(self._environment.state, Address(address)).nonce)

    def balance(self, address: bytes) -> int:
        """Return the balance after the transactions so far."""
        return int(get_account(self._environment.state, Address(address)).balance)

    def apply(self, raw: bytes) -> bytes | str:
        """Add a transaction and return its receipt's bytes, or why it may not be in the block."""
        index = Uint(self._included)
        try:
            fork.process_transaction(self._environment, self._output, _decode(raw), index)
        except OverflowError:
            # The specification adds the lengths of MODEXP's operands within 256 bits before it charges for them.
            reject()
        except (EthereumException, RLPException) as error:
            # The specification gives up the whole block, so it has noted the transaction already.
            trie_set(self._output.transactions_trie, rlp.encode(index), None)
            return f"{type(error).__name__}: {error}"
        self._included += 1
        receipt = trie_get(self._output.receipts_trie, rlp.encode(index))
        return rlp.encode(receipt) if isinstance(receipt, Receipt) else bytes(receipt or b"")

    def finish(self) -> Commitments | str:
        """End the block, or return why it is invalid."""
        try:
            fork.process_general_purpose_requests(self._environment, self._output)
        except EthereumException as error:
            return f"{type(error).__name__}: {error}"
        output = self._output
        return Commitments(
            gas_used=int(output.block_gas_used),
            blob_gas_used=int(output.blob_gas_used),
            state_root=bytes(state_root(self._environment.state)),
            transactions_root=bytes(root(output.transactions_trie)),
            receipts_root=bytes(root(output.receipts_trie)),
            withdrawals_root=bytes(root(output.withdrawals_trie)),
            bloom=bytes(logs_bloom(output.block_logs)),
            requests_hash=compute_requests_hash(output.requests),
        )


def header_fault(parent: NodeHeader, header: NodeHeader) -> str | None:
    """Return None where the specification finds `header` valid after `parent`, else its reason."""
    block = Block(specification_header(parent), (), (), ())
    try:
        fork.validate_header(fork.BlockChain([block], State(), U64(CHAIN_ID)), specification_header(header))
    except EthereumException as error:
        return f"{type(error).__name__} {error}"
    return None


def transition_fault(accounts: Mapping[bytes, GenesisAccount], parent: NodeHeader, blocks: Sequence[NodeBlock]) -> str:
    """Return why the specification's whole state transition refuses one of the blocks, empty where it takes them."""
    first = Block(specification_header(parent), (), (), ())
    chain = fork.BlockChain([first], specification_state(accounts), U64(CHAIN_ID))
    for block in blocks:
        transactions = tuple(
            rlp.decode_to(LegacyTransaction, raw) if raw[:1] >= b"\xc0" else Bytes(raw) for raw in block.transactions
        )
        try:
            fork.state_transition(chain, Block(specification_header(block.header), transactions, (), ()))
        except EthereumException as error:
            return f"block {block.header.number}: {type(error).__name__} {error}"
    return ""


def account_line(state: State, address: bytes, slots: Sequence[int]) -> str | None:
    """Return an account as text, None where there is none."""
    if not account_exists(state, Bytes20(address)):
        return None
    account = get_account(state, Address(address))
    words = {slot: int(get_storage(state, Address(address), Bytes32(slot.to_bytes(32, "big")))) for slot in slots}
    return f"nonce {int(account.nonce)} balance {int(account.balance)} code {account.code.hex()} storage {words}"


def touched_accounts(state: State) -> dict[bytes, list[int]]:
    """Return the addresses of all accounts, with the slots of their storage."""
    return {
        bytes(address): [int.from_bytes(key, "big") for key in _slots(state, address)]
        for address in state._main_trie._data
    }


def _slots(state: State, address: Address) -> Sequence[bytes]:
    trie = state._storage_tries.get(address)
    return [] if trie is None else list(trie._data)


def _decode(raw: bytes) -> Transaction:
    if raw[:1] >= b"\xc0":
        return rlp.decode_to(LegacyTransaction, raw)
    return decode_transaction(raw)
