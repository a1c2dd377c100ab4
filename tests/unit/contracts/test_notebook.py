import pytest
from contract_chain import START_TIME, Chain, Contract

AUTHOR = b"\x01" * 20


@pytest.fixture
def notebook(chain: Chain) -> Contract:
    chain.state.set_balance(AUTHOR, 100)
    return chain.deploy("Notebook", sender=b"\xd0" * 20)


def test_a_page_is_written_and_read(notebook: Contract) -> None:
    outcome = notebook.transact("write", "première", sender=AUTHOR)
    assert notebook.event(outcome).arguments == {"author": AUTHOR, "number": 0, "text": "première"}
    assert (notebook.read("read", 0), notebook.read("count")) == ("première", 1)
    assert notebook.read("page", 0) == (AUTHOR, "première")


def test_ether_is_put_in(notebook: Contract) -> None:
    outcome = notebook.transact("deposit", sender=AUTHOR, value=7)
    assert notebook.event(outcome).arguments == {"account": AUTHOR, "amount": 7}
    assert notebook.read("deposited", AUTHOR) == 7


@pytest.mark.parametrize(
    ("function", "arguments", "reason"),
    [
        ("deposit", (), "no ether sent"),
        ("failWithReason", ("because",), "because"),
        ("failWithPanic", (), "panic 0x12: division or modulo by zero"),
        ("page", (3,), "panic 0x32: index out of bounds"),
        ("read", (3,), "NoSuchPage(number: 3, count: 0)"),
        ("write", ("x" * 1_025,), "TextTooLong(length: 1025, maximum: 1024)"),
    ],
)
def test_failures_say_why(notebook: Contract, function: str, arguments: tuple[object, ...], reason: str) -> None:
    assert notebook.refuse(function, *arguments, sender=AUTHOR) == reason


def test_block_fields_are_those_of_the_block(notebook: Contract) -> None:
    assert notebook.read("blockFields") == (1, START_TIME, 0, bytes(20), 0, 30_000_000, 20350)
