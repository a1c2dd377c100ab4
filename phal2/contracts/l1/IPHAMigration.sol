// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IPHAMigration
/// @notice The message that PHAClaims on L2 sends to PHAMigration on L1.
interface IPHAMigration {
    /// @notice Releases PHA that nobody claimed on L2 to the treasury.
    /// @param amount PHA in units of 10**-18.
    function receiveSweep(uint256 amount) external;
}
