// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IStandardBridge
/// @notice The standard bridge of either chain.
interface IStandardBridge {
    /// @notice Ether is on its way to the other chain.
    event ETHBridgeInitiated(address indexed from, address indexed to, uint256 amount, bytes extraData);

    /// @notice Ether arrived from the other chain.
    event ETHBridgeFinalized(address indexed from, address indexed to, uint256 amount, bytes extraData);

    /// @notice Tokens are on their way to the other chain.
    event ERC20BridgeInitiated(
        address indexed localToken,
        address indexed remoteToken,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );

    /// @notice Tokens arrived from the other chain.
    event ERC20BridgeFinalized(
        address indexed localToken,
        address indexed remoteToken,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );

    /// @notice Sends ether to the caller's own address on the other chain. For accounts with a key alone.
    /// @param minGasLimit Least gas of delivering it.
    /// @param extraData   Logged on both chains, and of no other effect.
    function bridgeETH(uint32 minGasLimit, bytes calldata extraData) external payable;

    /// @notice Sends ether to `to` on the other chain. Where `to` does not take it, it stays with the messenger there.
    function bridgeETHTo(address to, uint32 minGasLimit, bytes calldata extraData) external payable;

    /// @notice Sends tokens to the caller's own address on the other chain. For accounts with a key alone.
    /// @param localToken  The token on this chain.
    /// @param remoteToken The token on the other chain that stands for it, or that it stands for.
    /// @param amount      How much; the bridge must be allowed to take it, unless it mints and burns the token.
    /// @param minGasLimit Least gas of delivering it.
    /// @param extraData   Logged on both chains, and of no other effect.
    function bridgeERC20(
        address localToken,
        address remoteToken,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external;

    /// @notice Sends tokens to `to` on the other chain.
    function bridgeERC20To(
        address localToken,
        address remoteToken,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external;

    /// @notice Pays out ether from the other chain. The other bridge alone calls it, by message.
    function finalizeBridgeETH(address from, address to, uint256 amount, bytes calldata extraData) external payable;

    /// @notice Pays out tokens from the other chain. The other bridge alone calls it, by message.
    /// @param localToken  The token on this chain.
    /// @param remoteToken The token on the chain they come from.
    function finalizeBridgeERC20(
        address localToken,
        address remoteToken,
        address from,
        address to,
        uint256 amount,
        bytes calldata extraData
    ) external;
}
