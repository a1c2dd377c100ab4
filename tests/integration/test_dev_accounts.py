"""The devnet signs for its accounts, so that web3.py works as it does on other development chains."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from chain_actions import mine
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from web3 import Web3

from phal2.contracts import load_artefact
from phal2.devnet.process import DevnetProcess, Endpoint, RequestRefused
from phal2.node.attestation.account_secrets import AccountSecret
from phal2.node.attestation.building import Call, account_attestation, account_statement_for
from phal2.node.attestation.presentation import evidence_as_hex
from phal2.node.attestation.substrate_signatures import SR25519
from phal2.node.protocol.predeploys import ATTESTATION_CONTEXT

RECIPIENT = "0x00000000000000000000000000000000DeaDBeef"
STRANGER = "0x00000000000000000000000000000000000057A9"
SLOT = "0x" + "01" * 32


@pytest.fixture(params=["web3", "l1_web3"])
def chain(request: pytest.FixtureRequest) -> Web3:
    """The sequencer, then L1."""
    found: Web3 = request.getfixturevalue(request.param)
    return found


def ask(chain: Web3, method: str, *parameters: Any) -> Any:
    """Ask without web3.py's middleware, which fills in fields of its own."""
    answer = chain.provider.make_request(method, parameters)
    assert "error" not in answer, answer
    return answer["result"]


def mined(chain: Web3, transaction_hash: Any) -> Any:
    mine(chain)
    return chain.eth.wait_for_transaction_receipt(transaction_hash, timeout=120, poll_latency=0.02)


def test_the_accounts_are_those_that_the_devnet_printed(chain: Web3, devnet: DevnetProcess) -> None:
    assert chain.eth.accounts == [account["address"] for account in devnet.accounts]


def test_the_follower_has_no_keys(follower: Endpoint) -> None:
    assert follower.request("eth_accounts") == []
    with pytest.raises(RequestRefused, match="does not exist"):
        follower.request("eth_sendTransaction", {"to": RECIPIENT})


def test_a_contract_is_deployed_and_called_by_transact_alone(chain: Web3) -> None:
    artefact = load_artefact("Notebook")
    factory = chain.eth.contract(abi=list(artefact.abi), bytecode=artefact.bytecode)

    created = mined(chain, factory.constructor().transact({"from": chain.eth.accounts[0]}))
    notebook = chain.eth.contract(address=created["contractAddress"], abi=list(artefact.abi))
    written = mined(chain, notebook.functions.write("by transact").transact({"from": chain.eth.accounts[1]}))

    assert (created["status"], written["status"]) == (1, 1)
    assert notebook.functions.read(0).call() == "by transact"
    (event,) = notebook.events.Written().process_receipt(written)
    assert event["args"]["author"] == chain.eth.accounts[1]


@pytest.mark.parametrize(
    ("fields", "transaction_type"),
    [
        ({}, 2),
        ({"maxFeePerGas": hex(10**11)}, 2),
        ({"maxPriorityFeePerGas": "0x7"}, 2),
        ({"gasPrice": hex(10**11)}, 0),
        ({"type": "0x0"}, 0),
        ({"gasPrice": hex(10**11), "accessList": [{"address": RECIPIENT, "storageKeys": [SLOT]}]}, 1),
        ({"type": "0x1"}, 1),
    ],
)
def test_the_fields_tell_the_type_and_what_is_missing_is_filled_in(
    chain: Web3, fields: dict[str, Any], transaction_type: int
) -> None:
    sender = chain.eth.accounts[2]
    nonce = chain.eth.get_transaction_count(sender)

    request = {"from": sender, "to": RECIPIENT, "value": "0x5", **fields}
    receipt = mined(chain, ask(chain, "eth_sendTransaction", request))

    transaction = chain.eth.get_transaction(receipt["transactionHash"])
    assert (receipt["status"], receipt["type"]) == (1, transaction_type)
    assert (transaction["from"], transaction["nonce"], transaction["value"]) == (sender, nonce, 5)
    assert transaction["chainId"] == chain.eth.chain_id
    prices = fields.keys() & {"gasPrice", "maxFeePerGas", "maxPriorityFeePerGas"}
    assert all(transaction[name] == int(fields[name], 16) for name in prices - {"gasPrice"})
    assert "gasPrice" not in prices or receipt["effectiveGasPrice"] == int(fields["gasPrice"], 16)


