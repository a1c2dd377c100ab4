"""A chain of one state in memory, on which tests execute the contracts' code: messages of py-evm under Prague rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.db.backends.memory import MemoryDB
from eth.exceptions import VMError
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.prague.state import PragueState
from eth.vm.message import Message

from phal2.contracts import (
    Artefact,
    DecodedEvent,
    artefact_names,
    decode_event,
    decode_result,
    decode_revert,
    encode_call,
    encode_constructor,
    load_artefact,
)
from phal2.node.protocol.addresses import ZERO_ADDRESS, contract_address
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import ATTESTATION_CONTEXT, implementation_address

START_TIME = 1_750_000_000
GAS_LIMIT = 30_000_000
PROXY_ADMIN = b"\xad" * 20
IMPLEMENTATION_SLOT = int.from_bytes(keccak256(b"eip1967.proxy.implementation"), "big") - 1
ADMIN_SLOT = int.from_bytes(keccak256(b"eip1967.proxy.admin"), "big") - 1

# Calls the address in the first 20 bytes of its call data with the rest of them and the value it got, and answers with
# what that call answered.
FORWARDER_CODE = bytes.fromhex(
    "60143603"  # size
    "8060145f37"  # calldatacopy
    "5f5f825f345f3560601c5af1"  # call
    "3d5f5f3e"  # returndatacopy
    "601f57"  # where it failed …
    "3d5ffd"  # … revert(0, returndatasize)
    "5b3d5ff3"  # return(0, returndatasize)
)


@dataclass(frozen=True, slots=True)
class Attestation:
    """What the transient storage of AttestationContext says; None stands for what the transaction itself has."""

    kind: int
    tcb_status: int = 0
    valid_until: int = START_TIME + 3_600
    sender: bytes | None = None
    to: bytes | None = None
    subject: bytes = b"\x51" * 32
    workload: bytes = b"\x52" * 32
    evidence_hash: bytes = b"\x53" * 32
    data_hash: bytes | None = None
    value: int | None = None
    image: bytes = bytes(32)
    root_ca: bytes = b"\x54" * 32
    tcb_evaluation_number: int = 17
    simulated: bool = False

    def words(self, sender: bytes, to: bytes, data: bytes, value: int) -> list[bytes]:
        fields: list[bytes | int] = [
            self.kind,
            self.tcb_status,
            self.valid_until,
            sender if self.sender is None else self.sender,
            to if self.to is None else self.to,
            self.subject,
            self.workload,
            self.evidence_hash,
            keccak256(data) if self.data_hash is None else self.data_hash,
            value if self.value is None else self.value,
            self.image,
            self.root_ca,
            self.tcb_evaluation_number,
            int(self.simulated),
        ]
        return [field.to_bytes(32, "big") if isinstance(field, int) else field.rjust(32, b"\x00") for field in fields]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a transaction ended. `gas` is what its message used, without intrinsic gas, after refunds."""

    succeeded: bool
    output: bytes
    logs: tuple[tuple[bytes, tuple[bytes, ...], bytes], ...]
    gas: int


