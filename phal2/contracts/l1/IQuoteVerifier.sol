// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IQuoteVerifier
/// @notice Verifies raw DCAP quotes. The function and its output are those of Automata's DCAP attestation, version 1.1.
interface IQuoteVerifier {
    /// @notice Verifies a quote.
    /// @param rawQuote The quote, as the platform made it.
    /// @return success Whether it holds.
    /// @return output  Where it does: quote version (2 bytes, big-endian), body type (2; 1 SGX, 2 TDX 1.0, 3 TDX 1.5),
    ///                 TCB status (1), FMSPC (6), the report body, and abi.encode(string[] advisories), packed. Where it
    ///                 does not: the reason as text.
    function verifyAndAttestOnChain(bytes calldata rawQuote)
        external
        payable
        returns (bool success, bytes memory output);
}
