// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IPHAClaims
/// @notice The message that PHAMigration on L1 sends to PHAClaims on L2.
interface IPHAClaims {
    /// @notice Opens the claims, which are paid as soon as their backing is there too.
    /// @param root     Root of the Merkle tree of claims.
    /// @param total    Sum of all claims, in units of 10**-18 PHA.
    /// @param deadline Last second, in Unix time, at which claims are paid.
    /// @param treasury Receives on L1 what nobody claimed.
    function receiveLaunch(bytes32 root, uint256 total, uint64 deadline, address treasury) external;
}
