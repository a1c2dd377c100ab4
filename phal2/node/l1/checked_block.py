"""A block as JSON held against its own hash and roots.

A header is believed because its hash is that of its fields; transactions and receipts because their tries have the
header's roots. What the endpoint says beside that (`from`, log indices) is not used. Whether the block is on the
canonical chain is the question of whoever follows the parent hashes.
"""

from collections.abc import Mapping, Sequence

from phal2.node.l1.json_fields import JsonObject, as_object, data, elements
from phal2.node.l1.json_header import header_from_json
from phal2.node.l1.json_receipt import receipt_from_json
from phal2.node.l1.json_transaction import transaction_from_json
from phal2.node.protocol.blob_sidecars import decode_network_form
from phal2.node.protocol.errors import InvalidEncoding
from phal2.node.protocol.headers import Header, header_hash
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.ordered_trie import ordered_trie_root
from phal2.node.protocol.receipts import Receipt, bloom_may_contain, encode_receipt
from phal2.node.protocol.transaction_codec import encode_transaction
from phal2.node.protocol.transactions import BLOB


class ContradictoryBlock(InvalidEncoding):
    """A block whose parts do not give the hash or the root that it states."""

    def __init__(self, what: str, stated: bytes, computed: bytes) -> None:
        super().__init__(f"{what} is stated as 0x{stated.hex()}, but the content gives 0x{computed.hex()}")
        self.stated = stated
        self.computed = computed


class OtherTransactionsRoot(ContradictoryBlock):
    """A block whose transactions root is not that of its transactions, the `envelopes`, whose own hashes are right."""

    def __init__(self, header: Header, envelopes: tuple[bytes, ...], computed: bytes) -> None:
        super().__init__(f"the transactions root of block {header.number}", header.transactions_root, computed)
        self.envelopes = envelopes


def checked_header(block: JsonObject) -> tuple[Header, bytes]:
    """Return a block's header and its hash. Raises `MalformedField` or `ContradictoryBlock`."""
    header = header_from_json(block)
    stated, computed = data(block, "hash", 32), header_hash(header)
    if stated != computed:
        raise ContradictoryBlock(f"the hash of block {header.number}", stated, computed)
    return header, computed


def checked_transactions(block: JsonObject, header: Header) -> tuple[bytes, ...]:
    """Return the envelopes of a block's full transaction objects.

    Raises `MalformedField`, `UnknownTransactionType`, `OtherTransactionsRoot` or `ContradictoryBlock`.
    """
    envelopes: list[bytes] = []
    for item in elements(block, "transactions"):
        transaction = as_object(item, "transactions")
        envelope = encode_transaction(transaction_from_json(transaction))
        stated, computed = data(transaction, "hash", 32), keccak256(envelope)
        if stated != computed:
            raise ContradictoryBlock(
                f"the hash of transaction {len(envelopes)} of block {header.number}", stated, computed
            )
        envelopes.append(envelope)
    root = ordered_trie_root(envelopes)
    if root != header.transactions_root:
        raise OtherTransactionsRoot(header, tuple(envelopes), root)
    return tuple(envelopes)


def blob_transactions(envelopes: Sequence[bytes]) -> list[int]:
    """Return the positions of the blob transactions."""
    return [position for position, envelope in enumerate(envelopes) if envelope[:1] == bytes([BLOB])]


def check_network_forms(envelopes: Sequence[bytes], network_forms: Mapping[int, bytes], header: Header) -> None:
    """Raise `InvalidEncoding` unless the transactions root is that of the envelopes, some in their network form.

    `network_forms` are those of blob transactions, by their positions. anvil computes its blocks' roots so.
    """
    content = list(envelopes)
    for position, raw in network_forms.items():
        envelope, _ = decode_network_form(raw)
        if envelope != envelopes[position]:
            raise ContradictoryBlock(
                f"transaction {position} of block {header.number}", keccak256(envelopes[position]), keccak256(envelope)
            )
        content[position] = raw
    root = ordered_trie_root(content)
    if root != header.transactions_root:
        raise OtherTransactionsRoot(header, tuple(envelopes), root)


def checked_receipts(receipts: Sequence[object], header: Header) -> tuple[Receipt, ...]:
    """Return a block's receipts. Raises `MalformedField` or `ContradictoryBlock`."""
    decoded = tuple(receipt_from_json(as_object(receipt, "receipt")) for receipt in receipts)
    root = ordered_trie_root([encode_receipt(receipt) for receipt in decoded])
    if root != header.receipts_root:
        raise ContradictoryBlock(f"the receipts root of block {header.number}", header.receipts_root, root)
    return decoded


def may_have_logs(bloom: bytes, addresses: Sequence[bytes], topics: Sequence[bytes]) -> bool:
    """Tell whether a block of this bloom filter may hold a log of one of `addresses` with one of `topics`.

    Without topics, any topic will do.
    """
    return any(bloom_may_contain(bloom, address) for address in addresses) and (
        not topics or any(bloom_may_contain(bloom, topic) for topic in topics)
    )
