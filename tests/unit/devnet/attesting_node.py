"""A JSON-RPC endpoint that takes attested transactions: no chain, but the real decoding and verification."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.attestation.policy import AttestationPolicy, EnclaveRecord, RootCertificate
from phal2.node.attestation.presentation import parse_attestation_object
from phal2.node.attestation.verification import verify_attestation
from phal2.node.attestation.verified import VerifiedAttestation
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.transaction_codec import RecoveredTransaction, recover_transaction
from phal2.node.protocol.transactions import AttestedTransaction

CHAIN_ID = 20_350
NONCE = 4
TIMESTAMP = 1_760_000_000
BASE_FEE = 1_000
TIP = 7
GAS = 345_678

ROOT = RootCertificate(SIMULATOR_ROOT_CA_DER, simulated=True)


@dataclass
class AttestingNode:
    """What the endpoint was told, and how it is to answer."""

    enclaves: dict[bytes, EnclaveRecord] = field(default_factory=dict)
    received: list[tuple[RecoveredTransaction, VerifiedAttestation]] = field(default_factory=list)
    estimated: list[dict[str, Any]] = field(default_factory=list)
    receipt_status: str = "0x1"
    mines: bool = True
    url: str = ""

    def policy(self) -> AttestationPolicy:
        return AttestationPolicy((ROOT,), 1, 0, any_workload=True, any_image=True)

    def is_workload_listed(self, workload: bytes) -> bool:
        return workload == b""

    def is_image_listed(self, image: bytes) -> bool:
        return image == b""

    def enclave(self, address: bytes) -> EnclaveRecord | None:
        return self.enclaves.get(address)

    def answer(self, method: str, parameters: list[Any]) -> Any:
        methods: dict[str, Callable[..., Any]] = {
            "eth_chainId": lambda: hex(CHAIN_ID),
            "eth_getTransactionCount": lambda _address, _block: hex(NONCE),
            "eth_getBlockByNumber": lambda _block, _full: {
                "timestamp": hex(TIMESTAMP),
                "baseFeePerGas": hex(BASE_FEE),
            },
            "eth_maxPriorityFeePerGas": lambda: hex(TIP),
            "eth_estimateGas": self._estimate,
            "eth_sendRawTransaction": self._send,
            "eth_getTransactionReceipt": self._receipt,
        }
        return methods[method](*parameters)

    def _estimate(self, request: dict[str, Any]) -> str:
        parse_attestation_object(request["attestation"])
        self.estimated.append(request)
        return hex(GAS)

    def _send(self, raw: str) -> str:
        recovered = recover_transaction(bytes.fromhex(raw[2:]))
        assert isinstance(recovered.transaction, AttestedTransaction)
        verified = verify_attestation(recovered.transaction, recovered.sender, TIMESTAMP + 1, self, QuoteVerdicts())
        self.received.append((recovered, verified))
        return "0x" + recovered.hash.hex()

    def _receipt(self, transaction_hash: str) -> dict[str, Any] | None:
        if not self.mines:
            return None
        return {
            "transactionHash": transaction_hash,
            "status": self.receipt_status,
            "blockNumber": "0x10",
            "gasUsed": "0x5208",
        }


def serve(node: AttestingNode) -> ThreadingHTTPServer:
    """Serve the node on a free port of 127.0.0.1, in a thread, until the returned server is shut down."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = {"jsonrpc": "2.0", "id": request["id"]}
            try:
                answer["result"] = node.answer(request["method"], request["params"])
            except Phal2Error as error:
                answer["error"] = {"code": -32_000, "message": str(error)}
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    node.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server
