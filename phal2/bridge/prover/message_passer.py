"""The message passer's storage root, which an output root commits to."""

from collections.abc import Sequence

from phal2.bridge.prover.errors import WrongMessagePasserProof
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.forks import Fork
from phal2.node.protocol.headers import EMPTY_TRIE_ROOT, Header
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.output_roots import output_root
from phal2.node.protocol.predeploys import L2_TO_L1_MESSAGE_PASSER
from phal2.node.protocol.rollup_config import RollupConfig
from phal2.node.state.accounts import account_key, decode_account
from phal2.node.state.database import MemoryDatabase
from phal2.node.state.trie import TrieReader


def output_root_of(config: RollupConfig, header: Header, block_hash: bytes, proof: Sequence[bytes]) -> bytes:
    """Return the output root of an L2 block; `proof` as of `message_passer_storage_root`."""
    return output_root(header.state_root, message_passer_storage_root(config, header, proof), block_hash)


def message_passer_storage_root(config: RollupConfig, header: Header, proof: Sequence[bytes]) -> bytes:
    """Return the storage root of the message passer after an L2 block.

    From Isthmus on it is the header's withdrawals root, and the proof must be empty. Before, the proof has the trie
    nodes from the header's state root to the account. Raises `WrongMessagePasserProof`.
    """
    if config.forks.is_active(Fork.ISTHMUS, header.timestamp):
        if proof:
            raise WrongMessagePasserProof(
                header.number, "a proof is given, but the header of an Isthmus block has the root"
            )
        if header.withdrawals_root is None:
            raise WrongMessagePasserProof(header.number, "the header of an Isthmus block has no withdrawals root")
        return header.withdrawals_root
    reader = TrieReader(MemoryDatabase({keccak256(node): node for node in proof}))
    try:
        leaf = reader.get(reader.root(header.state_root), account_key(L2_TO_L1_MESSAGE_PASSER))
        return EMPTY_TRIE_ROOT if leaf is None else decode_account(leaf).storage_root
    except Phal2Error as error:
        raise WrongMessagePasserProof(header.number, f"the proof does not show its account: {error}") from error