def test_a_delegation_is_sent_as_type_4(chain: Web3) -> None:
    delegator = Account.create()
    authorization = delegator.sign_authorization({"chainId": chain.eth.chain_id, "address": RECIPIENT, "nonce": 0})
    fields = {
        "chainId": hex(authorization.chain_id),
        "address": RECIPIENT,
        "nonce": hex(authorization.nonce),
        "yParity": hex(authorization.y_parity),
        "r": hex(authorization.r),
        "s": hex(authorization.s),
    }

    request = {"from": chain.eth.accounts[3], "to": RECIPIENT, "authorizationList": [fields]}
    receipt = mined(chain, ask(chain, "eth_sendTransaction", request))

    assert receipt["type"] == 4
    assert chain.eth.get_code(delegator.address) == bytes.fromhex("ef0100" + RECIPIENT[2:])


def test_an_attested_call_is_signed_too(l2: Endpoint, web3: Web3) -> None:
    sender = web3.eth.accounts[4]
    valid_until = web3.eth.get_block("latest")["timestamp"] + 3_600
    call = Call(l2.chain_id, web3.eth.get_transaction_count(sender), ATTESTATION_CONTEXT, 0, b"", 0, 0, 0)
    statement = account_statement_for(call, valid_until, b"touch")
    attestation = account_attestation(statement, AccountSecret(SR25519, b"\xa1" * 32))
    fields = {
        "kind": hex(attestation.kind),
        "validUntil": hex(attestation.valid_until),
        "evidence": evidence_as_hex(attestation.evidence),
    }

    transaction_hash = l2.request(
        "eth_sendTransaction",
        {"from": sender, "to": "0x" + ATTESTATION_CONTEXT.hex(), "gas": hex(200_000), "attestation": fields},
    )

    assert mined(web3, transaction_hash)["type"] == 0x54


def test_transactions_that_come_at_once_get_nonces_in_a_row(web3: Web3, l2: Endpoint) -> None:
    sender = web3.eth.accounts[5]
    first = web3.eth.get_transaction_count(sender, "pending")
    request = {"from": sender, "to": RECIPIENT, "value": "0x1"}

    with ThreadPoolExecutor(8) as threads:
        hashes = list(threads.map(lambda _: l2.request("eth_sendTransaction", request), range(16)))

    for transaction_hash in hashes:
        mined(web3, transaction_hash)
    assert sorted(web3.eth.get_transaction(each)["nonce"] for each in hashes) == list(range(first, first + 16))


def test_sign_transaction_gives_what_can_be_sent(chain: Web3) -> None:
    sender = chain.eth.accounts[6]

    signed = chain.eth.sign_transaction({"from": sender, "to": RECIPIENT, "value": 9})

    assert Account.recover_transaction(signed["raw"]) == sender
    assert mined(chain, chain.eth.send_raw_transaction(signed["raw"]))["status"] == 1


def test_the_pool_s_transactions_of_the_accounts_are_told(web3: Web3, l2: Endpoint) -> None:
    sender = web3.eth.accounts[7]
    following = web3.eth.get_transaction_count(sender) + 1
    waiting = web3.eth.send_transaction({"from": sender, "to": RECIPIENT, "nonce": following, "gas": 21_000})

    pending = l2.request("eth_pendingTransactions")

    assert [each["hash"] for each in pending if int(each["nonce"], 16) == following] == [Web3.to_hex(waiting)]
    l2.request("anvil_dropTransaction", Web3.to_hex(waiting))


