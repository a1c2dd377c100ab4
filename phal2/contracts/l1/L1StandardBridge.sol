// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Predeploys} from "../l2/Predeploys.sol";
import {CrossDomainMessenger} from "../universal/CrossDomainMessenger.sol";
import {StandardBridge} from "../universal/StandardBridge.sol";
import {ISystemConfig} from "./ISystemConfig.sol";

/// @title L1StandardBridge
/// @notice Moves ether and ERC-20 tokens between L1 and L2. What moved to L2 lies in the portal (ether) and here.
contract L1StandardBridge is StandardBridge {
    /// @dev Where OP's contract had its SuperchainConfig and an earlier SystemConfig.
    uint256[2] private __legacyConfigs;

    /// @notice Tells whether messages from L2 are paused.
    ISystemConfig public systemConfig;

    /// @notice The event of `ETHBridgeInitiated`, as it was before Bedrock.
    event ETHDepositInitiated(address indexed from, address indexed to, uint256 amount, bytes extraData);

    /// @notice The event of `ETHBridgeFinalized`, as it was before Bedrock.
    event ETHWithdrawalFinalized(address indexed from, address indexed to, uint256 amount, bytes extraData);

    /// @notice The event of `ERC20BridgeInitiated`, as it was before Bedrock.
    event ERC20DepositInitiated(
        address indexed l1Token,
        address indexed l2Token,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );

    /// @notice The event of `ERC20BridgeFinalized`, as it was before Bedrock.
    event ERC20WithdrawalFinalized(
        address indexed l1Token,
        address indexed l2Token,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );

    constructor() {
        _disableInitializers();
    }

    /// @notice Sets what the bridge works with, once.
    function initialize(CrossDomainMessenger messenger_, ISystemConfig systemConfig_) external initializer {
        systemConfig = systemConfig_;
        _initializeBridge(messenger_, StandardBridge(payable(Predeploys.L2_STANDARD_BRIDGE)));
    }

    /// @notice `bridgeETH`, by its name from before Bedrock.
    function depositETH(uint32 minGasLimit, bytes calldata extraData) external payable onlyExternallyOwned {
        _bridgeETH(msg.sender, msg.sender, minGasLimit, extraData);
    }

    /// @notice `bridgeETHTo`, by its name from before Bedrock.
    function depositETHTo(address to, uint32 minGasLimit, bytes calldata extraData) external payable {
        _bridgeETH(msg.sender, to, minGasLimit, extraData);
    }

    /// @notice `bridgeERC20`, by its name from before Bedrock.
    function depositERC20(
        address l1Token,
        address l2Token,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external onlyExternallyOwned {
        _bridgeERC20(l1Token, l2Token, msg.sender, msg.sender, amount, minGasLimit, extraData);
    }

    /// @notice `bridgeERC20To`, by its name from before Bedrock.
    function depositERC20To(
        address l1Token,
        address l2Token,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external {
        _bridgeERC20(l1Token, l2Token, msg.sender, to, amount, minGasLimit, extraData);
    }

    /// @notice `finalizeBridgeETH`, by its name from before Bedrock.
    function finalizeETHWithdrawal(address from, address to, uint256 amount, bytes calldata extraData)
        external
        payable
    {
        finalizeBridgeETH(from, to, amount, extraData);
    }

    /// @notice `finalizeBridgeERC20`, by its name from before Bedrock.
    function finalizeERC20Withdrawal(
        address l1Token,
        address l2Token,
        address from,
        address to,
        uint256 amount,
        bytes calldata extraData
    ) external {
        finalizeBridgeERC20(l1Token, l2Token, from, to, amount, extraData);
    }

    /// @notice The bridge on L2, by its name from before Bedrock.
    function l2TokenBridge() external view returns (address) {
        return address(otherBridge);
    }

    /// @notice Semantic version of the interface.
    function version() external pure returns (string memory) {
        return "2.7.0";
    }

    /// @inheritdoc StandardBridge
    function paused() public view override returns (bool) {
        return systemConfig.paused();
    }

    function _emitETHBridgeInitiated(address from, address to, uint256 amount, bytes memory extraData)
        internal
        override
    {
        emit ETHDepositInitiated(from, to, amount, extraData);
        super._emitETHBridgeInitiated(from, to, amount, extraData);
    }

    function _emitETHBridgeFinalized(address from, address to, uint256 amount, bytes memory extraData)
        internal
        override
    {
        emit ETHWithdrawalFinalized(from, to, amount, extraData);
        super._emitETHBridgeFinalized(from, to, amount, extraData);
    }

    function _emitERC20BridgeInitiated(
        address localToken,
        address remoteToken,
        address from,
        address to,
        uint256 amount,
        bytes memory extraData
    ) internal override {
        emit ERC20DepositInitiated(localToken, remoteToken, from, to, amount, extraData);
        super._emitERC20BridgeInitiated(localToken, remoteToken, from, to, amount, extraData);
    }

    function _emitERC20BridgeFinalized(
        address localToken,
        address remoteToken,
        address from,
        address to,
        uint256 amount,
        bytes memory extraData
    ) internal override {
        emit ERC20WithdrawalFinalized(localToken, remoteToken, from, to, amount, extraData);
        super._emitERC20BridgeFinalized(localToken, remoteToken, from, to, amount, extraData);
    }
}
