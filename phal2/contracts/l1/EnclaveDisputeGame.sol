// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {GameArguments} from "./GameArguments.sol";
import {IAnchorStateRegistry} from "./IAnchorStateRegistry.sol";
import {GameStatus, IDisputeGame} from "./IDisputeGame.sol";
import {IProverRegistry} from "./IProverRegistry.sol";

/// @title EnclaveDisputeGame
/// @notice A claim that a prover's enclave has signed: it re-executed all blocks since an output root that counts
///         already. The game is decided for its claim as it begins, and does not begin where anything is wrong. Anyone
///         who has a prover's signature can create it.
/// @dev The extra data is abi.encode(uint256 l2BlockNumber, uint256 l1BlockNumber, uint256 parentGameIndex,
///      bytes signature), in this encoding alone. The signature, r ++ s ++ v, is of
///      keccak256(abi.encode(configHash, l1BlockHash, l2BlockNumber, previousOutputRoot, outputRoot)).
contract EnclaveDisputeGame is IDisputeGame {
    /// @notice What the extra data says.
    struct Particulars {
        uint256 l2BlockNumber;
        uint256 l1BlockNumber;
        uint256 parentGameIndex;
        bytes signature;
    }

    /// @notice The game type.
    uint32 public constant GAME_TYPE = 84;

    /// @notice The parent index that stands for the registry's anchor root.
    uint256 public constant ANCHOR_ROOT = type(uint256).max;

    uint256 private constant SIGNATURE_LENGTH = 65;

    /// @dev The contract of EIP-2935, which knows the hashes of 8,191 blocks.
    address private constant BLOCK_HASH_HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;

    /// @inheritdoc IDisputeGame
    IAnchorStateRegistry public immutable anchorStateRegistry;

    /// @notice Knows whose signatures count.
    IProverRegistry public immutable proverRegistry;

    /// @notice Hash of what makes this chain this chain.
    bytes32 public immutable configHash;

    /// @inheritdoc IDisputeGame
    uint64 public createdAt;

    /// @inheritdoc IDisputeGame
    uint64 public resolvedAt;

    /// @inheritdoc IDisputeGame
    GameStatus public status;

    /// @inheritdoc IDisputeGame
    bool public wasRespectedGameTypeWhenCreated;

    /// @notice The output root from which the prover went on.
    bytes32 public startingRootHash;

    /// @notice Number of the L2 block which that root is of.
    uint256 public startingBlockNumber;

    /// @notice The address of the prover's enclave key.
    address public prover;

    /// @notice Only the factory begins a game, and only once.
    error NotFactory(address caller, address factory);
    error AlreadyInitialized();

    /// @notice Games of this type take no bond.
    error BondNotTaken(uint256 value);

    /// @notice The extra data is not in the encoding that this type demands.
    error InvalidExtraData(uint256 length);

    /// @notice The parent is not a game whose claim others may go on from.
    error InvalidParentGame(uint256 index, IDisputeGame game);

    /// @notice The claimed block is not after the parent's.
    error BlockNotAfterParent(uint256 l2BlockNumber, uint256 parentBlockNumber);

    /// @notice The L1 block is not before this one, or too old for its hash to be known.
    error UnknownL1Block(uint256 number);

    /// @notice The signature is not of this claim, or not of a prover that counts.
    error InvalidProver(address prover);

    /// @param anchorStateRegistry_ Judges the games.
    /// @param proverRegistry_      Knows whose signatures count.
    /// @param configHash_          keccak256(abi.encode(l1ChainId, l2ChainId, l2GenesisHash, portal, batchInbox,
    ///                             blockTime)).
    constructor(IAnchorStateRegistry anchorStateRegistry_, IProverRegistry proverRegistry_, bytes32 configHash_) {
        anchorStateRegistry = anchorStateRegistry_;
        proverRegistry = proverRegistry_;
        configHash = configHash_;
    }

    /// @inheritdoc IDisputeGame
    function initialize() external payable {
        address factory = address(anchorStateRegistry.disputeGameFactory());
        if (msg.sender != factory) revert NotFactory(msg.sender, factory);
        if (createdAt != 0) revert AlreadyInitialized();
        if (msg.value != 0) revert BondNotTaken(msg.value);

        Particulars memory particulars = _particulars();
        (bytes32 parentRoot, uint256 parentNumber) = _parent(particulars.parentGameIndex);
        if (particulars.l2BlockNumber <= parentNumber) {
            revert BlockNotAfterParent(particulars.l2BlockNumber, parentNumber);
        }
        bytes32 digest = keccak256(
            abi.encode(
                configHash,
                _l1BlockHash(particulars.l1BlockNumber),
                particulars.l2BlockNumber,
                parentRoot,
                rootClaim()
            )
        );
        // It refuses signatures of another length or with a high s; address zero is no prover.
        (address signer,,) = ECDSA.tryRecover(digest, particulars.signature);
        if (!proverRegistry.isValidProver(signer)) revert InvalidProver(signer);

        createdAt = uint64(block.timestamp);
        resolvedAt = uint64(block.timestamp);
        status = GameStatus.DEFENDER_WINS;
        wasRespectedGameTypeWhenCreated = anchorStateRegistry.respectedGameType() == GAME_TYPE;
        startingRootHash = parentRoot;
        startingBlockNumber = parentNumber;
        prover = signer;
        emit Resolved(GameStatus.DEFENDER_WINS);
    }

    /// @inheritdoc IDisputeGame
    /// @dev The game was decided as it began.
    function resolve() external view returns (GameStatus) {
        return status;
    }

    /// @inheritdoc IDisputeGame
    function gameType() external pure returns (uint32) {
        return GAME_TYPE;
    }

    /// @inheritdoc IDisputeGame
    function gameCreator() external view returns (address) {
        return GameArguments.creator(_arguments());
    }

    /// @inheritdoc IDisputeGame
    function l1Head() external view returns (bytes32) {
        return GameArguments.l1Head(_arguments());
    }

    /// @inheritdoc IDisputeGame
    function gameData() external view returns (uint32 gameType_, bytes32 rootClaim_, bytes memory extraData_) {
        return (GAME_TYPE, rootClaim(), extraData());
    }

    /// @inheritdoc IDisputeGame
    function l2SequenceNumber() external view returns (uint256) {
        return _particulars().l2BlockNumber;
    }

    /// @notice Number of the L2 block whose output root is claimed.
    function l2BlockNumber() external view returns (uint256) {
        return _particulars().l2BlockNumber;
    }

    /// @notice Number of the L1 origin of the claimed block.
    function l1BlockNumber() external view returns (uint256) {
        return _particulars().l1BlockNumber;
    }

    /// @notice Index of the game that this one goes on from; `ANCHOR_ROOT` for the anchor root.
    function parentGameIndex() external view returns (uint256) {
        return _particulars().parentGameIndex;
    }

    /// @notice Semantic version of the game.
    function version() external pure returns (string memory) {
        return "1.0.0";
    }

    /// @inheritdoc IDisputeGame
    function rootClaim() public view returns (bytes32) {
        return GameArguments.rootClaim(_arguments());
    }

    /// @inheritdoc IDisputeGame
    function extraData() public view returns (bytes memory) {
        return GameArguments.extraData(_arguments());
    }

    /// @dev The output root that a game's claim goes on from, and its L2 block's number.
    function _parent(uint256 index) private view returns (bytes32 root, uint256 number) {
        if (index == ANCHOR_ROOT) return anchorStateRegistry.getAnchorRoot();
        (,, IDisputeGame game) = anchorStateRegistry.disputeGameFactory().gameAtIndex(index);
        if (
            !anchorStateRegistry.isGameRegistered(game) || !anchorStateRegistry.isGameRespected(game)
                || anchorStateRegistry.isGameBlacklisted(game) || anchorStateRegistry.isGameRetired(game)
                || game.status() != GameStatus.DEFENDER_WINS
        ) revert InvalidParentGame(index, game);
        return (game.rootClaim(), game.l2SequenceNumber());
    }

    function _particulars() private view returns (Particulars memory particulars) {
        bytes memory data = extraData();
        // Four words, the signature's length, and three words for its 65 bytes.
        if (data.length != 256) revert InvalidExtraData(data.length);
        (
            particulars.l2BlockNumber,
            particulars.l1BlockNumber,
            particulars.parentGameIndex,
            particulars.signature
        ) = abi.decode(data, (uint256, uint256, uint256, bytes));
        bytes memory canonical = abi.encode(
            particulars.l2BlockNumber, particulars.l1BlockNumber, particulars.parentGameIndex, particulars.signature
        );
        // Were another encoding of the same taken, one claim could be made as many games.
        if (particulars.signature.length != SIGNATURE_LENGTH || keccak256(data) != keccak256(canonical)) {
            revert InvalidExtraData(data.length);
        }
    }

    function _l1BlockHash(uint256 number) private view returns (bytes32 hash) {
        hash = blockhash(number);
        if (hash == 0 && number < block.number) {
            (bool success, bytes memory answer) = BLOCK_HASH_HISTORY.staticcall(abi.encode(number));
            if (success && answer.length == 32) hash = bytes32(answer);
        }
        if (hash == 0) revert UnknownL1Block(number);
    }

    function _arguments() private view returns (bytes memory) {
        return Clones.fetchCloneArgs(address(this));
    }
}
