import pytest
from contract_chain import Chain, Contract

from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import ATTESTATION_POLICY

OWNER = b"\x01" * 20
NEXT_OWNER = b"\x02" * 20
STRANGER = b"\x03" * 20
DERS = [b"\x30\x01first", b"\x30\x02second" * 20, b"\x30\x03third"]
SETTERS = [
    ("addRootCa", (b"\x30", True)),
    ("removeRootCa", (keccak256(DERS[0]),)),
    ("setAllowedStatuses", (1,)),
    ("setLeastTcbEvaluationNumber", (1,)),
    ("setAnyWorkload", (True,)),
    ("setAnyImage", (True,)),
    ("setWorkload", (b"\x05" * 32, True)),
    ("setImage", (b"\x05" * 32, True)),
    ("transferOwnership", (STRANGER,)),
]


@pytest.fixture
def policy(chain: Chain) -> Contract:
    policy = chain.place_behind_proxy("AttestationPolicy", ATTESTATION_POLICY)
    policy.transact("initialize", OWNER, 0b000101, 17, False, True, DERS, [False, False, True], sender=STRANGER)
    return policy


def word(policy: Contract, slot: int) -> bytes:
    return policy.chain.state.get_storage(policy.address, slot).to_bytes(32, "big")


def mapping_slot(key: bytes, slot: int) -> int:
    return int.from_bytes(keccak256(key + slot.to_bytes(32, "big")), "big")


def test_initialisation_packs_the_first_slot(policy: Contract) -> None:
    assert word(policy, 0)[::-1] == OWNER + bytes([0b000101]) + (17).to_bytes(4, "little") + b"\x00\x01" + bytes(5)


def test_root_certificates_lie_where_the_node_reads_them(policy: Contract) -> None:
    assert word(policy, 2) == (3).to_bytes(32, "big")
    first = int.from_bytes(keccak256((2).to_bytes(32, "big")), "big")
    assert [word(policy, first + index) for index in range(3)] == [keccak256(der) for der in DERS]
    record = mapping_slot(keccak256(DERS[1]), 3)
    assert int.from_bytes(word(policy, record), "big") == 2 * len(DERS[1]) + 1
    data = int.from_bytes(keccak256(record.to_bytes(32, "big")), "big")
    assert b"".join(word(policy, data + index) for index in range(6)).startswith(DERS[1])
    assert word(policy, mapping_slot(keccak256(DERS[2]), 3) + 1) == (1).to_bytes(32, "big")


def test_it_is_initialised_once(policy: Contract) -> None:
    refusal = policy.refuse("initialize", STRANGER, 1, 0, False, False, [], [], sender=STRANGER)
    assert refusal.startswith("AlreadyInitialized(")


def test_initialisation_wants_an_owner(chain: Chain) -> None:
    policy = chain.place_behind_proxy("AttestationPolicy", ATTESTATION_POLICY)
    assert policy.refuse("initialize", bytes(20), 1, 0, False, False, [], [], sender=OWNER) == "ZeroOwner()"


def test_initialisation_wants_a_flag_for_each_root(chain: Chain) -> None:
    policy = chain.place_behind_proxy("AttestationPolicy", ATTESTATION_POLICY)
    refusal = policy.refuse("initialize", OWNER, 1, 0, False, False, DERS, [True], sender=OWNER)
    assert refusal == "RootCaCountMismatch(ders: 3, simulated: 1)"


@pytest.mark.parametrize(("function", "arguments"), SETTERS)
def test_only_the_owner_changes_the_policy(policy: Contract, function: str, arguments: tuple[object, ...]) -> None:
    assert policy.refuse(function, *arguments, sender=STRANGER).startswith("NotOwner(")


@pytest.mark.parametrize(("function", "arguments"), SETTERS)
def test_every_change_logs_one_event(policy: Contract, function: str, arguments: tuple[object, ...]) -> None:
    outcome = policy.transact(function, *arguments, sender=OWNER)
    assert set(arguments) <= set(policy.event(outcome).arguments.values())


def test_views_show_the_roots_in_order(policy: Contract) -> None:
    assert policy.read("rootCas") == tuple(keccak256(der) for der in DERS)
    assert policy.read("rootCa", keccak256(DERS[2])) == (DERS[2], True)
    assert policy.read("rootCa", bytes(32)) == (b"", False)


