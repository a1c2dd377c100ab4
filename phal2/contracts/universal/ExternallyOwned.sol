// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title ExternallyOwned
/// @notice Tells accounts that people hold the key of from contracts.
library ExternallyOwned {
    /// @notice Whether the caller is an account with a key. One with a delegation (EIP-7702) has code, 0xef0100 and an
    ///         address, and is no contract.
    function isSender() internal view returns (bool) {
        if (msg.sender == tx.origin) return true;
        return msg.sender.code.length == 23 && bytes3(msg.sender.code) == 0xef0100;
    }
}
