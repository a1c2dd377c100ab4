"""Stateless execution: a block from its parent's header and a witness, the preimages of the hashes that it reads."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.protocol.errors import InvalidBlock, InvalidEncoding, InvalidTransaction, Phal2Error
from phal2.node.protocol.headers import Header, decode_header, header_hash
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.protocol.transaction_codec import recover_transaction
from phal2.node.state.block_execution import BlockExecution
from phal2.node.state.database import MemoryDatabase, MissingCode, MissingNode
from phal2.node.state.environment import l2_environment
from phal2.node.state.outcomes import ExecutedBlock
from phal2.node.state.rules import L2Rules, block_rules


class WrongPreimage(Phal2Error):
    """A witness that gives bytes for a hash which they do not have."""

    def __init__(self, stated: bytes, actual: bytes) -> None:
        super().__init__(
            f"the preimage of 0x{stated.hex()} has the Keccak-256 0x{actual.hex()}; the witness is corrupt"
        )
        self.stated = stated
        self.actual = actual


class MissingPreimage(Phal2Error):
    """A witness that lacks a trie node, a contract's code or an ancestor's header which the block reads."""

    def __init__(self, kind: str, missing: bytes) -> None:
        super().__init__(f"the witness has no preimage of 0x{missing.hex()}, a {kind} that the block needs")
        self.kind = kind
        self.missing = missing


class InvalidPayloadTransaction(InvalidBlock):
    """A transaction of the payload that may not be in the block, by its index from 0."""

    def __init__(self, index: int, reason: Phal2Error) -> None:
        super().__init__(f"transaction {index} of the payload is invalid: {reason}")
        self.index = index


@dataclass(frozen=True, slots=True)
class Witness:
    """Trie nodes, codes and headers of ancestors, by the Keccak-256 of their bytes; see `verified_witness`."""

    preimages: dict[bytes, bytes] = field(repr=False)


def verified_witness(preimages: Mapping[bytes, bytes]) -> Witness:
    """Return a witness of preimages by hash; raise `WrongPreimage` where one is not what its hash says."""
    for stated, preimage in preimages.items():
        actual = keccak256(preimage)
        if actual != stated:
            raise WrongPreimage(stated, actual)
    return Witness(dict(preimages))


class WitnessBlockHashes:
    """The hashes of a block's ancestors, from the headers in a witness.

    The parent's header is known, and with it two hashes; each further one needs the header of the block after it.
    """

    def __init__(self, parent: Header, witness: Witness) -> None:
        self._witness = witness
        self._oldest = parent.number - 1
        self._hashes = {parent.number: header_hash(parent), parent.number - 1: parent.parent_hash}

    def block_hash(self, number: int) -> bytes | None:
        """Return the hash of the ancestor `number`; raise `MissingPreimage` where a header on the way is missing."""
        while number < self._oldest:
            following = self._hashes[self._oldest]
            raw = self._witness.preimages.get(following)
            if raw is None:
                raise MissingPreimage("block header", following)
            self._oldest -= 1
            self._hashes[self._oldest] = decode_header(raw).parent_hash
        return self._hashes.get(number)


def execute_statelessly(
    rules: L2Rules, parent: Header, attributes: PayloadAttributes, witness: Witness
) -> ExecutedBlock:
    """Execute and seal the block that `attributes` ask for on `parent`, from nothing but the witness.

    Raises `MissingPreimage`, `InvalidPayloadTransaction`, and other `InvalidBlock` or `InvalidEncoding` where the
    parent, the payload or the witness are not what a chain could have.
    """
    try:
        return _execute(rules, parent, attributes, witness)
    except MissingNode as error:
        raise MissingPreimage("trie node", error.node_hash) from None
    except MissingCode as error:
        raise MissingPreimage("contract's code", error.code_hash) from None


def _execute(rules: L2Rules, parent: Header, attributes: PayloadAttributes, witness: Witness) -> ExecutedBlock:
    # A fork that is not supported must be named before its parent's header is read by the rules of another.
    block_rules(rules, attributes.timestamp)
    execution = BlockExecution(
        rules,
        l2_environment(rules, parent, header_hash(parent), attributes),
        MemoryDatabase(witness.preimages, witness.preimages),
        parent.state_root,
        WitnessBlockHashes(parent, witness),
        QuoteVerdicts(),
    )
    _apply_all(execution, attributes.transactions)
    return execution.seal()


def _apply_all(execution: BlockExecution, envelopes: Iterable[bytes]) -> None:
    for index, raw in enumerate(envelopes):
        try:
            transaction = recover_transaction(raw)
        except (InvalidTransaction, InvalidEncoding) as error:
            raise InvalidPayloadTransaction(index, error) from None
        try:
            execution.apply(transaction)
        except InvalidTransaction as error:
            raise InvalidPayloadTransaction(index, error) from None
