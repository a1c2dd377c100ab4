"""A prover program as the proposer sees it, wherever it runs."""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from phal2.bridge.proposer.errors import ProverOfAnotherRollup, ProverUnavailable, UntrueClaim
from phal2.bridge.proposer.prover_channels import Channel, ChannelOpener
from phal2.bridge.prover.claim import SignedClaim, claim_signer
from phal2.bridge.prover.messages import (
    LENGTH_BYTES,
    MAXIMUM_ANSWER_BYTES,
    Combine,
    Describe,
    Description,
    Quote,
    Request,
    decode_claim,
    decode_description,
    decode_quote,
    encode_request,
)
from phal2.bridge.prover.proof_request import ProofRequest
from phal2.node.protocol.errors import InvalidTransaction

ANSWER_SECONDS: Final = 600.0


class ProverClient(Protocol):
    """A prover. Every method raises `ProverUnavailable`, and `Refused` where the prover refuses."""

    async def description(self) -> Description:
        """Return who the prover is."""
        ...

    async def quote(self, registry: bytes) -> bytes:
        """Return a raw quote for the registration at a ProverRegistry."""
        ...

    async def prove(self, request: ProofRequest) -> SignedClaim:
        """Return the signed claim on the blocks of a request."""
        ...

    async def combine(self, claims: Sequence[SignedClaim]) -> SignedClaim:
        """Return one claim in place of a chain of claims."""
        ...

    async def renew(self) -> bool:
        """Have the prover make a new key, where that can be done from here; tell whether it can."""
        ...


class ProgramClient:
    """Opens the way to a program when it is first needed, and again after it broke. `close` it at the end."""

    def __init__(self, opener: ChannelOpener, config_hash: bytes, answer_seconds: float = ANSWER_SECONDS) -> None:
        """`config_hash` is that of the rollup which the program must have been started for."""
        self._opener = opener
        self._config_hash = config_hash
        self._answer_seconds = answer_seconds
        self._channel: Channel | None = None
        self._description: Description | None = None
        self._turn = asyncio.Lock()
        self._asking: set[asyncio.Task[bytes]] = set()

    async def description(self) -> Description:
        """Return who the prover is. Raises `ProverOfAnotherRollup`, too."""
        if self._was_closed_idle():
            await self._close_channel()
        if self._description is None:
            described = decode_description(await self._ask(Describe()))
            if described.config_hash != self._config_hash:
                raise ProverOfAnotherRollup(self._config_hash, described.config_hash)
            self._description = described
        return self._description

    async def quote(self, registry: bytes) -> bytes:
        """Return a raw quote for the registration at a ProverRegistry."""
        return decode_quote(await self._ask(Quote(registry)))

    async def prove(self, request: ProofRequest) -> SignedClaim:
        """Return the signed claim on the blocks of a request. Raises `UntrueClaim` where the signature is another's."""
        return await self._signed(request)

    async def combine(self, claims: Sequence[SignedClaim]) -> SignedClaim:
        """Return one claim in place of a chain of claims. Raises `UntrueClaim` where the signature is another's."""
        return await self._signed(Combine(tuple(claims)))

    async def renew(self) -> bool:
        """End the program, where it was started from here: the next one has a new key."""
        if self._opener.makes_new_key:
            async with self._turn:
                await self._close_channel()
        return self._opener.makes_new_key

    async def close(self) -> None:
        """End the program or the connection, whatever it is at."""
        asking = tuple(self._asking)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        await self._close_channel()

    async def _signed(self, request: Request) -> SignedClaim:
        description = await self.description()
        signed = decode_claim(await self._ask(request))
        try:
            signer = claim_signer(signed)
        except InvalidTransaction as error:
            raise UntrueClaim(f"the prover's signature is invalid: {error}") from error
        if signer != description.address:
            raise UntrueClaim(f"the prover 0x{description.address.hex()} gives a signature of 0x{signer.hex()}")
        return signed

    async def _ask(self, request: Request) -> bytes:
        asking = asyncio.create_task(self._answered(request))
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)
        # Whoever asks may be cancelled: the program must not lose its key for that, so its answer is read all the same.
        return await asyncio.shield(asking)

    async def _answered(self, request: Request) -> bytes:
        # Encoding megabytes takes long enough to be noticed by whoever shares the event loop.
        raw = await asyncio.to_thread(encode_request, request)
        async with self._turn:
            if self._channel is None:
                self._description = None
                self._channel = await self._opener.open()
            try:
                async with asyncio.timeout(self._answer_seconds):
                    return await _exchange(self._channel, raw)
            except (OSError, EOFError, TimeoutError) as error:
                await self._close_channel()
                reason = f"nothing within {self._answer_seconds:g} s" if isinstance(error, TimeoutError) else "it ended"
                raise ProverUnavailable(f"the prover program gave no answer: {reason}") from error

    def _was_closed_idle(self) -> bool:
        """Tell whether a prover that listens closed the connection since the last answer, as it does with idle ones."""
        channel, is_asked = self._channel, self._turn.locked()
        return channel is not None and not is_asked and not self._opener.makes_new_key and channel.reader.at_eof()

    async def _close_channel(self) -> None:
        channel, self._channel = self._channel, None
        self._description = None
        if channel is not None:
            await channel.close()


async def _exchange(channel: Channel, raw: bytes) -> bytes:
    # What is written to a program that is gone is no OSError on every event loop: uvloop's raises RuntimeError.
    if channel.writer.is_closing():
        raise EOFError
    channel.writer.writelines((len(raw).to_bytes(LENGTH_BYTES, "big"), raw))
    await channel.writer.drain()
    length = int.from_bytes(await channel.reader.readexactly(LENGTH_BYTES), "big")
    if length > MAXIMUM_ANSWER_BYTES:
        raise EOFError
    return await channel.reader.readexactly(length)