@pytest.mark.parametrize("removed", [0, 1, 2])
def test_removing_a_root_keeps_the_others_in_order(policy: Contract, removed: int) -> None:
    policy.transact("removeRootCa", keccak256(DERS[removed]), sender=OWNER)
    assert policy.read("rootCas") == tuple(keccak256(der) for der in DERS if der != DERS[removed])
    assert policy.read("rootCa", keccak256(DERS[removed])) == (b"", False)


def test_a_removed_root_can_come_back_last(policy: Contract) -> None:
    policy.transact("removeRootCa", keccak256(DERS[0]), sender=OWNER)
    policy.transact("addRootCa", DERS[0], True, sender=OWNER)
    assert policy.read("rootCas")[-1] == keccak256(DERS[0])


def test_an_unlisted_root_cannot_be_removed(policy: Contract) -> None:
    assert policy.refuse("removeRootCa", bytes(32), sender=OWNER).startswith("RootCaNotListed(")


def test_a_listed_root_cannot_be_added_again(policy: Contract) -> None:
    assert policy.refuse("addRootCa", DERS[0], True, sender=OWNER).startswith("RootCaAlreadyListed(")


def test_there_are_at_most_four_roots(policy: Contract) -> None:
    policy.transact("addRootCa", b"\x30" * 2_048, False, sender=OWNER)
    assert policy.refuse("addRootCa", b"\x31", False, sender=OWNER) == "RootCaListFull(maximum: 4)"


@pytest.mark.parametrize("length", [0, 2_049])
def test_a_root_has_1_to_2048_bytes(policy: Contract, length: int) -> None:
    refusal = policy.refuse("addRootCa", bytes(length), False, sender=OWNER)
    assert refusal == f"InvalidDerLength(length: {length}, maximum: 2048)"


def test_statuses_are_a_bitmap_of_the_known_ones(policy: Contract) -> None:
    assert [policy.read("isStatusAllowed", status) for status in range(8)] == [True, False, True] + [False] * 5
    assert policy.refuse("setAllowedStatuses", 0x40, sender=OWNER) == "UnknownStatuses(allowedStatuses: 64, known: 63)"


@pytest.mark.parametrize(
    ("any_workload", "any_image", "workload_listed", "image_listed", "image", "allowed"),
    [
        (False, False, False, False, b"\x06" * 32, False),
        (True, False, False, False, bytes(32), True),
        (False, False, True, False, bytes(32), True),
        (False, True, False, False, bytes(32), False),
        (False, True, False, False, b"\x06" * 32, True),
        (False, False, False, True, b"\x06" * 32, True),
    ],
)
def test_a_workload_is_allowed_by_itself_or_by_its_image(
    policy: Contract,
    any_workload: bool,
    any_image: bool,
    workload_listed: bool,
    image_listed: bool,
    image: bytes,
    allowed: bool,
) -> None:
    workload = b"\x05" * 32
    policy.transact("setAnyWorkload", any_workload, sender=OWNER)
    policy.transact("setAnyImage", any_image, sender=OWNER)
    policy.transact("setWorkload", workload, workload_listed, sender=OWNER)
    policy.transact("setImage", b"\x06" * 32, image_listed, sender=OWNER)
    assert policy.read("isWorkloadAllowed", workload, image) is allowed


def test_zero_is_no_image(policy: Contract) -> None:
    assert policy.refuse("setImage", bytes(32), True, sender=OWNER) == "ZeroImage()"


def test_ownership_goes_over_in_two_steps(policy: Contract) -> None:
    policy.transact("transferOwnership", NEXT_OWNER, sender=OWNER)
    assert (policy.read("owner"), policy.read("pendingOwner")) == (OWNER, NEXT_OWNER)
    assert word(policy, 1)[12:] == NEXT_OWNER
    assert policy.refuse("acceptOwnership", sender=STRANGER).startswith("NotPendingOwner(")
    policy.transact("acceptOwnership", sender=NEXT_OWNER)
    assert (policy.read("owner"), policy.read("pendingOwner")) == (NEXT_OWNER, bytes(20))
    assert policy.read("leastTcbEvaluationNumber") == 17
