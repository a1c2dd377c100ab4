"""A prover program as a process of its own, spoken to over its standard input and output."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, Protocol

from phal2.bridge.proposer.errors import ProverOfAnotherRollup, ProverUnavailable, UntrueClaim
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

_LOGGER = logging.getLogger("phal2.proposer")

ANSWER_SECONDS: Final = 600.0
_END_SECONDS: Final = 5.0


class ProverClient(Protocol):
    """A prover, wherever it runs. Every method raises `ProverUnavailable`, and `Refused` where the prover refuses."""

    async def description(self) -> Description:
        """Return who the prover is; asked once for each start of it."""
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

    async def renew(self) -> None:
        """Have the prover make a new key, where the present one can be registered no more."""
        ...


class ProverProcess:
    """Starts the program when it is first needed, and again after it ended. `close` it at the end."""

    def __init__(self, command: Sequence[str], config_hash: bytes, answer_seconds: float = ANSWER_SECONDS) -> None:
        """`command` is the program with its arguments, `config_hash` that of the rollup it must be started for."""
        self._command = command
        self._config_hash = config_hash
        self._answer_seconds = answer_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._description: Description | None = None
        self._turn = asyncio.Lock()
        self._asking: set[asyncio.Task[bytes]] = set()

    async def description(self) -> Description:
        """Return who the prover is. Raises `ProverOfAnotherRollup`, too."""
        if self._description is None or not self._is_running():
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
        """Return one claim in place of a chain of claims. Raises `UntrueClaim` where the signature is not its own."""
        return await self._signed(Combine(tuple(claims)))

    async def renew(self) -> None:
        """End the program, so that the next start has a new key."""
        async with self._turn:
            await self._end_process()

    async def close(self) -> None:
        """End the program, whatever it is at."""
        for asking in self._asking:
            asking.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        await self._end_process()

    async def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await _end(process)

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

    def _is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

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
            process = await self._started()
            try:
                async with asyncio.timeout(self._answer_seconds):
                    return await _exchange(process, raw)
            except (OSError, EOFError, TimeoutError) as error:
                self._process = None
                await _end(process)
                reason = f"nothing within {self._answer_seconds:g} s" if isinstance(error, TimeoutError) else "it ended"
                raise ProverUnavailable(f"the prover program gave no answer: {reason}") from error

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        self._description = None
        try:
            # Ctrl-C is for whoever runs this; the program ends with its input.
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise ProverUnavailable(f"the prover program {self._command[0]} cannot be started: {error}") from error
        _LOGGER.debug("started the prover program, process %d", self._process.pid)
        return self._process


async def _exchange(process: asyncio.subprocess.Process, raw: bytes) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise EOFError
    process.stdin.write(len(raw).to_bytes(LENGTH_BYTES, "big"))
    process.stdin.write(raw)
    await process.stdin.drain()
    length = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES), "big")
    if length > MAXIMUM_ANSWER_BYTES:
        raise EOFError
    return await process.stdout.readexactly(length)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process whose input ends with this; a proof under way is given up."""
    if process.stdin is not None:
        process.stdin.close()
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(_END_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
    await process.wait()
