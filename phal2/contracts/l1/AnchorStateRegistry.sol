// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {IAnchorStateRegistry} from "./IAnchorStateRegistry.sol";
import {GameStatus, IDisputeGame} from "./IDisputeGame.sol";
import {IDisputeGameFactory} from "./IDisputeGameFactory.sol";
import {ISystemConfig} from "./ISystemConfig.sol";

/// @notice An output root and the L2 block it is of.
struct Proposal {
    bytes32 root;
    uint256 l2SequenceNumber;
}

/// @title AnchorStateRegistry
/// @notice Judges which dispute games count, and keeps the newest output root that is known to be right, from which
///         further games go on. The guardian can declare games invalid: one, or all until now.
contract AnchorStateRegistry is Initializable, IAnchorStateRegistry {
    uint256 private immutable FINALITY_DELAY_SECONDS;

    /// @notice Holds the guardian and whether withdrawals are stopped.
    ISystemConfig public systemConfig;

    /// @inheritdoc IAnchorStateRegistry
    IDisputeGameFactory public disputeGameFactory;

    /// @notice The game whose claim is the anchor root; zero while that is the starting root.
    IDisputeGame public anchorGame;

    /// @inheritdoc IAnchorStateRegistry
    uint32 public respectedGameType;

    /// @inheritdoc IAnchorStateRegistry
    uint64 public retirementTimestamp;

    /// @notice The output root that the deployer vouches for.
    Proposal public startingAnchorRoot;

    /// @inheritdoc IAnchorStateRegistry
    mapping(IDisputeGame game => bool) public disputeGameBlacklist;

    /// @notice The anchor root moved to the claim of `game`.
    event AnchorUpdated(IDisputeGame indexed game);

    /// @notice Games of another type count from now on.
    event RespectedGameTypeSet(uint32 gameType);

    /// @notice Games created until `timestamp` are retired.
    event RetirementTimestampSet(uint256 timestamp);

    /// @notice The guardian declared a game invalid.
    event DisputeGameBlacklisted(IDisputeGame indexed disputeGame);

    /// @notice The caller is not the guardian.
    error AnchorStateRegistry_Unauthorized();

    /// @notice The game's claim cannot be relied upon, or is of no newer block than the anchor root.
    error AnchorStateRegistry_InvalidAnchorGame();

    /// @notice The starting root is zero.
    error AnchorStateRegistry_ZeroRoot();

    modifier onlyGuardian() {
        if (msg.sender != systemConfig.guardian()) revert AnchorStateRegistry_Unauthorized();
        _;
    }

    /// @param disputeGameFinalityDelaySeconds_ Seconds between a game's decision and its finality.
    constructor(uint256 disputeGameFinalityDelaySeconds_) {
        FINALITY_DELAY_SECONDS = disputeGameFinalityDelaySeconds_;
        _disableInitializers();
    }

    /// @param systemConfig_              Holds the guardian and whether withdrawals are stopped.
    /// @param disputeGameFactory_        The factory whose games are judged.
    /// @param startingAnchorRoot_        The output root from which the first games go on.
    /// @param startingRespectedGameType_ The type of game that counts.
    function initialize(
        ISystemConfig systemConfig_,
        IDisputeGameFactory disputeGameFactory_,
        Proposal calldata startingAnchorRoot_,
        uint32 startingRespectedGameType_
    ) external initializer {
        if (startingAnchorRoot_.root == 0) revert AnchorStateRegistry_ZeroRoot();
        systemConfig = systemConfig_;
        disputeGameFactory = disputeGameFactory_;
        startingAnchorRoot = startingAnchorRoot_;
        _setRespectedGameType(startingRespectedGameType_);
        _retireGames();
    }

    /// @notice Has games of another type count from now on. Those of the former type that exist still do.
    function setRespectedGameType(uint32 gameType) external onlyGuardian {
        _setRespectedGameType(gameType);
    }

    /// @notice Retires all games created until now.
    function updateRetirementTimestamp() external onlyGuardian {
        _retireGames();
    }

    /// @notice Declares a game invalid, for good. Games that go on from its claim must be blacklisted for themselves.
    function blacklistDisputeGame(IDisputeGame disputeGame) external onlyGuardian {
        disputeGameBlacklist[disputeGame] = true;
        emit DisputeGameBlacklisted(disputeGame);
    }

    /// @notice Moves the anchor root to the claim of a game that can be relied upon and is of a newer block.
    function setAnchorState(IDisputeGame game) external {
        if (!isGameClaimValid(game)) revert AnchorStateRegistry_InvalidAnchorGame();
        (, uint256 anchorNumber) = getAnchorRoot();
        if (game.l2SequenceNumber() <= anchorNumber) revert AnchorStateRegistry_InvalidAnchorGame();
        anchorGame = game;
        emit AnchorUpdated(game);
    }

    /// @inheritdoc IAnchorStateRegistry
    function disputeGameFinalityDelaySeconds() external view returns (uint256) {
        return FINALITY_DELAY_SECONDS;
    }

    /// @notice Whether withdrawals are stopped; then no game is proper.
    function paused() public view returns (bool) {
        return systemConfig.paused();
    }

    /// @notice The contract that holds pause and guardian.
    function superchainConfig() external view returns (address) {
        return systemConfig.superchainConfig();
    }

    /// @notice The anchor root, whatever the type.
    function anchors(uint32) external view returns (bytes32 root, uint256 l2SequenceNumber) {
        return getAnchorRoot();
    }

    /// @notice Semantic version of the interface.
    function version() external pure returns (string memory) {
        return "3.5.0";
    }

    /// @inheritdoc IAnchorStateRegistry
    /// @dev An anchor game that was blacklisted afterwards counts as none.
    function getAnchorRoot() public view returns (bytes32 root, uint256 l2SequenceNumber) {
        IDisputeGame game = anchorGame;
        if (address(game) == address(0) || disputeGameBlacklist[game]) {
            return (startingAnchorRoot.root, startingAnchorRoot.l2SequenceNumber);
        }
        return (game.rootClaim(), game.l2SequenceNumber());
    }

    /// @inheritdoc IAnchorStateRegistry
    function isGameRegistered(IDisputeGame game) public view returns (bool) {
        (uint32 gameType, bytes32 rootClaim, bytes memory extraData) = game.gameData();
        (IDisputeGame registered,) = disputeGameFactory.games(gameType, rootClaim, extraData);
        return address(registered) == address(game) && address(game.anchorStateRegistry()) == address(this);
    }

    /// @inheritdoc IAnchorStateRegistry
    function isGameRespected(IDisputeGame game) public view returns (bool) {
        return game.wasRespectedGameTypeWhenCreated();
    }

    /// @inheritdoc IAnchorStateRegistry
    function isGameBlacklisted(IDisputeGame game) public view returns (bool) {
        return disputeGameBlacklist[game];
    }

    /// @inheritdoc IAnchorStateRegistry
    function isGameRetired(IDisputeGame game) public view returns (bool) {
        return game.createdAt() <= retirementTimestamp;
    }

    /// @inheritdoc IAnchorStateRegistry
    function isGameResolved(IDisputeGame game) public view returns (bool) {
        return game.resolvedAt() != 0 && game.status() != GameStatus.IN_PROGRESS;
    }

    /// @inheritdoc IAnchorStateRegistry
    function isGameProper(IDisputeGame game) public view returns (bool) {
        return isGameRegistered(game) && !isGameBlacklisted(game) && !isGameRetired(game) && !paused();
    }

    /// @inheritdoc IAnchorStateRegistry
    function isGameFinalized(IDisputeGame game) public view returns (bool) {
        return isGameResolved(game) && block.timestamp - game.resolvedAt() > FINALITY_DELAY_SECONDS;
    }

    /// @inheritdoc IAnchorStateRegistry
    function isGameClaimValid(IDisputeGame game) public view returns (bool) {
        return isGameProper(game) && isGameRespected(game) && isGameFinalized(game)
            && game.status() == GameStatus.DEFENDER_WINS;
    }

    function _setRespectedGameType(uint32 gameType) private {
        respectedGameType = gameType;
        emit RespectedGameTypeSet(gameType);
    }

    function _retireGames() private {
        retirementTimestamp = uint64(block.timestamp);
        emit RetirementTimestampSet(block.timestamp);
    }
}
