// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CrossDomainMessenger} from "../universal/CrossDomainMessenger.sol";
import {ILegacyMintableERC20} from "../universal/ILegacyMintableERC20.sol";
import {StandardBridge} from "../universal/StandardBridge.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title L2StandardBridge
/// @notice Moves ether and ERC-20 tokens between L2 and L1.
contract L2StandardBridge is StandardBridge {
    /// @notice What stood for ether in calls and events before Bedrock.
    address internal constant LEGACY_ERC20_ETH = 0xDeadDeAddeAddEAddeadDEaDDEAdDeaDDeAD0000;

    /// @notice The events of `ETHBridgeInitiated` and `ERC20BridgeInitiated`, as they were before Bedrock.
    event WithdrawalInitiated(
        address indexed l1Token,
        address indexed l2Token,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );

    /// @notice The events of `ETHBridgeFinalized` and `ERC20BridgeFinalized`, as they were before Bedrock.
    event DepositFinalized(
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

    /// @notice Sets the bridge on L1, once.
    function initialize(StandardBridge otherBridge_) external initializer {
        _initializeBridge(CrossDomainMessenger(Predeploys.L2_CROSS_DOMAIN_MESSENGER), otherBridge_);
    }

    /// @notice Withdraws to the caller's own address on L1, by the name from before Bedrock.
    /// @param l2Token     A token, or 0xDeadDeAddeAddEAddeadDEaDDEAdDeaDDeAD0000 for ether.
    /// @param amount      How much; of ether, what the call carries.
    /// @param minGasLimit Least gas of delivering it on L1.
    /// @param extraData   Logged on both chains, and of no other effect.
    function withdraw(address l2Token, uint256 amount, uint32 minGasLimit, bytes calldata extraData)
        external
        payable
        onlyExternallyOwned
    {
        _withdraw(l2Token, msg.sender, amount, minGasLimit, extraData);
    }

    /// @notice Withdraws to `to` on L1, by the name from before Bedrock.
    function withdrawTo(address l2Token, address to, uint256 amount, uint32 minGasLimit, bytes calldata extraData)
        external
        payable
    {
        _withdraw(l2Token, to, amount, minGasLimit, extraData);
    }

    /// @notice The bridge on L1, by its name from before Bedrock.
    function l1TokenBridge() external view returns (address) {
        return address(otherBridge);
    }

    /// @notice Semantic version of the interface.
    function version() external pure returns (string memory) {
        return "1.13.0";
    }

    function _withdraw(address l2Token, address to, uint256 amount, uint32 minGasLimit, bytes memory extraData)
        private
    {
        if (l2Token == LEGACY_ERC20_ETH) {
            if (msg.value != amount) revert WrongValue(msg.value, amount);
            _bridgeETH(msg.sender, to, minGasLimit, extraData);
        } else {
            if (msg.value != 0) revert WrongValue(msg.value, 0);
            _bridgeERC20(l2Token, _l1TokenOf(l2Token), msg.sender, to, amount, minGasLimit, extraData);
        }
    }

    /// @dev The token on L1 that an L2 token says it stands for.
    function _l1TokenOf(address l2Token) private view returns (address) {
        return ILegacyMintableERC20(l2Token).l1Token();
    }

    function _emitETHBridgeInitiated(address from, address to, uint256 amount, bytes memory extraData)
        internal
        override
    {
        emit WithdrawalInitiated(address(0), LEGACY_ERC20_ETH, from, to, amount, extraData);
        super._emitETHBridgeInitiated(from, to, amount, extraData);
    }

    function _emitETHBridgeFinalized(address from, address to, uint256 amount, bytes memory extraData)
        internal
        override
    {
        emit DepositFinalized(address(0), LEGACY_ERC20_ETH, from, to, amount, extraData);
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
        emit WithdrawalInitiated(remoteToken, localToken, from, to, amount, extraData);
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
        emit DepositFinalized(remoteToken, localToken, from, to, amount, extraData);
        super._emitERC20BridgeFinalized(localToken, remoteToken, from, to, amount, extraData);
    }
}
