"""The proposer on a real devnet: games that L1 accepts, restarts, reorganisations, trouble, and the fallback."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import pytest
import pytest_asyncio
from chain_actions import send
from eth_account.signers.local import LocalAccount
from proposing_rig import SETTINGS, Proposing, proposing
from web3 import Web3

from phal2.bridge.chain_access.contract_views import Contract
from phal2.bridge.chain_access.errors import ChainError
from phal2.bridge.dispute_games import GameType
from phal2.bridge.proposer.errors import CallRefused, InvalidQuote, NotRegistered, ProposerError, ProverUnavailable
from phal2.bridge.proposer.games import ANCHOR_INDEX, enclave_extra_data
from phal2.bridge.proposer.gathering import Gathering
from phal2.bridge.proposer.transaction_sender import ContractCall, TransactionSender
from phal2.bridge.prover.claim import SignedClaim, sign_claim
from phal2.bridge.prover.errors import ProverError
from phal2.devnet.accounts import role_account
from phal2.devnet.process import DevnetProcess
from phal2.node.attestation.intel_root import INTEL_ROOT_CA_DER
from phal2.node.l1.errors import EndpointError, EndpointUnavailable
from phal2.node.l1.json_rpc import JsonRpcClient
from phal2.node.protocol.predeploys import L2_TO_L1_MESSAGE_PASSER

pytestmark = pytest.mark.asyncio(loop_scope="module")

ARTEFACTS = ("DisputeGameFactory", "EnclaveDisputeGame", "PermissionedDisputeGame", "AnchorStateRegistry")


@pytest.fixture(scope="module")
def bare_devnet() -> Iterator[DevnetProcess]:
    """A devnet without a proposer, whose L1 seals a block for each transaction."""
    with DevnetProcess.start("--no-proposer", "--l1-block-time", "1") as running:
        running.l1.request("evm_setAutomine", True)
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(bare_devnet: DevnetProcess, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Proposing]:
    """One for all tests, as a prover's start and registration take their time."""
    async with proposing(bare_devnet, tmp_path_factory.mktemp("prover")) as rig:
        yield rig


async def safe_beyond(rig: Proposing, number: int) -> int:
    """Wait until a block after `number` is safe."""
    async with asyncio.timeout(180):
        while (safe := rig.safe_number()) <= number:
            # Time is what the batcher waits for.
            rig.devnet.mine()
            await asyncio.sleep(0.3)
    return safe


async def test_games_are_created_one_upon_the_other_and_a_new_proposer_goes_on(rig: Proposing) -> None:
    await safe_beyond(rig, 3)
    proposer = rig.proposer()
    await proposer.step()
    first = await rig.newest_game()
    assert first.root == rig.output_root(first.l2_block_number)
    assert await rig.game_word(first, "parentGameIndex") == ANCHOR_INDEX
    assert await rig.game_word(first, "status") == 2

    await safe_beyond(rig, first.l2_block_number)
    await proposer.step()
    await safe_beyond(rig, (await rig.newest_game()).l2_block_number)
    await rig.proposer().step()
    third = await rig.newest_game()
    assert third.index == first.index + 2
    assert await rig.game_word(third, "parentGameIndex") == first.index + 1
    assert third.root == rig.output_root(third.l2_block_number)


async def test_the_anchor_root_follows_the_games(rig: Proposing) -> None:
    for _ in range(2):
        await safe_beyond(rig, max((await rig.games.anchor()).l2_block_number, rig.safe_number()))
        await rig.proposer(anchor_blocks=1).step()
    anchor, game = await rig.games.anchor(), await rig.newest_game()
    assert 0 < anchor.l2_block_number < game.l2_block_number
    assert anchor.root == rig.output_root(anchor.l2_block_number)
    await safe_beyond(rig, game.l2_block_number)
    await rig.proposer(anchor_blocks=10_000).step()
    assert await rig.games.anchor() == anchor


async def test_nothing_is_created_before_it_is_due(rig: Proposing) -> None:
    await safe_beyond(rig, 0)
    await rig.proposer().step()
    count = await rig.games.count()
    await safe_beyond(rig, (await rig.newest_game()).l2_block_number)
    await rig.proposer(interval_blocks=10_000).step()
    assert await rig.games.count() == count


async def test_a_withdrawal_is_served_at_once_by_a_later_block(rig: Proposing, bare_devnet: DevnetProcess) -> None:
    await safe_beyond(rig, 0)
    await rig.proposer().step()
    before = await rig.newest_game()
    proposer = rig.proposer(interval_blocks=10_000, on_withdrawal=True)
    await safe_beyond(rig, before.l2_block_number)
    await proposer.step()
    assert (await rig.newest_game()).index == before.index

    web3 = Web3(Web3.HTTPProvider(bare_devnet.l2.url))
    account = web3.eth.account.from_key(bare_devnet.accounts[1]["privateKey"])
    receipt = send(web3, account, to=Web3.to_checksum_address(L2_TO_L1_MESSAGE_PASSER), value=1)
    async with asyncio.timeout(180):
        while (await rig.newest_game()).index == before.index:
            await proposer.step()
            await asyncio.sleep(0.05)
    game = await rig.newest_game()
    assert game.l2_block_number > receipt["blockNumber"]
    await safe_beyond(rig, game.l2_block_number)
    await proposer.step()
    assert (await rig.newest_game()).index == game.index


