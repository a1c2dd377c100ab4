"""A rollup in memory whose every L2 block is executed and leaves a witness: what a prover is asked about.

L1 blocks are headers with real receipts roots and bloom filters; nothing is executed on L1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

from eth_abi import encode as abi_encode
from l1_headers import l1_header

from phal2.bridge.prover.l1_origins import receipts_matter
from phal2.bridge.prover.proof_request import ClaimedBlock, L1Origin, ProofRequest
from phal2.contracts import encode_call, load_artefact
from phal2.devnet.system_contracts import L2_SYSTEM_CONTRACTS
from phal2.node.attestation.account_secrets import AccountSecret
from phal2.node.attestation.building import Call, account_attestation, account_statement_for, sign_attested
from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.attestation.substrate_signatures import SR25519
from phal2.node.derivation.attributes import epoch_attributes
from phal2.node.derivation.l1_traversal import Epoch, read_epoch
from phal2.node.derivation.system_config_updates import CONFIG_UPDATE_TOPIC
from phal2.node.protocol.block_refs import BlockId, L2BlockRef
from phal2.node.protocol.deposits import TRANSACTION_DEPOSITED_TOPIC
from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS, Fork, ForkSchedule
from phal2.node.protocol.headers import (
    Header,
    encode_header,
    header_hash,
)
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.l1_attributes import l2_block_ref
from phal2.node.protocol.l1_block import L1Block
from phal2.node.protocol.ordered_trie import ordered_trie_root
from phal2.node.protocol.output_roots import output_root
from phal2.node.protocol.predeploys import (
    ATTESTATION_CONTEXT,
    L1_BLOCK,
    L2_TO_L1_MESSAGE_PASSER,
)
from phal2.node.protocol.receipts import Log, Receipt, encode_receipt, join_blooms, logs_bloom
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig, ecotone_scalar
from phal2.node.protocol.signatures import address_of_private_key, sign
from phal2.node.protocol.transaction_codec import encode_transaction, recover_transaction, signing_hash
from phal2.node.protocol.transactions import DynamicFeeTransaction
from phal2.node.state.block_execution import BlockExecution
from phal2.node.state.database import MemoryDatabase
from phal2.node.state.environment import l2_environment
from phal2.node.state.genesis import GenesisAccount, genesis_state, l2_genesis_block
from phal2.node.state.outcomes import ExecutedBlock
from phal2.node.state.proofs import account_proof
from phal2.node.state.rules import L2Rules
from phal2.node.state.stateless import Witness, WitnessBlockHashes
from phal2.node.state.witness_recording import RecordingDatabase

ETHER = 10**18
GWEI = 10**9
GENESIS_TIME = 1_750_000_000
PORTAL = b"\x10" * 20
SYSTEM_CONFIG = b"\x11" * 20
KEYS = tuple(keccak256(b"user %d" % index) for index in range(3))
USERS = tuple(map(address_of_private_key, KEYS))
STORING = b"\xc0" * 20
"""A contract that counts its calls in slot 0 and keeps the hash of the block three back in slot 1."""
STORING_CODE = bytes.fromhex("5f546001015f55600343034060015500")


@dataclass(frozen=True)
class BuiltBlock:
    """An L2 block with what was read while it was executed."""

    executed: ExecutedBlock
    ref: L2BlockRef
    epoch: int
    sequenced: tuple[bytes, ...]
    begins_epoch: bool
    preimages: frozenset[bytes]


def header_with(parent: L1Block | None, timestamp: int, receipts: Sequence[Receipt], salt: bytes = b"") -> Header:
    """The header of an L1 block with receipts; the transactions are of no matter."""
    return l1_header(
        parent,
        timestamp,
        receipts_root=ordered_trie_root([encode_receipt(receipt) for receipt in receipts]),
        bloom=join_blooms(receipt.bloom for receipt in receipts),
        salt=salt,
    )


def deposit_log(sender: bytes, to: bytes, mint: int, value: int, data: bytes = b"", gas: int = 100_000) -> Log:
    """The portal's log of a deposit."""
    opaque = mint.to_bytes(32, "big") + value.to_bytes(32, "big") + gas.to_bytes(8, "big") + b"\x00" + data
    topics = (TRANSACTION_DEPOSITED_TOPIC, sender.rjust(32, b"\x00"), to.rjust(32, b"\x00"), bytes(32))
    return Log(PORTAL, topics, abi_encode(["bytes"], [opaque]))


def config_log(update_type: int, content: bytes) -> Log:
    """SystemConfig's log of an update."""
    topics = (CONFIG_UPDATE_TOPIC, bytes(32), update_type.to_bytes(32, "big"))
    return Log(SYSTEM_CONFIG, topics, abi_encode(["bytes"], [content]))


def gas_limit_log(gas_limit: int) -> Log:
    return config_log(2, gas_limit.to_bytes(32, "big"))


def receipt_of(*logs: Log, status: int = 1) -> Receipt:
    return Receipt(2, status, 21_000, logs_bloom(logs), logs)