def test_a_transaction_is_not_sent_without_the_blobs_that_it_names(l1: Endpoint) -> None:
    sender = l1.request("eth_accounts")[0]
    fields = {"from": sender, "to": RECIPIENT, "blobVersionedHashes": ["0x01" + "00" * 31]}
    for method in ("eth_sendTransaction", "eth_signTransaction"):
        with pytest.raises(RequestRefused, match=r"signing blob transactions not supported.*sign it yourself"):
            l1.request(method, fields)


def test_messages_are_signed_as_wallets_sign_them(chain: Web3) -> None:
    signer = chain.eth.accounts[7]
    message = b"phal2 \x00 says hello"

    by_eth_sign = chain.eth.sign(signer, data=message)
    by_personal_sign = ask(chain, "personal_sign", "0x" + message.hex(), signer, "any password")

    assert by_personal_sign == "0x" + bytes(by_eth_sign).hex()
    assert Account.recover_message(encode_defunct(message), signature=by_eth_sign) == signer


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"from": STRANGER, "to": RECIPIENT}, "unknown account: .* eth_accounts lists the accounts"),
        ({"value": "0x1"}, "contract creation without any data provided"),
        ({"to": RECIPIENT, "chainId": "0x1"}, "chainId does not match"),
        ({"to": RECIPIENT, "type": "0x2", "gasPrice": "0x1"}, "type 0x0 or 0x1, but its type is 0x2"),
        ({"to": RECIPIENT, "type": "0x3"}, "but its type is 0x3"),
        ({"to": RECIPIENT, "type": "two"}, "field type"),
        ({"to": RECIPIENT, "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2"}, "maxFeePerGas \\(1\\) <"),
        ({"to": RECIPIENT, "nonce": "0x0", "gas": "0x5208"}, "nonce"),
        ({"to": RECIPIENT, "value": hex(10**30)}, "insufficient|balance"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_the_reason(
    web3: Web3, l2: Endpoint, fields: dict[str, str], reason: str
) -> None:
    sender = l2.request("eth_accounts")[0]
    # So that a nonce of 0 is used.
    mined(web3, l2.request("eth_sendTransaction", {"from": sender, "to": RECIPIENT, "value": "0x1"}))

    with pytest.raises(RequestRefused, match=reason):
        l2.request("eth_sendTransaction", {"from": sender, **fields})


def test_a_call_that_would_revert_is_refused_with_its_reason(web3: Web3, l2: Endpoint) -> None:
    artefact = load_artefact("Notebook")
    factory = web3.eth.contract(abi=list(artefact.abi), bytecode=artefact.bytecode)
    created = mined(web3, factory.constructor().transact({"from": web3.eth.accounts[0]}))
    notebook = web3.eth.contract(address=created["contractAddress"], abi=list(artefact.abi))

    with pytest.raises(RequestRefused, match="out of ink") as refusal:
        l2.request(
            "eth_sendTransaction",
            {"to": notebook.address, "data": notebook.encode_abi("failWithReason", ["out of ink"])},
        )
    assert refusal.value.code == 3


def test_typed_data_is_signed(chain: Web3) -> None:
    account = chain.eth.accounts[2]
    document = {
        "types": {"Order": [{"name": "amount", "type": "uint256"}, {"name": "note", "type": "string"}]},
        "primaryType": "Order",
        "domain": {"name": "Shop", "chainId": chain.eth.chain_id},
        "message": {"amount": "5", "note": "by the door"},
    }

    signature = ask(chain, "eth_signTypedData_v4", account, document)

    domain = [{"name": "name", "type": "string"}, {"name": "chainId", "type": "uint256"}]
    document["types"]["EIP712Domain"] = domain
    assert Account.recover_message(encode_typed_data(full_message=document), signature=signature) == account
