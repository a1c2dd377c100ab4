// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {GameArguments} from "./GameArguments.sol";
import {IAnchorStateRegistry} from "./IAnchorStateRegistry.sol";
import {GameStatus, IDisputeGame} from "./IDisputeGame.sol";

/// @title PermissionedDisputeGame
/// @notice The fallback for when no prover is at hand: a claim of the one proposer, which stands unless the one
///         challenger objects before the clock runs out. The guardian makes its type the respected one.
/// @dev The extra data is abi.encode(uint256 l2BlockNumber).
contract PermissionedDisputeGame is IDisputeGame {
    /// @notice The game type.
    uint32 public constant GAME_TYPE = 1;

    /// @inheritdoc IDisputeGame
    IAnchorStateRegistry public immutable anchorStateRegistry;

    /// @notice May create games of this type.
    address public immutable proposer;

    /// @notice May object.
    address public immutable challenger;

    /// @notice Seconds in which the challenger can object.
    uint64 public immutable maxClockDuration;

    /// @inheritdoc IDisputeGame
    uint64 public createdAt;

    /// @inheritdoc IDisputeGame
    uint64 public resolvedAt;

    /// @inheritdoc IDisputeGame
    GameStatus public status;

    /// @inheritdoc IDisputeGame
    bool public wasRespectedGameTypeWhenCreated;

    /// @notice The challenger objected.
    event Challenged(address indexed challenger);

    /// @notice Only the factory begins a game, and only once.
    error NotFactory(address caller, address factory);
    error AlreadyInitialized();

    /// @notice Games of this type take no bond.
    error BondNotTaken(uint256 value);

    /// @notice The extra data is not one word.
    error InvalidExtraData(uint256 length);

    /// @notice The claimed block is not after the anchor root's.
    error BlockNotAfterAnchor(uint256 l2BlockNumber, uint256 anchorBlockNumber);

    error NotProposer(address caller, address proposer);
    error NotChallenger(address caller, address challenger);
    error AlreadyResolved(GameStatus status);
    error ClockNotExpired(uint256 timestamp, uint256 expiry);
    error ClockExpired(uint256 timestamp, uint256 expiry);

    /// @param anchorStateRegistry_ Judges the games.
    /// @param proposer_            May create games of this type.
    /// @param challenger_          May object.
    /// @param maxClockDuration_    Seconds in which the challenger can object.
    constructor(
        IAnchorStateRegistry anchorStateRegistry_,
        address proposer_,
        address challenger_,
        uint64 maxClockDuration_
    ) {
        anchorStateRegistry = anchorStateRegistry_;
        proposer = proposer_;
        challenger = challenger_;
        maxClockDuration = maxClockDuration_;
    }

    /// @inheritdoc IDisputeGame
    function initialize() external payable {
        address factory = address(anchorStateRegistry.disputeGameFactory());
        if (msg.sender != factory) revert NotFactory(msg.sender, factory);
        if (createdAt != 0) revert AlreadyInitialized();
        if (msg.value != 0) revert BondNotTaken(msg.value);
        if (gameCreator() != proposer) revert NotProposer(gameCreator(), proposer);
        (, uint256 anchorNumber) = anchorStateRegistry.getAnchorRoot();
        if (l2SequenceNumber() <= anchorNumber) revert BlockNotAfterAnchor(l2SequenceNumber(), anchorNumber);

        createdAt = uint64(block.timestamp);
        wasRespectedGameTypeWhenCreated = anchorStateRegistry.respectedGameType() == GAME_TYPE;
    }

    /// @notice Objects to the claim, which ends the game against it.
    function challenge() external {
        if (msg.sender != challenger) revert NotChallenger(msg.sender, challenger);
        if (status != GameStatus.IN_PROGRESS) revert AlreadyResolved(status);
        if (block.timestamp > clockExpiry()) revert ClockExpired(block.timestamp, clockExpiry());
        emit Challenged(msg.sender);
        _resolve(GameStatus.CHALLENGER_WINS);
    }

    /// @inheritdoc IDisputeGame
    /// @dev Anyone may call it once the clock has run out.
    function resolve() external returns (GameStatus) {
        if (status != GameStatus.IN_PROGRESS) revert AlreadyResolved(status);
        if (block.timestamp <= clockExpiry()) revert ClockNotExpired(block.timestamp, clockExpiry());
        _resolve(GameStatus.DEFENDER_WINS);
        return GameStatus.DEFENDER_WINS;
    }

    /// @inheritdoc IDisputeGame
    function gameType() external pure returns (uint32) {
        return GAME_TYPE;
    }

    /// @inheritdoc IDisputeGame
    function l1Head() external view returns (bytes32) {
        return GameArguments.l1Head(_arguments());
    }

    /// @inheritdoc IDisputeGame
    function gameData() external view returns (uint32 gameType_, bytes32 rootClaim_, bytes memory extraData_) {
        return (GAME_TYPE, rootClaim(), extraData());
    }

    /// @notice Number of the L2 block whose output root is claimed.
    function l2BlockNumber() external view returns (uint256) {
        return l2SequenceNumber();
    }

    /// @notice Semantic version of the game.
    function version() external pure returns (string memory) {
        return "1.0.0";
    }

    /// @notice Last second, in Unix time, in which the challenger can object.
    function clockExpiry() public view returns (uint256) {
        return uint256(createdAt) + maxClockDuration;
    }

    /// @inheritdoc IDisputeGame
    function gameCreator() public view returns (address) {
        return GameArguments.creator(_arguments());
    }

    /// @inheritdoc IDisputeGame
    function rootClaim() public view returns (bytes32) {
        return GameArguments.rootClaim(_arguments());
    }

    /// @inheritdoc IDisputeGame
    function extraData() public view returns (bytes memory) {
        return GameArguments.extraData(_arguments());
    }

    /// @inheritdoc IDisputeGame
    function l2SequenceNumber() public view returns (uint256) {
        bytes memory data = extraData();
        if (data.length != 32) revert InvalidExtraData(data.length);
        return abi.decode(data, (uint256));
    }

    function _resolve(GameStatus decision) private {
        status = decision;
        resolvedAt = uint64(block.timestamp);
        emit Resolved(decision);
    }

    function _arguments() private view returns (bytes memory) {
        return Clones.fetchCloneArgs(address(this));
    }
}
