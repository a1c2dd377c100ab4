// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAnchorStateRegistry} from "./IAnchorStateRegistry.sol";

/// @notice How a game stands.
enum GameStatus {
    IN_PROGRESS,
    CHALLENGER_WINS,
    DEFENDER_WINS
}

/// @title IDisputeGame
/// @notice A claim about an L2 block's output root, and how it is decided. A game is a clone of its type's
///         implementation, with the creator, the claim and the rest of the particulars in its code.
interface IDisputeGame {
    /// @notice The game was decided.
    event Resolved(GameStatus indexed status);

    /// @notice Begins the game; the factory calls it once.
    function initialize() external payable;

    /// @notice Decides the game where it can be decided, and returns how.
    function resolve() external returns (GameStatus);

    /// @notice Unix time of the creation.
    function createdAt() external view returns (uint64);

    /// @notice Unix time of the decision; zero before it.
    function resolvedAt() external view returns (uint64);

    /// @notice How the game stands.
    function status() external view returns (GameStatus);

    /// @notice The type of the game.
    function gameType() external view returns (uint32);

    /// @notice Who had the factory create the game.
    function gameCreator() external view returns (address);

    /// @notice The output root that the game claims.
    function rootClaim() external view returns (bytes32);

    /// @notice Hash of the L1 block before the one of the creation.
    function l1Head() external view returns (bytes32);

    /// @notice Number of the L2 block whose output root is claimed.
    function l2SequenceNumber() external view returns (uint256);

    /// @notice What the creator gave the game beside the claim.
    function extraData() external view returns (bytes memory);

    /// @notice Type, claim and extra data, by which the factory finds the game.
    function gameData() external view returns (uint32 gameType_, bytes32 rootClaim_, bytes memory extraData_);

    /// @notice Whether the type was the respected one when the game was created.
    function wasRespectedGameTypeWhenCreated() external view returns (bool);

    /// @notice The registry that judges the game.
    function anchorStateRegistry() external view returns (IAnchorStateRegistry);
}
