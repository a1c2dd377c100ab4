// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDisputeGame} from "./IDisputeGame.sol";
import {IDisputeGameFactory} from "./IDisputeGameFactory.sol";

/// @title IAnchorStateRegistry
/// @notice Which games count: what the portal and the games ask.
interface IAnchorStateRegistry {
    /// @notice The factory whose games are judged.
    function disputeGameFactory() external view returns (IDisputeGameFactory);

    /// @notice The type of game that withdrawals are proven with.
    function respectedGameType() external view returns (uint32);

    /// @notice Unix time; games created until then are retired.
    function retirementTimestamp() external view returns (uint64);

    /// @notice Seconds between a game's decision and its finality.
    function disputeGameFinalityDelaySeconds() external view returns (uint256);

    /// @notice The newest output root that is known to be right, and its L2 block's number.
    function getAnchorRoot() external view returns (bytes32 root, uint256 l2SequenceNumber);

    /// @notice Whether the guardian declared the game invalid.
    function disputeGameBlacklist(IDisputeGame game) external view returns (bool);

    /// @notice Whether the factory made the game, for this registry.
    function isGameRegistered(IDisputeGame game) external view returns (bool);

    /// @notice Whether the game was of the respected type when it was created.
    function isGameRespected(IDisputeGame game) external view returns (bool);

    /// @notice Whether the guardian declared the game invalid.
    function isGameBlacklisted(IDisputeGame game) external view returns (bool);

    /// @notice Whether the game is older than the games that still count.
    function isGameRetired(IDisputeGame game) external view returns (bool);

    /// @notice Whether the game is decided.
    function isGameResolved(IDisputeGame game) external view returns (bool);

    /// @notice Whether nothing speaks against the game itself: registered, neither blacklisted nor retired, not paused.
    function isGameProper(IDisputeGame game) external view returns (bool);

    /// @notice Whether the game was decided longer ago than the finality delay.
    function isGameFinalized(IDisputeGame game) external view returns (bool);

    /// @notice Whether the game's claim can be relied upon: proper, respected, finalized, decided for the claim.
    function isGameClaimValid(IDisputeGame game) external view returns (bool);
}
