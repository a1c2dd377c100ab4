"""What every node is sent by JSON-RPC: the same pre-signed transactions, in batches laid out over connections."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.accounts import (
    TOKEN_TRANSFER_GAS,
    Population,
    Workload,
    call,
    population,
    sign_transaction,
    token_transfer_data,
)
from benchmarks.chain import CHAIN_ID
from benchmarks.report import Scale
from phal2.contracts import encode_constructor, load_artefact
from phal2.devnet.accounts import DEFAULT_MNEMONIC, accounts_of_mnemonic
from phal2.node.protocol.addresses import contract_address

CONNECTIONS: Final = 16
BATCH_LENGTH: Final = 100

_DEPLOYMENT_GAS: Final = 3_000_000
_TOKENS: Final = 10**18


@dataclass(frozen=True, slots=True)
class RpcWorkload:
    """Envelopes in the order of sending. `account_count` accounts of the default mnemonic must own ETH.

    The `preparation`, all of it by the first account, deploys a token and hands it out to the others, which send the
    rest in turn.
    """

    account_count: int
    preparation: tuple[bytes, ...]
    transfers: tuple[bytes, ...]
    token_transfers: tuple[bytes, ...]


def rpc_workload(scale: Scale) -> RpcWorkload:
    """Sign everything; each recipient is chosen by chance of as many addresses as the scale has accounts."""
    if scale.rpc_senders % CONNECTIONS:
        raise ValueError(f"{scale.rpc_senders} senders are no multiple of {CONNECTIONS} connections")
    deployer, *senders = accounts_of_mnemonic(DEFAULT_MNEMONIC, 1 + scale.rpc_senders)
    token = contract_address(deployer.address, 0)
    creation = encode_constructor(load_artefact("PHAToken"), [deployer.address])
    gifts = (token_transfer_data(sender.address, _TOKENS) for sender in senders)
    preparation = (
        call(CHAIN_ID, 0, None, _DEPLOYMENT_GAS, 0, creation),
        *(call(CHAIN_ID, nonce, token, TOKEN_TRANSFER_GAS, 0, gift) for nonce, gift in enumerate(gifts, 1)),
    )
    recipients = population(scale.accounts, senders=0).addresses
    people = Population(recipients, tuple(sender.private_key for sender in senders))
    work = Workload(CHAIN_ID, people, token)
    return RpcWorkload(
        account_count=1 + scale.rpc_senders,
        preparation=tuple(sign_transaction(unsigned, deployer.private_key) for unsigned in preparation),
        transfers=tuple(work.transfers(scale.rpc_transfers)),
        token_transfers=tuple(work.token_transfers(scale.rpc_token_transfers)),
    )


def request_bodies(envelopes: Sequence[bytes], connections: int = CONNECTIONS) -> list[list[bytes]]:
    """Return the bodies for each connection: batches of eth_sendRawTransaction.

    Senders take turns and their number is a multiple of that of the connections, so all of a sender's transactions go
    over one connection, in their order.
    """
    shares = (envelopes[connection::connections] for connection in range(connections))
    return [
        [_batch(share[start : start + BATCH_LENGTH]) for start in range(0, len(share), BATCH_LENGTH)]
        for share in shares
    ]


def _batch(envelopes: Sequence[bytes]) -> bytes:
    return json.dumps(
        [
            {"jsonrpc": "2.0", "id": index, "method": "eth_sendRawTransaction", "params": ["0x" + raw.hex()]}
            for index, raw in enumerate(envelopes)
        ]
    ).encode()
