"""The namespaces net and web3."""

from phal2 import __version__
from phal2.node.protocol.keccak import keccak256
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.hexadecimal import data
from phal2.node.rpc.parameter_types import Data
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import BOOLEAN, DECIMAL, HASH, QUANTITY, TEXT


class NetworkMethods:
    """What a client asks to learn whom it talks to."""

    def __init__(self, chain: ChainService) -> None:
        self._chain = chain

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods."""
        registry.add("net_version", self.network_id, result=DECIMAL)
        registry.add("net_listening", self.listening, result=BOOLEAN)
        registry.add("net_peerCount", self.peer_count, result=QUANTITY)
        registry.add("web3_clientVersion", self.client_version, result=TEXT)
        registry.add("web3_sha3", self.sha3, result=HASH)

    def network_id(self) -> str:
        """Return the chain id in decimal digits."""
        return str(self._chain.chain_id)

    def listening(self) -> bool:
        """Return true: a node that answers listens."""
        return True

    def peer_count(self) -> str:
        """Return 0: blocks come from L1 and the sequencer, not from peers."""
        return "0x0"

    def client_version(self) -> str:
        """Return name and version of the node."""
        return f"phal2/v{__version__}"

    def sha3(self, message: Data) -> str:
        """Return the Keccak-256 of bytes."""
        return data(keccak256(message))
