"""The EIP-712 statement, against another implementation of EIP-712."""

from attested_calls import CALL, SENDER, VALID_UNTIL
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.attestation.building import statement_for
from phal2.node.attestation.statement import Statement, report_data_of, statement_hash
from phal2.node.protocol.keccak import keccak256

addresses = st.binary(min_size=20, max_size=20)
uint64s = st.integers(0, 2**64 - 1)
uint256s = st.integers(0, 2**256 - 1)


def reference_hash(statement: Statement) -> bytes:
    signable = encode_typed_data(
        domain_data={"name": "phal2 attested transaction", "version": "1", "chainId": statement.chain_id},
        message_types={
            "Statement": [
                {"name": "sender", "type": "address"},
                {"name": "nonce", "type": "uint64"},
                {"name": "to", "type": "address"},
                {"name": "value", "type": "uint256"},
                {"name": "dataHash", "type": "bytes32"},
                {"name": "validUntil", "type": "uint64"},
            ]
        },
        message_data={
            "sender": statement.sender,
            "nonce": statement.nonce,
            "to": statement.to,
            "value": statement.value,
            "dataHash": keccak256(statement.data),
            "validUntil": statement.valid_until,
        },
    )
    return keccak256(b"\x19" + signable.version + signable.header + signable.body)


@given(
    statement=st.builds(
        Statement,
        chain_id=uint256s,
        sender=addresses,
        nonce=uint64s,
        to=addresses,
        value=uint256s,
        data=st.binary(max_size=100),
        valid_until=uint64s,
    )
)
def test_hash_is_eip_712s(statement):
    assert statement_hash(statement) == reference_hash(statement)


def test_report_data_is_the_hash_and_zeros():
    statement = statement_for(CALL, SENDER, VALID_UNTIL)

    assert report_data_of(statement) == statement_hash(statement) + bytes(32)