class Chain:
    """Executes one transaction after another on one state."""

    def __init__(self, chain_id: int = 20350) -> None:
        self.chain_id = chain_id
        self._time = START_TIME
        self._block_number = 1
        self._base_fee = 0
        self._storage: dict[bytes, bytes] = {}
        self.state = PragueState(AtomicDB(MemoryDB(self._storage)), self._context(), BLANK_ROOT_HASH)

    def copy(self) -> "Chain":
        """Return a chain that goes on from here by itself."""
        root = self.state.make_state_root()
        self.state.persist()
        other = Chain(self.chain_id)
        other._storage.update(self._storage)
        other._time, other._block_number, other._base_fee = self._time, self._block_number, self._base_fee
        database = AtomicDB(MemoryDB(other._storage))
        other.state = PragueState(database, other._context(), root)
        return other

    @property
    def time(self) -> int:
        return self._time

    @time.setter
    def time(self, value: int) -> None:
        self._time = value
        self.state.execution_context = self._context()

    @property
    def block_number(self) -> int:
        return self._block_number

    @block_number.setter
    def block_number(self, value: int) -> None:
        self._block_number = value
        self.state.execution_context = self._context()

    @property
    def base_fee(self) -> int:
        return self._base_fee

    @base_fee.setter
    def base_fee(self, value: int) -> None:
        self._base_fee = value
        self.state.execution_context = self._context()

    def pass_time(self, seconds: int, blocks: int = 1) -> None:
        self.time += seconds
        self.block_number += blocks

    def block_hash(self, number: int) -> bytes:
        """What BLOCKHASH answers for one of the latest 256 blocks."""
        return keccak256(b"block" + number.to_bytes(8, "big"))

    def _context(self) -> ExecutionContext:
        return ExecutionContext(
            coinbase=ZERO_ADDRESS,
            timestamp=self._time,
            block_number=self._block_number,
            difficulty=0,
            mix_hash=bytes(32),
            gas_limit=GAS_LIMIT,
            prev_hashes=tuple(
                self.block_hash(number)
                for number in range(self._block_number - 1, max(-1, self._block_number - 257), -1)
            ),
            chain_id=self.chain_id,
            base_fee_per_gas=self._base_fee,
            excess_blob_gas=0,
        )

    def transact(
        self,
        to: bytes,
        data: bytes,
        *,
        sender: bytes,
        value: int = 0,
        attestation: Attestation | None = None,
        gas: int = GAS_LIMIT,
    ) -> Outcome:
        if attestation is not None:
            for slot, word in enumerate(attestation.words(sender, to, data, value)):
                self.state.set_transient_storage(ATTESTATION_CONTEXT, slot, word)
        message = Message(gas=gas, to=to, sender=sender, value=value, data=data, code=self.state.get_code(to))
        self.state.mark_address_warm(sender)
        self.state.mark_address_warm(to)
        return self._run(message)

    def deploy(self, name: str, *arguments: object, sender: bytes) -> "Contract":
        artefact = load_artefact(name)
        address = contract_address(sender, self.state.get_nonce(sender))
        self.state.increment_nonce(sender)
        outcome = self.create(address, encode_constructor(artefact, arguments), sender=sender)
        assert outcome.succeeded, decode_revert([artefact], outcome.output)
        return Contract(self, artefact, address)

    def create(self, address: bytes, code: bytes, *, sender: bytes, gas: int = GAS_LIMIT) -> Outcome:
        """Run creation code for the contract at `address`."""
        return self._run(Message(gas=gas, to=b"", sender=sender, value=0, data=b"", code=code, create_address=address))

    def place(self, name: str, address: bytes) -> "Contract":
        """Put runtime code at an address, as genesis does for predeploys without a proxy."""
        artefact = load_artefact(name)
        self.state.set_code(address, artefact.deployed_bytecode)
        return Contract(self, artefact, address)

    def place_behind_proxy(self, name: str, address: bytes) -> "Contract":
        """Put a proxy at an address and the implementation behind it, as genesis does for predeploys."""
        implementation = implementation_address(address)
        self.place(name, implementation)
        self.place("Proxy", address)
        self.state.set_storage(address, IMPLEMENTATION_SLOT, int.from_bytes(implementation, "big"))
        self.state.set_storage(address, ADMIN_SLOT, int.from_bytes(PROXY_ADMIN, "big"))
        return Contract(self, load_artefact(name), address)

    def _run(self, message: Message) -> Outcome:
        state = self.state
        context = state.transaction_context_class(gas_price=0, origin=message.sender)
        run = (
            state.computation_class.apply_create_message if message.is_create else state.computation_class.apply_message
        )
        computation = run(state, message, context)
        for address in computation.get_accounts_for_deletion():
            state.delete_account(address)
        state.clear_transient_storage()
        state.lock_changes()
        state.persist()
        if computation.is_error and not isinstance(computation.error, VMError):
            raise computation.error
        used = computation.get_gas_used()
        refund = min(computation.get_gas_refund(), used // 5)
        logs = tuple(
            (address, tuple(topic.to_bytes(32, "big") for topic in topics), data)
            for address, topics, data in computation.get_log_entries()
        )
        return Outcome(computation.is_success, computation.output, logs, used - refund)


class Contract:
    """A deployed contract, called by the names of its functions."""

    def __init__(self, chain: Chain, artefact: Artefact, address: bytes) -> None:
        self.chain = chain
        self.artefact = artefact
        self.address = address

    def data(self, function: str, *arguments: object) -> bytes:
        return encode_call(self.artefact, function, arguments)

    def transact(
        self, function: str, *arguments: object, sender: bytes, value: int = 0, attestation: Attestation | None = None
    ) -> Outcome:
        data = self.data(function, *arguments)
        outcome = self.chain.transact(self.address, data, sender=sender, value=value, attestation=attestation)
        assert outcome.succeeded, self.reason(outcome)
        return outcome

    def refuse(
        self, function: str, *arguments: object, sender: bytes, value: int = 0, attestation: Attestation | None = None
    ) -> str:
        """Make a call that must revert, and return why it did."""
        data = self.data(function, *arguments)
        outcome = self.chain.transact(self.address, data, sender=sender, value=value, attestation=attestation)
        assert not outcome.succeeded, f"{function} should have reverted"
        return self.reason(outcome)

    def read(self, function: str, *arguments: object) -> Any:
        """Call a view; a single value comes without its tuple."""
        outcome = self.chain.transact(self.address, self.data(function, *arguments), sender=b"\x0e" * 20)
        assert outcome.succeeded, self.reason(outcome)
        return self.result(function, outcome)

    def result(self, function: str, outcome: Outcome) -> Any:
        """What a call returned; a single value comes without its tuple."""
        values = decode_result(self.artefact, function, outcome.output)
        return values[0] if len(values) == 1 else values

    def events(self, outcome: Outcome) -> list[DecodedEvent]:
        return [
            decode_event(self.artefact, topics, data)
            for address, topics, data in outcome.logs
            if address == self.address
        ]

    def event(self, outcome: Outcome) -> DecodedEvent:
        (event,) = self.events(outcome)
        return event

    def reason(self, outcome: Outcome) -> str:
        return decode_revert([self.artefact, *map(load_artefact, artefact_names())], outcome.output)


def standard_tree(leaves: Sequence[tuple[bytes, int, int]]) -> tuple[bytes, Mapping[bytes, list[bytes]]]:
    """Return OpenZeppelin's StandardMerkleTree of leaves (account id, free, staked): root, and proofs by account id."""

    def leaf_hash(leaf: tuple[bytes, int, int]) -> bytes:
        account_id, free, staked = leaf
        return keccak256(keccak256(account_id + free.to_bytes(32, "big") + staked.to_bytes(32, "big")))

    by_hash = {leaf_hash(leaf): leaf[0] for leaf in leaves}
    hashes = sorted(by_hash)
    count = len(hashes)
    nodes = [b""] * (count - 1) + hashes[::-1]
    for index in range(count - 2, -1, -1):
        nodes[index] = keccak256(b"".join(sorted((nodes[2 * index + 1], nodes[2 * index + 2]))))
    proofs = {}
    for position, node in enumerate(hashes[::-1], start=count - 1):
        proof = []
        while position:
            proof.append(nodes[position + 1 if position % 2 else position - 1])
            position = (position - 1) // 2
        proofs[by_hash[node]] = proof
    return nodes[0], proofs
