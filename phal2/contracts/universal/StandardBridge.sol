// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ERC165Checker} from "@openzeppelin/contracts/utils/introspection/ERC165Checker.sol";
import {CrossDomainMessenger} from "./CrossDomainMessenger.sol";
import {ExternallyOwned} from "./ExternallyOwned.sol";
import {ILegacyMintableERC20} from "./ILegacyMintableERC20.sol";
import {IOptimismMintableERC20} from "./IOptimismMintableERC20.sol";
import {IStandardBridge} from "./IStandardBridge.sol";
import {ProxyAdminOwned} from "./ProxyAdminOwned.sol";
import {SafeCall} from "./SafeCall.sol";

/// @title StandardBridge
/// @notice Moves ether and ERC-20 tokens to its counterpart on the other chain. A token is locked on the chain it comes
///         from, and minted and burned on the other, where it is an OptimismMintableERC20.
/// @dev ABI, events and storage layout are those of the OP Stack's bridges.
abstract contract StandardBridge is IStandardBridge, ProxyAdminOwned, Initializable {
    using SafeERC20 for IERC20;

    /// @notice Least gas on the other chain of a transfer made by sending ether to the bridge.
    uint32 internal constant RECEIVE_DEFAULT_GAS_LIMIT = 200_000;

    /// @dev Variables that OP chains had before Bedrock, and what tells there whether the bridge is initialised.
    uint256[2] private __legacy;

    /// @notice How much of a token is locked here for a token of the other chain.
    mapping(address localToken => mapping(address remoteToken => uint256)) public deposits;

    /// @notice The messenger of this chain.
    CrossDomainMessenger public messenger;

    /// @notice The bridge on the other chain.
    StandardBridge public otherBridge;

    /// @dev Room for later variables, up to slot 49.
    uint256[45] private __gap;

    /// @notice Contracts name the receiver, as their own address may be another's on the other chain.
    error NotExternallyOwned(address caller);

    /// @notice The call is the other bridge's alone.
    error NotOtherBridge(address caller);

    /// @notice Nothing is finalised while withdrawals are paused.
    error Paused();

    /// @notice The ether that came along is not what the call says.
    error WrongValue(uint256 value, uint256 expected);

    /// @notice The bridge and its messenger cannot receive ether of their own.
    error InvalidReceiver(address receiver);

    /// @notice The receiver did not take the ether.
    error TransferFailed(address receiver, uint256 amount);

    /// @notice The local token does not stand for this remote token.
    error WrongRemoteToken(address localToken, address remoteToken);

    /// @notice The token moved another amount than it was told to, as those do that keep a fee.
    error WrongAmount(address token, uint256 received, uint256 amount);

    modifier onlyExternallyOwned() {
        if (!ExternallyOwned.isSender()) revert NotExternallyOwned(msg.sender);
        _;
    }

    modifier onlyOtherBridge() {
        if (msg.sender != address(messenger) || messenger.xDomainMessageSender() != address(otherBridge)) {
            revert NotOtherBridge(msg.sender);
        }
        _;
    }

    /// @notice Bridges the ether sent, to the sender's own address on the other chain.
    receive() external payable virtual onlyExternallyOwned {
        _bridgeETH(msg.sender, msg.sender, RECEIVE_DEFAULT_GAS_LIMIT, bytes(""));
    }

    /// @inheritdoc IStandardBridge
    function bridgeETH(uint32 minGasLimit, bytes calldata extraData) external payable onlyExternallyOwned {
        _bridgeETH(msg.sender, msg.sender, minGasLimit, extraData);
    }

    /// @inheritdoc IStandardBridge
    function bridgeETHTo(address to, uint32 minGasLimit, bytes calldata extraData) external payable {
        _bridgeETH(msg.sender, to, minGasLimit, extraData);
    }

    /// @inheritdoc IStandardBridge
    function bridgeERC20(
        address localToken,
        address remoteToken,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external onlyExternallyOwned {
        _bridgeERC20(localToken, remoteToken, msg.sender, msg.sender, amount, minGasLimit, extraData);
    }

    /// @inheritdoc IStandardBridge
    function bridgeERC20To(
        address localToken,
        address remoteToken,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external {
        _bridgeERC20(localToken, remoteToken, msg.sender, to, amount, minGasLimit, extraData);
    }

    /// @notice The messenger, by its name from before Bedrock.
    function MESSENGER() external view returns (CrossDomainMessenger) {
        return messenger;
    }

    /// @notice The bridge on the other chain, by its name from before Bedrock.
    function OTHER_BRIDGE() external view returns (StandardBridge) {
        return otherBridge;
    }

    /// @inheritdoc IStandardBridge
    function finalizeBridgeETH(address from, address to, uint256 amount, bytes calldata extraData)
        public
        payable
        onlyOtherBridge
    {
        if (paused()) revert Paused();
        if (msg.value != amount) revert WrongValue(msg.value, amount);
        if (to == address(this) || to == address(messenger)) revert InvalidReceiver(to);
        _emitETHBridgeFinalized(from, to, amount, extraData);
        if (!SafeCall.call(to, amount, bytes(""))) revert TransferFailed(to, amount);
    }

    /// @inheritdoc IStandardBridge
    function finalizeBridgeERC20(
        address localToken,
        address remoteToken,
        address from,
        address to,
        uint256 amount,
        bytes calldata extraData
    ) public onlyOtherBridge {
        if (paused()) revert Paused();
        if (_isMintable(localToken)) {
            _requireTokenPair(localToken, remoteToken);
            IOptimismMintableERC20(localToken).mint(to, amount);
        } else {
            deposits[localToken][remoteToken] -= amount;
            IERC20(localToken).safeTransfer(to, amount);
        }
        _emitERC20BridgeFinalized(localToken, remoteToken, from, to, amount, extraData);
    }

    /// @notice Whether nothing is finalised at present.
    function paused() public view virtual returns (bool) {
        return false;
    }

    /// @dev Sets messenger and counterpart, once.
    function _initializeBridge(CrossDomainMessenger messenger_, StandardBridge otherBridge_)
        internal
        onlyInitializing
    {
        messenger = messenger_;
        otherBridge = otherBridge_;
    }

    /// @dev Sends the ether of the call.
    function _bridgeETH(address from, address to, uint32 minGasLimit, bytes memory extraData) internal {
        _emitETHBridgeInitiated(from, to, msg.value, extraData);
        messenger.sendMessage{value: msg.value}(
            address(otherBridge),
            abi.encodeCall(this.finalizeBridgeETH, (from, to, msg.value, extraData)),
            minGasLimit
        );
    }

    function _bridgeERC20(
        address localToken,
        address remoteToken,
        address from,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes memory extraData
    ) internal {
        if (_isMintable(localToken)) {
            _requireTokenPair(localToken, remoteToken);
            IOptimismMintableERC20(localToken).burn(from, amount);
        } else {
            uint256 before = IERC20(localToken).balanceOf(address(this));
            IERC20(localToken).safeTransferFrom(from, address(this), amount);
            uint256 received = IERC20(localToken).balanceOf(address(this)) - before;
            // More would be minted on the other chain than lies here.
            if (received != amount) revert WrongAmount(localToken, received, amount);
            deposits[localToken][remoteToken] += amount;
        }
        _emitERC20BridgeInitiated(localToken, remoteToken, from, to, amount, extraData);
        messenger.sendMessage(
            address(otherBridge),
            // The other bridge's local token is this one's remote token.
            abi.encodeCall(this.finalizeBridgeERC20, (remoteToken, localToken, from, to, amount, extraData)),
            minGasLimit
        );
    }

    /// @dev Layers override these four to log their events from before Bedrock first.
    function _emitETHBridgeInitiated(address from, address to, uint256 amount, bytes memory extraData)
        internal
        virtual
    {
        emit ETHBridgeInitiated(from, to, amount, extraData);
    }

    function _emitETHBridgeFinalized(address from, address to, uint256 amount, bytes memory extraData)
        internal
        virtual
    {
        emit ETHBridgeFinalized(from, to, amount, extraData);
    }

    function _emitERC20BridgeInitiated(
        address localToken,
        address remoteToken,
        address from,
        address to,
        uint256 amount,
        bytes memory extraData
    ) internal virtual {
        emit ERC20BridgeInitiated(localToken, remoteToken, from, to, amount, extraData);
    }

    function _emitERC20BridgeFinalized(
        address localToken,
        address remoteToken,
        address from,
        address to,
        uint256 amount,
        bytes memory extraData
    ) internal virtual {
        emit ERC20BridgeFinalized(localToken, remoteToken, from, to, amount, extraData);
    }

    function _requireTokenPair(address localToken, address remoteToken) private view {
        bool isLegacy = ERC165Checker.supportsInterface(localToken, type(ILegacyMintableERC20).interfaceId);
        address expected = isLegacy
            ? ILegacyMintableERC20(localToken).l1Token()
            : IOptimismMintableERC20(localToken).remoteToken();
        if (remoteToken != expected) revert WrongRemoteToken(localToken, remoteToken);
    }

    function _isMintable(address token) private view returns (bool) {
        return ERC165Checker.supportsInterface(token, type(ILegacyMintableERC20).interfaceId)
            || ERC165Checker.supportsInterface(token, type(IOptimismMintableERC20).interfaceId);
    }
}