def _genesis_accounts() -> dict[bytes, GenesisAccount]:
    accounts = {address: GenesisAccount(1_000 * ETHER) for address in USERS}
    accounts[STORING] = GenesisAccount(nonce=1, code=STORING_CODE)
    for address, name in (
        (L1_BLOCK, "L1Block"),
        (L2_TO_L1_MESSAGE_PASSER, "L2ToL1MessagePasser"),
        (ATTESTATION_CONTEXT, "AttestationContext"),
    ):
        accounts[address] = GenesisAccount(nonce=1, code=load_artefact(name).deployed_bytecode)
    return accounts | L2_SYSTEM_CONTRACTS


@dataclass
class ProvenChain:
    """The chain; L1 begins with its genesis block, and L2 with that as L1 origin."""

    forks: ForkSchedule = ALL_THROUGH_ISTHMUS
    block_time: int = 1
    drift: int = 600
    l1: list[L1Block] = field(default_factory=list)
    l2: list[BuiltBlock] = field(default_factory=list)
    nonces: dict[bytes, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        header = header_with(None, GENESIS_TIME, ())
        self.l1.append(L1Block(header, header_hash(header), (), ()))
        self.config = RollupConfig(
            l1_chain_id=31337,
            l2_chain_id=20350,
            l1_genesis=self.l1[0].ref.id,
            l2_genesis=BlockId(bytes(32), 0),
            l2_genesis_time=GENESIS_TIME,
            genesis_system_config=SystemConfig(b"\xba" * 20, bytes(32), ecotone_scalar(1_368, 810_949), 30_000_000),
            block_time=self.block_time,
            batch_inbox_address=b"\xff" * 20,
            deposit_contract_address=PORTAL,
            l1_system_config_address=SYSTEM_CONFIG,
            forks=self.forks,
            maximum_sequencer_drift=self.drift,
        )
        state = genesis_state(_genesis_accounts())
        self.database = MemoryDatabase()
        self.database.add(state)
        genesis = l2_genesis_block(L2Rules(self.config), state, GENESIS_TIME, 30_000_000, GWEI)
        self.config = replace(self.config, l2_genesis=BlockId(genesis.block.hash, 0))
        ref = l2_block_ref(self.config, genesis.block.header, genesis.block.hash, None)
        self.l2.append(BuiltBlock(genesis, ref, 0, (), False, frozenset()))
        self.epochs = [Epoch(header, self.l1[0].ref, (), self.config.genesis_system_config)]

    def mine(self, *receipts: Receipt, seconds: int = 2) -> L1Block:
        """Append an L1 block."""
        header = header_with(self.l1[-1], self.l1[-1].header.timestamp + seconds, receipts)
        block = L1Block(header, header_hash(header), (), receipts)
        self.l1.append(block)
        self.epochs.append(read_epoch(self.config, block, self.epochs[-1].system_config))
        return block

    def may_advance(self) -> bool:
        """Whether the next L2 block may have the next L1 block as origin."""
        head = self.l2[-1]
        return (
            head.epoch + 1 < len(self.l1)
            and self.l1[head.epoch + 1].header.timestamp <= head.ref.timestamp + self.block_time
        )

    def build(self, *sequenced: bytes, begins_epoch: bool = False) -> BuiltBlock:
        """Append an L2 block, with the next L1 block as origin where it begins an epoch."""
        head = self.l2[-1]
        parent = head.executed.block.header
        epoch = head.epoch + begins_epoch
        attributes = epoch_attributes(
            self.config, self.epochs[epoch], head.ref, head.ref.timestamp + self.config.block_time
        )
        envelopes = attributes.transactions + sequenced
        recording = RecordingDatabase(self.database)
        headers = [built.executed.block.header for built in self.l2[-5:]]
        ancestors = {header_hash(header): encode_header(header) for header in headers}
        execution = BlockExecution(
            L2Rules(self.config),
            l2_environment(L2Rules(self.config), parent, head.ref.hash, replace(attributes, transactions=envelopes)),
            recording,
            parent.state_root,
            WitnessBlockHashes(parent, Witness(ancestors)),
            QuoteVerdicts(),
        )
        for envelope in envelopes:
            execution.apply(recover_transaction(envelope))
        executed = execution.seal()
        self.database.add(executed.state_update)
        ref = l2_block_ref(self.config, executed.block.header, executed.block.hash, envelopes[0])
        preimages = frozenset((*recording.nodes.values(), *recording.codes.values(), *ancestors.values()))
        built = BuiltBlock(executed, ref, epoch, sequenced, begins_epoch, preimages)
        self.l2.append(built)
        return built

    def request(self, first: int, last: int) -> ProofRequest:
        """What it takes to prove the L2 blocks `first` to `last`."""
        parent, blocks = self.l2[first - 1], self.l2[first : last + 1]
        origins = [L1Origin(self.l1[parent.epoch].header, None)]
        for l1_block in self.l1[parent.epoch + 1 : blocks[-1].epoch + 1]:
            matter = receipts_matter(self.config, l1_block.header)
            origins.append(L1Origin(l1_block.header, l1_block.receipts if matter else None))
        return ProofRequest(
            parent=parent.executed.block.header,
            parent_transactions=parent.executed.block.transactions,
            l1_origins=tuple(origins),
            blocks=tuple(
                ClaimedBlock(block.executed.block.header, block.sequenced, block.begins_epoch) for block in blocks
            ),
            preimages=tuple(sorted(frozenset[bytes]().union(*(block.preimages for block in blocks)))),
            parent_message_passer_proof=self._message_passer_proof(parent),
            message_passer_proof=self._message_passer_proof(blocks[-1]),
        )

    def output_root(self, number: int) -> bytes:
        """The output root of an L2 block, from its state."""
        block = self.l2[number].executed.block
        proof = account_proof(self.database, block.header.state_root, L2_TO_L1_MESSAGE_PASSER, ())
        return output_root(block.header.state_root, proof.storage_hash, block.hash)

    def _message_passer_proof(self, built: BuiltBlock) -> tuple[bytes, ...]:
        header = built.executed.block.header
        if self.forks.is_active(Fork.ISTHMUS, header.timestamp):
            return ()
        return account_proof(self.database, header.state_root, L2_TO_L1_MESSAGE_PASSER, ()).account_proof

    def transfer(self, user: int = 0, to: bytes = b"\x0e" * 20, value: int = 1, data: bytes = b"") -> bytes:
        """The envelope of a user's next transaction."""
        unsigned = DynamicFeeTransaction(
            self.config.l2_chain_id, self._next_nonce(user), 1, 100 * GWEI, 300_000, to, value, data, (), 0, 0, 0
        )
        y_parity, r, s = sign(signing_hash(unsigned), KEYS[user])
        return encode_transaction(replace(unsigned, y_parity=y_parity, r=r, s=s))

    def withdrawal(self, user: int = 0) -> bytes:
        """A user's withdrawal of 1 wei."""
        call = encode_call(load_artefact("L2ToL1MessagePasser"), "initiateWithdrawal", (USERS[user], 21_000, b""))
        return self.transfer(user, L2_TO_L1_MESSAGE_PASSER, 1, call)

    def attested(self, user: int = 0) -> bytes:
        """A transaction attested by a Substrate account."""
        call = Call(self.config.l2_chain_id, self._next_nonce(user), STORING, 0, b"", 300_000, 1, 100 * GWEI)
        valid_until = self.l2[-1].ref.timestamp + 3_600
        statement = account_statement_for(call, valid_until, b"a note")
        secret = AccountSecret(SR25519, b"\x31" * 32)
        return sign_attested(call, account_attestation(statement, secret), KEYS[user])

    def _next_nonce(self, user: int) -> int:
        nonce = self.nonces.get(USERS[user], 0)
        self.nonces[USERS[user]] = nonce + 1
        return nonce


def random_receipts(random: Random) -> list[Receipt]:
    """What an L1 block may hold: noise, deposits of all kinds, configuration updates, failed transactions."""
    receipts = []
    for _ in range(random.choice([0, 0, 1, 2, 4])):
        kind = random.randrange(6)
        if kind == 0:
            receipts.append(receipt_of(Log(random.randbytes(20), (random.randbytes(32),), b"noise")))
        elif kind == 1:
            receipts.append(receipt_of(gas_limit_log(random.randrange(20_000_000, 40_000_000))))
        elif kind == 2:
            word = (250 << 32 | random.randrange(2, 10)).to_bytes(32, "big")
            receipts.append(
                receipt_of(config_log(4, word), config_log(5, random.randrange(1 << 20).to_bytes(32, "big")))
            )
        elif kind == 3:
            receipts.append(receipt_of(deposit_log(random.randbytes(20), STORING, 0, 0), status=random.randrange(2)))
        else:
            mint = random.choice([0, ETHER])
            receipts.append(receipt_of(deposit_log(random.randbytes(20), random.randbytes(20), mint, mint // 2)))
    return receipts


def random_chain(seed: int, blocks: int = 8, **changes: object) -> ProvenChain:
    """A chain of `blocks` L2 blocks with deposits, updates, transfers, withdrawals, attested and failing calls."""
    random = Random(seed)
    chain = ProvenChain(**changes)
    makers = (
        chain.transfer,
        chain.withdrawal,
        chain.attested,
        lambda user: chain.transfer(user, STORING),
        lambda user: chain.transfer(user, L2_TO_L1_MESSAGE_PASSER, 0, b"\xde\xad\xbe\xef"),
    )
    for _ in range(blocks):
        while chain.l1[-1].header.timestamp <= chain.l2[-1].ref.timestamp + 4:
            chain.mine(*random_receipts(random), seconds=random.choice([1, 2, 3]))
        begins = chain.may_advance() and random.random() < 0.8
        sequenced = [random.choice(makers)(random.randrange(len(USERS))) for _ in range(random.choice([0, 0, 1, 3]))]
        chain.build(*sequenced, begins_epoch=begins)
    return chain
