"""The cache of verdicts changes no verdict."""

import pickle
from concurrent.futures import ProcessPoolExecutor

import pytest
from attested_calls import CALL, NOW, SENDER, SENDER_KEY, MemoryView, account_signed, quote_of, simulated_quote

from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.node.attestation.building import sign_attested
from phal2.node.attestation.dcap import QuoteClaims, QuoteRefusal, QuoteVerdicts, check_quote, verdict_key
from phal2.node.attestation.errors import ReportDataMismatch
from phal2.node.attestation.intel_root import INTEL_ROOT_CA_DER
from phal2.node.attestation.verification import quote_checks, verify_attestation
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.transaction_codec import recover_transaction

SIMULATED = simulated_quote()
QUOTE = SIMULATED.quote
COLLATERAL = SIMULATED.collateral_json
ARGUMENTS = (QUOTE, COLLATERAL, SIMULATOR_ROOT_CA_DER, NOW)


def test_each_root_and_timestamp_has_its_own_verdict():
    verdicts = QuoteVerdicts()

    assert isinstance(verdicts.verdict(*ARGUMENTS), QuoteClaims)
    assert isinstance(verdicts.verdict(QUOTE, COLLATERAL, INTEL_ROOT_CA_DER, NOW), QuoteRefusal)
    assert isinstance(verdicts.verdict(QUOTE, COLLATERAL, SIMULATOR_ROOT_CA_DER, NOW + 10**8), QuoteRefusal)
    assert isinstance(verdicts.verdict(QUOTE + b"\1", COLLATERAL[:-1], SIMULATOR_ROOT_CA_DER, NOW), QuoteRefusal)
    assert isinstance(verdicts.verdict(*ARGUMENTS), QuoteClaims)


def test_a_remembered_verdict_is_used():
    verdicts = QuoteVerdicts()
    remembered = QuoteClaims(3, 99, ("X",))

    verdicts.remember(verdict_key(QUOTE, COLLATERAL, keccak256(SIMULATOR_ROOT_CA_DER), NOW), remembered)

    assert verdicts.verdict(*ARGUMENTS) == remembered


def test_the_cache_is_bounded_and_forgets_the_least_recently_used():
    verdicts = QuoteVerdicts(capacity=2)
    keys = [(bytes([number]) * 32, b"", b"", 0) for number in range(3)]
    verdicts.remember(keys[0], QuoteRefusal("0"))
    verdicts.remember(keys[1], QuoteRefusal("1"))
    verdicts.remember(keys[0], QuoteRefusal("0"))
    verdicts.remember(keys[2], QuoteRefusal("2"))

    assert len(verdicts) == 2
    assert keys[0] in verdicts
    assert keys[1] not in verdicts


@pytest.mark.parametrize(
    "arguments",
    [
        (b"", COLLATERAL, SIMULATOR_ROOT_CA_DER, NOW),
        (QUOTE, b"", SIMULATOR_ROOT_CA_DER, NOW),
        (QUOTE, b"\xff\xfe", SIMULATOR_ROOT_CA_DER, NOW),
        (QUOTE, b"{}", SIMULATOR_ROOT_CA_DER, NOW),
        (QUOTE, COLLATERAL, b"", NOW),
        (QUOTE, COLLATERAL, b"\x30\x82\xff\xff", NOW),
        (QUOTE, COLLATERAL, SIMULATOR_ROOT_CA_DER, 2**64),
        (QUOTE, COLLATERAL, SIMULATOR_ROOT_CA_DER, -1),
        (QUOTE[:500], COLLATERAL, SIMULATOR_ROOT_CA_DER, NOW),
    ],
)
def test_hostile_input_is_refused_and_raises_nothing(arguments):
    verdict = check_quote(*arguments)

    assert isinstance(verdict, QuoteRefusal)
    assert "\n" not in verdict.reason


def test_a_worker_process_gives_the_same_verdict():
    transaction = recover_transaction(sign_attested(CALL, quote_of(SIMULATED), SENDER_KEY)).transaction
    verdicts = QuoteVerdicts()

    checks = quote_checks(transaction, SENDER, NOW, MemoryView())
    with ProcessPoolExecutor(max_workers=1) as pool:
        answers = list(pool.map(check_quote, *zip(*checks, strict=True)))
    for (quote, collateral, root_der, timestamp), answer in zip(checks, answers, strict=True):
        verdicts.remember(verdict_key(quote, collateral, keccak256(root_der), timestamp), answer)

    assert answers == [check_quote(*check) for check in checks]
    assert len(verdicts) == len(MemoryView().policy().root_certificates)
    assert verify_attestation(transaction, SENDER, NOW, MemoryView(), verdicts).kind == 1
    assert len(verdicts) == len(checks)


def test_quote_checks_come_after_the_cheaper_ones():
    transaction = recover_transaction(sign_attested(CALL, quote_of(SIMULATED), SENDER_KEY)).transaction
    account = recover_transaction(sign_attested(CALL, account_signed(), SENDER_KEY)).transaction

    with pytest.raises(ReportDataMismatch):
        quote_checks(transaction, b"\x01" * 20, NOW, MemoryView())
    assert quote_checks(account, SENDER, NOW, MemoryView()) == ()


def test_verdicts_cross_process_boundaries():
    for verdict in (QuoteClaims(1, 2, ("A", "B")), QuoteRefusal("why")):
        assert pickle.loads(pickle.dumps(verdict)) == verdict  # noqa: S301 (what was pickled here)
