// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDisputeGame} from "./IDisputeGame.sol";

/// @title IDisputeGameFactory
/// @notice What the other L1 contracts ask the factory of dispute games.
interface IDisputeGameFactory {
    /// @notice The game of a type, claim and extra data, and the Unix time of its creation; zeros where there is none.
    function games(uint32 gameType, bytes32 rootClaim, bytes calldata extraData)
        external
        view
        returns (IDisputeGame proxy_, uint64 timestamp_);

    /// @notice The game at an index of the list of all games.
    function gameAtIndex(uint256 index) external view returns (uint32 gameType_, uint64 timestamp_, IDisputeGame proxy_);

    /// @notice Number of games.
    function gameCount() external view returns (uint256 gameCount_);
}
