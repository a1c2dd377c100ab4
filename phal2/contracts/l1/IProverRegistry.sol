// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IProverRegistry
/// @notice What games ask the registry of provers.
interface IProverRegistry {
    /// @notice Whether signatures of this key count now.
    function isValidProver(address prover) external view returns (bool);
}
