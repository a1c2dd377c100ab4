// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {OptimismMintableERC20} from "./OptimismMintableERC20.sol";
import {ProxyAdminOwned} from "./ProxyAdminOwned.sol";

/// @title OptimismMintableERC20Factory
/// @notice Makes tokens that stand for those of the other chain, for this chain's standard bridge. Anybody may.
/// @dev ABI, events, addresses' salt and storage layout are those of the OP Stack's factory; the addresses themselves
///      differ, as the token's code does.
contract OptimismMintableERC20Factory is ProxyAdminOwned, Initializable {
    /// @dev Where OP's contract has what tells whether it is initialised.
    uint256 private __legacy;

    /// @notice The standard bridge of this chain.
    address public bridge;

    /// @notice The token on the other chain that a token of this factory stands for; zero for other addresses.
    mapping(address localToken => address remoteToken) public deployments;

    /// @dev Room for later variables, up to slot 49.
    uint256[47] private __gap;

    /// @notice The event of `OptimismMintableERC20Created`, as it was before Bedrock.
    event StandardL2TokenCreated(address indexed remoteToken, address indexed localToken);

    /// @notice A token was made.
    /// @param localToken  The new token.
    /// @param remoteToken The token on the other chain.
    /// @param deployer    Who asked for it.
    event OptimismMintableERC20Created(address indexed localToken, address indexed remoteToken, address deployer);

    /// @notice There is no token without one on the other chain.
    error ZeroRemoteToken();

    constructor() {
        _disableInitializers();
    }

    /// @notice Sets the bridge, once.
    function initialize(address bridge_) external initializer {
        bridge = bridge_;
    }

    /// @notice The bridge, by its name from before Bedrock.
    function BRIDGE() external view returns (address) {
        return bridge;
    }

    /// @notice Makes a token of 18 decimals, by the name from before Bedrock.
    function createStandardL2Token(address remoteToken, string memory name, string memory symbol)
        external
        returns (address)
    {
        return createOptimismMintableERC20WithDecimals(remoteToken, name, symbol, 18);
    }

    /// @notice Makes a token of 18 decimals.
    function createOptimismMintableERC20(address remoteToken, string memory name, string memory symbol)
        external
        returns (address)
    {
        return createOptimismMintableERC20WithDecimals(remoteToken, name, symbol, 18);
    }

    /// @notice Semantic version of the interface.
    function version() external pure returns (string memory) {
        return "1.10.1";
    }

    /// @notice Makes a token.
    /// @param remoteToken The token on the other chain; it should have as many decimals.
    /// @param name        Name of the token.
    /// @param symbol      Symbol of the token.
    /// @param decimals    Decimals of the token.
    /// @return localToken Its address. The same arguments give a token once.
    function createOptimismMintableERC20WithDecimals(
        address remoteToken,
        string memory name,
        string memory symbol,
        uint8 decimals
    ) public returns (address localToken) {
        if (remoteToken == address(0)) revert ZeroRemoteToken();
        bytes32 salt = keccak256(abi.encode(remoteToken, name, symbol, decimals));
        localToken = address(new OptimismMintableERC20{salt: salt}(bridge, remoteToken, name, symbol, decimals));
        deployments[localToken] = remoteToken;
        emit StandardL2TokenCreated(remoteToken, localToken);
        emit OptimismMintableERC20Created(localToken, remoteToken, msg.sender);
    }
}