async def signed_claim(rig: Proposing) -> tuple[SignedClaim, int]:
    """A true claim on one block after the newest game, and that game's index."""
    await safe_beyond(rig, 0)
    await rig.proposer().step()
    parent = await rig.newest_game()
    await safe_beyond(rig, parent.l2_block_number)
    number = parent.l2_block_number + 1
    gathered = await Gathering(rig.config, rig.l1, rig.l2).gather(number, number)
    return await rig.prover.prove(gathered.request), parent.index


async def create(rig: Proposing, signed: SignedClaim, parent_index: int) -> None:
    """Create a game with whatever is given. Raises `CallRefused` with the contract's error."""
    factory = rig.games.factory
    data = factory.call_data("create", 84, signed.claim.output_root, enclave_extra_data(signed, parent_index))
    sender = TransactionSender(rig.l1, rig.config.l1_chain_id, role_account("proposer").private_key, SETTINGS)
    await sender.send(ContractCall("creating a game", factory.address, data, ARTEFACTS))


async def test_a_game_with_anything_changed_is_refused(rig: Proposing) -> None:
    signed, parent = await signed_claim(rig)
    claim = signed.claim
    for wrong, index, error in (
        (replace(signed, claim=replace(claim, output_root=b"\x01" * 32)), parent, "InvalidProver"),
        (replace(signed, claim=replace(claim, l2_block_number=claim.l2_block_number + 1)), parent, "InvalidProver"),
        (replace(signed, claim=replace(claim, l1_block_number=claim.l1_block_number - 1)), parent, "InvalidProver"),
        (replace(signed, claim=replace(claim, l1_block_number=1 << 40)), parent, "UnknownL1Block"),
        (replace(signed, signature=signed.signature[:64] + b"\x1d"), parent, "InvalidProver"),
        (sign_claim(claim, b"\x01" * 32), parent, "InvalidProver"),
        (signed, ANCHOR_INDEX, "InvalidProver"),
    ):
        with pytest.raises(CallRefused, match=error):
            await create(rig, wrong, index)
    await create(rig, signed, parent)
    with pytest.raises(CallRefused, match="GameAlreadyExists"):
        await create(rig, signed, parent)


async def test_a_prover_that_is_not_registered_is_of_no_use(rig: Proposing) -> None:
    await safe_beyond(rig, (await rig.games.anchor()).l2_block_number)
    await rig.prover.renew()
    with pytest.raises(NotRegistered, match="phal2 proposer register"):
        await rig.proposer(registers=False).step()
    signed = (await signed_claim(rig))[0]
    await rig.prover.renew()
    gathered = await Gathering(rig.config, rig.l1, rig.l2).gather(
        signed.claim.l2_block_number, signed.claim.l2_block_number
    )
    stranger = await rig.prover.prove(gathered.request)
    with pytest.raises(CallRefused, match="InvalidProver"):
        await create(rig, stranger, (await rig.newest_game()).index)


async def test_a_quote_of_another_workload_or_root_is_not_approved(rig: Proposing) -> None:
    await rig.prover.renew()
    for trust in (
        replace(rig.trust, workload=b"\x01" * 32),
        replace(rig.trust, root_der=INTEL_ROOT_CA_DER),
        replace(rig.trust, collateral=lambda _: b"{}"),
    ):
        with pytest.raises(InvalidQuote):
            await rig.registrar(trust=trust).register(rig.prover)


async def test_a_key_that_was_revoked_is_replaced_by_a_new_one(rig: Proposing, bare_devnet: DevnetProcess) -> None:
    await safe_beyond(rig, 0)
    proposer = rig.proposer()
    await proposer.step()
    revoked = (await rig.prover.description()).address
    web3 = Web3(Web3.HTTPProvider(bare_devnet.l1.url))
    owner = web3.eth.account.from_key(bare_devnet.accounts[0]["privateKey"])
    registry = Contract("ProverRegistry", rig.contracts.prover_registry)
    send(
        web3,
        owner,
        to=Web3.to_checksum_address(registry.address),
        data="0x" + registry.call_data("revoke", revoked).hex(),
    )
    count = await rig.games.count()
    async with asyncio.timeout(180):
        while await rig.games.count() == count:
            await safe_beyond(rig, (await rig.newest_game()).l2_block_number)
            await proposer.step()
    assert (await rig.prover.description()).address != revoked


async def test_a_prover_that_dies_is_started_again_and_registered(rig: Proposing) -> None:
    await safe_beyond(rig, 0)
    proposer = rig.proposer()
    await proposer.step()
    game = await rig.newest_game()
    await safe_beyond(rig, game.l2_block_number)
    assert rig.prover._channel is not None
    rig.prover._channel._process.kill()
    with pytest.raises(ProverUnavailable, match="it ended"):
        await proposer.step()
    await proposer.step()
    assert (await rig.newest_game()).index == game.index + 1


