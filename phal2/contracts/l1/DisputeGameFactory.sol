// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {Ownable} from "../universal/Ownable.sol";
import {IDisputeGame} from "./IDisputeGame.sol";
import {IDisputeGameFactory} from "./IDisputeGameFactory.sol";

/// @title DisputeGameFactory
/// @notice Creates dispute games and lists them. Anyone may create a game; a game's type decides what it takes.
contract DisputeGameFactory is Ownable, Initializable, IDisputeGameFactory {
    using Clones for address;

    /// @notice A game that `findLatestGames` found.
    /// @param index     Its index in the list of all games.
    /// @param metadata  Its type (4 bytes), time of creation (8 bytes) and address (20 bytes).
    /// @param timestamp Unix time of its creation.
    /// @param rootClaim The output root it claims.
    /// @param extraData What its creator gave it beside the claim.
    struct GameSearchResult {
        uint256 index;
        bytes32 metadata;
        uint64 timestamp;
        bytes32 rootClaim;
        bytes extraData;
    }

    /// @notice The implementation of each game type; zero where there is none.
    mapping(uint32 gameType => IDisputeGame) public gameImpls;

    /// @notice The bond in wei that a game of each type takes.
    mapping(uint32 gameType => uint256) public initBonds;

    mapping(bytes32 uuid => bytes32 metadata) private _games;
    bytes32[] private _list;

    /// @notice A game was created.
    event DisputeGameCreated(address indexed disputeProxy, uint32 indexed gameType, bytes32 indexed rootClaim);

    /// @notice A game type has another implementation.
    event ImplementationSet(address indexed impl, uint32 indexed gameType);

    /// @notice A game type takes another bond.
    event InitBondUpdated(uint32 indexed gameType, uint256 indexed newBond);

    /// @notice There is no implementation of this type.
    error NoImplementation(uint32 gameType);

    /// @notice The ether sent is not the bond of the type.
    error IncorrectBondAmount();

    /// @notice There is a game of this type, claim and extra data already.
    error GameAlreadyExists(bytes32 uuid);

    constructor() {
        _disableInitializers();
    }

    /// @param owner_ Chooses the implementations of game types.
    function initialize(address owner_) external initializer {
        _setOwner(owner_);
    }

    /// @notice Creates a game.
    /// @param gameType  Its type.
    /// @param rootClaim The output root it claims.
    /// @param extraData What its type needs beside the claim.
    /// @return proxy_ The game.
    function create(uint32 gameType, bytes32 rootClaim, bytes calldata extraData)
        external
        payable
        returns (IDisputeGame proxy_)
    {
        IDisputeGame implementation = gameImpls[gameType];
        if (address(implementation) == address(0)) revert NoImplementation(gameType);
        if (msg.value != initBonds[gameType]) revert IncorrectBondAmount();
        bytes32 uuid = getGameUUID(gameType, rootClaim, extraData);
        if (_games[uuid] != 0) revert GameAlreadyExists(uuid);

        bytes memory particulars = abi.encodePacked(msg.sender, rootClaim, blockhash(block.number - 1), extraData);
        proxy_ = IDisputeGame(address(implementation).cloneWithImmutableArgs(particulars));
        // The game is listed before it begins, so that it cannot be created once more from within.
        bytes32 metadata = _pack(gameType, uint64(block.timestamp), proxy_);
        _games[uuid] = metadata;
        _list.push(metadata);
        emit DisputeGameCreated(address(proxy_), gameType, rootClaim);
        proxy_.initialize{value: msg.value}();
    }

    /// @notice Gives a game type another implementation; zero ends the type. Games that exist stay what they are.
    function setImplementation(uint32 gameType, IDisputeGame impl) external onlyOwner {
        gameImpls[gameType] = impl;
        emit ImplementationSet(address(impl), gameType);
    }

    /// @notice Sets the bond in wei that games of a type take.
    function setInitBond(uint32 gameType, uint256 initBond) external onlyOwner {
        initBonds[gameType] = initBond;
        emit InitBondUpdated(gameType, initBond);
    }

    /// @inheritdoc IDisputeGameFactory
    function gameCount() external view returns (uint256 gameCount_) {
        return _list.length;
    }

    /// @inheritdoc IDisputeGameFactory
    function games(uint32 gameType, bytes32 rootClaim, bytes calldata extraData)
        external
        view
        returns (IDisputeGame proxy_, uint64 timestamp_)
    {
        (, timestamp_, proxy_) = _unpack(_games[getGameUUID(gameType, rootClaim, extraData)]);
    }

    /// @inheritdoc IDisputeGameFactory
    function gameAtIndex(uint256 index)
        external
        view
        returns (uint32 gameType_, uint64 timestamp_, IDisputeGame proxy_)
    {
        return _unpack(_list[index]);
    }

    /// @notice The newest games of a type.
    /// @param gameType The type.
    /// @param start    Index to begin at and go down from; from beyond the list nothing is found.
    /// @param n        Most games to find.
    function findLatestGames(uint32 gameType, uint256 start, uint256 n)
        external
        view
        returns (GameSearchResult[] memory games_)
    {
        if (start >= _list.length || n == 0) return games_;
        games_ = new GameSearchResult[](n > start + 1 ? start + 1 : n);
        uint256 found = 0;
        for (uint256 i = start + 1; i > 0 && found < n; i--) {
            bytes32 metadata = _list[i - 1];
            (uint32 type_, uint64 timestamp, IDisputeGame proxy) = _unpack(metadata);
            if (type_ != gameType) continue;
            games_[found++] = GameSearchResult(i - 1, metadata, timestamp, proxy.rootClaim(), proxy.extraData());
        }
        // The array was made for as many as there could be.
        assembly ("memory-safe") {
            mstore(games_, found)
        }
    }

    /// @notice Semantic version of the interface.
    function version() external pure returns (string memory) {
        return "1.2.0";
    }

    /// @notice The hash by which the factory finds a game.
    function getGameUUID(uint32 gameType, bytes32 rootClaim, bytes calldata extraData)
        public
        pure
        returns (bytes32 uuid_)
    {
        return keccak256(abi.encode(gameType, rootClaim, extraData));
    }

    function _pack(uint32 gameType, uint64 timestamp, IDisputeGame proxy) private pure returns (bytes32) {
        return bytes32((uint256(gameType) << 224) | (uint256(timestamp) << 160) | uint160(address(proxy)));
    }

    function _unpack(bytes32 metadata) private pure returns (uint32, uint64, IDisputeGame) {
        uint256 word = uint256(metadata);
        return (uint32(word >> 224), uint64(word >> 160), IDisputeGame(address(uint160(word))));
    }
}
