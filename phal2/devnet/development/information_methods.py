"""What development chains tell of themselves: web3_clientVersion, anvil_nodeInfo, anvil_metadata, hardhat_metadata."""

import secrets
from typing import Any, Final

from phal2 import __version__
from phal2.devnet.development.chain import DevelopmentChain
from phal2.node.rpc.block_reference import LATEST, require_header
from phal2.node.rpc.hexadecimal import data, quantity
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import HASH, INTEGER, NULL, QUANTITY, TEXT, fields

CLIENT_VERSION: Final = f"anvil-compatible phal2/v{__version__}"
"""Begins as hardhat-network-helpers demands: it refuses to work on what is called neither hardhat nor anvil."""

NODE_INFO: Final = fields(
    {
        "currentBlockNumber": QUANTITY,
        "currentBlockTimestamp": INTEGER,
        "currentBlockHash": HASH,
        "hardFork": TEXT,
        "transactionOrder": TEXT,
        "environment": fields(
            {"baseFee": QUANTITY, "chainId": INTEGER, "gasLimit": QUANTITY, "gasPrice": QUANTITY},
        ),
        "forkConfig": fields(dict.fromkeys(("forkUrl", "forkBlockNumber", "forkRetryBackoff"), NULL)),
    }
)
METADATA: Final = fields(
    {
        "clientVersion": TEXT,
        "chainId": INTEGER,
        "instanceId": HASH,
        "latestBlockNumber": INTEGER,
        "latestBlockHash": HASH,
        "forkedNetwork": NULL,
    }
)


class InformationMethods:
    """The forms are anvil's and hardhat's: chain id and timestamps are JSON integers there."""

    def __init__(self, chain: DevelopmentChain) -> None:
        self._chain = chain
        self._instance_id = data(secrets.token_bytes(32))

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods, in the place of the node's own web3_clientVersion."""
        registry.add("web3_clientVersion", self.client_version, result=TEXT)
        registry.add("anvil_nodeInfo", self.node_info, result=NODE_INFO)
        registry.add("anvil_metadata", self.metadata, result=METADATA)
        registry.add("hardhat_metadata", self.metadata, result=METADATA)

    def client_version(self) -> str:
        """Return name and version of the node, which tell that it has anvil's methods."""
        return CLIENT_VERSION

    def node_info(self) -> dict[str, Any]:
        """Return where the chain is and how it works."""
        service = self._chain.service
        head, header, following = service.head_id(), require_header(service, LATEST), service.pending_environment()
        return {
            "currentBlockNumber": quantity(head.number),
            "currentBlockTimestamp": header.timestamp,
            "currentBlockHash": data(head.hash),
            "hardFork": "prague",
            "transactionOrder": "fees",
            "environment": {
                "baseFee": quantity(following.base_fee_per_gas),
                "chainId": service.chain_id,
                "gasLimit": quantity(following.gas_limit),
                "gasPrice": quantity(following.base_fee_per_gas + service.suggested_priority_fee()),
            },
            "forkConfig": {"forkUrl": None, "forkBlockNumber": None, "forkRetryBackoff": None},
        }

    def metadata(self) -> dict[str, Any]:
        """Return the client's version and where the chain is."""
        service = self._chain.service
        head = service.head_id()
        return {
            "clientVersion": CLIENT_VERSION,
            "chainId": service.chain_id,
            "instanceId": self._instance_id,
            "latestBlockNumber": head.number,
            "latestBlockHash": data(head.hash),
            "forkedNetwork": None,
        }