async def test_after_an_l1_reorganisation_the_game_is_created_again(rig: Proposing, bare_devnet: DevnetProcess) -> None:
    await safe_beyond(rig, 0)
    proposer = rig.proposer()
    await proposer.step()
    bare_devnet.reorg_l1(3)
    async with asyncio.timeout(180):
        while True:
            newest = await rig.newest_games()
            if newest and newest[0].l2_block_number > 30:
                break
            # Until the node has followed L1, what it is asked for may be gone: `run` tries again, too.
            with suppress(EndpointError, ChainError, ProposerError, ProverError):
                await proposer.step()
            await asyncio.sleep(0.2)
    assert newest[0].root == rig.output_root(newest[0].l2_block_number)


async def test_an_endpoint_that_is_away_is_said_once_and_survived(
    rig: Proposing, caplog: pytest.LogCaptureFixture
) -> None:
    await safe_beyond(rig, 0)
    nowhere = JsonRpcClient("http://127.0.0.1:9")
    with pytest.raises(EndpointUnavailable):
        await rig.proposer(l2=nowhere).step()
    proposer = rig.proposer(l2=nowhere)
    running = asyncio.create_task(proposer.run())
    async with asyncio.timeout(180):
        while proposer.trouble is None:  # noqa: ASYNC110 - it gives no sign
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await nowhere.close()
    assert len([record for record in caplog.records if "127.0.0.1:9" in record.message]) == 1


async def test_a_transaction_that_is_not_mined_is_sent_again_with_higher_fees(
    rig: Proposing, bare_devnet: DevnetProcess
) -> None:
    registry = Contract("AnchorStateRegistry", rig.contracts.anchor_state_registry)
    sender = TransactionSender(
        rig.l1,
        rig.config.l1_chain_id,
        role_account("proposer").private_key,
        replace(SETTINGS, resubmission_seconds=0.2),
    )
    bare_devnet.l1.request("evm_setAutomine", False)
    bare_devnet.l1.request("evm_setIntervalMining", 0)
    try:
        sending = asyncio.create_task(
            sender.send(ContractCall("asking", registry.address, registry.call_data("getAnchorRoot"), ARTEFACTS))
        )
        fees: list[int] = []
        async with asyncio.timeout(180):
            while len(fees) < 3:
                pool = bare_devnet.l1.request("txpool_content")["pending"]
                own = [by_nonce for who, by_nonce in pool.items() if who.lower() == "0x" + sender.address.hex()]
                found = [int(tx["maxFeePerGas"], 16) for by_nonce in own for tx in by_nonce.values()]
                fees += [fee for fee in found if fee not in fees]
                await asyncio.sleep(0.02)
        assert all(after * 8 >= before * 9 for before, after in pairwise(fees))
    finally:
        bare_devnet.l1.request("evm_setIntervalMining", 1)
        bare_devnet.l1.request("evm_setAutomine", True)
    assert (await sending).succeeded


async def test_without_a_prover_permissioned_games_go_on_and_enclave_games_upon_them(
    rig: Proposing, bare_devnet: DevnetProcess
) -> None:
    await safe_beyond(rig, 0)
    await rig.proposer().step()
    last_proven = await rig.newest_game()
    await safe_beyond(rig, last_proven.l2_block_number)
    web3 = Web3(Web3.HTTPProvider(bare_devnet.l1.url))
    guardian = web3.eth.account.from_key(bare_devnet.accounts[0]["privateKey"])
    respect(web3, guardian, rig, GameType.PERMISSIONED)
    try:
        fallback = rig.proposer(game_type=GameType.PERMISSIONED, interval_blocks=5)
        async with asyncio.timeout(180):
            while not (games := await rig.newest_games(GameType.PERMISSIONED)):
                await fallback.step()
                await asyncio.sleep(0.1)
        game = games[0]
        assert game.root == rig.output_root(game.l2_block_number)
        async with asyncio.timeout(180):
            while await rig.game_word(game, "status") == 0:
                await fallback.step()
                await asyncio.sleep(0.1)
        assert await rig.game_word(game, "status") == 2
    finally:
        respect(web3, guardian, rig, GameType.ENCLAVE)
    decided = [
        found for found in await rig.newest_games(GameType.PERMISSIONED) if await rig.game_word(found, "status") == 2
    ]
    await safe_beyond(rig, decided[0].l2_block_number)
    await rig.proposer().step()
    upon = await rig.newest_game()
    assert await rig.game_word(upon, "parentGameIndex") == decided[0].index


def respect(web3: Web3, guardian: LocalAccount, rig: Proposing, game_type: GameType) -> None:
    registry = Contract("AnchorStateRegistry", rig.contracts.anchor_state_registry)
    data = "0x" + registry.call_data("setRespectedGameType", int(game_type)).hex()
    send(web3, guardian, to=Web3.to_checksum_address(registry.address), data=data)
