// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {ICrossDomainMessenger} from "./ICrossDomainMessenger.sol";
import {ProxyAdminOwned} from "./ProxyAdminOwned.sol";
import {SafeCall} from "./SafeCall.sol";

/// @title CrossDomainMessenger
/// @notice Sends messages to its counterpart on the other chain, and delivers those that the counterpart sent. A message
///         is delivered at most once; where its call fails, or has too little gas, anybody may try again.
/// @dev ABI, events, gas rules and storage layout are those of the OP Stack's messengers. Every message has the encoding
///      of version 1, as no chain of this kind has messages from before Bedrock.
abstract contract CrossDomainMessenger is ICrossDomainMessenger, ProxyAdminOwned, Initializable {
    /// @notice Version of the encoding of messages, the top two bytes of every nonce.
    uint16 public constant MESSAGE_VERSION = 1;

    /// @notice Gas that delivering takes beside the call, with room to spare.
    uint64 public constant RELAY_CONSTANT_OVERHEAD = 200_000;

    /// @notice Numerator of the share of its gas that a call passes on, turned round (EIP-150).
    uint64 public constant MIN_GAS_DYNAMIC_OVERHEAD_NUMERATOR = 64;

    /// @notice Denominator of the same share.
    uint64 public constant MIN_GAS_DYNAMIC_OVERHEAD_DENOMINATOR = 63;

    /// @notice Gas of a byte of call data.
    uint64 public constant MIN_GAS_CALLDATA_OVERHEAD = 16;

    /// @notice Gas that the call of the target costs before the target runs.
    uint64 public constant RELAY_CALL_OVERHEAD = 40_000;

    /// @notice Gas kept to finish delivering after the call.
    uint64 public constant RELAY_RESERVED_GAS = 40_000;

    /// @notice Gas kept between measuring what is left and the call.
    uint64 public constant RELAY_GAS_CHECK_BUFFER = 5_000;

    /// @notice Gas of every transaction.
    uint64 public constant TX_BASE_GAS = 21_000;

    /// @notice Gas of a byte of call data at the floor price (EIP-7623).
    uint64 public constant FLOOR_CALLDATA_OVERHEAD = 40;

    /// @notice Bytes that the call of `relayMessage` has beside the message, at most.
    uint64 public constant ENCODING_OVERHEAD = 260;

    /// @notice What stands for the sender while no message is delivered.
    address internal constant NO_SENDER = 0x000000000000000000000000000000000000dEaD;

    /// @notice The origin of gas estimations, which are to find how much gas lets a message succeed.
    address internal constant ESTIMATION_ADDRESS = address(1);

    /// @dev Variables that OP chains had before Bedrock.
    uint256[203] private __legacy;

    /// @notice Whether the message of this hash was delivered.
    mapping(bytes32 messageHash => bool) public successfulMessages;

    address internal xDomainMsgSender;

    uint240 internal msgNonce;

    /// @notice Whether delivering the message of this hash failed at least once.
    mapping(bytes32 messageHash => bool) public failedMessages;

    /// @notice The messenger on the other chain.
    CrossDomainMessenger public otherMessenger;

    /// @dev Room for later variables, up to slot 250.
    uint256[43] private __gap;

    /// @notice No message is delivered now.
    error NoMessage();

    /// @notice Messages are not delivered while withdrawals are paused.
    error Paused();

    /// @notice The nonce is of a message of another version.
    error UnsupportedVersion(uint256 version);

    /// @notice The message does not carry the value it was sent with, or a repeated delivery carries any.
    error WrongValue(uint256 value, uint256 expected);

    /// @notice Only a message that failed before can be delivered by others than the other messenger.
    error NotReplayable(bytes32 messageHash);

    /// @notice The message arrived before.
    error AlreadyReceived(bytes32 messageHash);

    /// @notice The message was delivered before.
    error AlreadyRelayed(bytes32 messageHash);

    /// @notice Messages cannot call this contract nor the one below it.
    error UnsafeTarget(address target);

    /// @notice A gas estimation learns that delivering failed.
    error RelayFailed(bytes32 messageHash);

    /// @inheritdoc ICrossDomainMessenger
    function sendMessage(address target, bytes calldata message, uint32 minGasLimit) external payable {
        uint256 nonce = messageNonce();
        _sendMessage(
            address(otherMessenger),
            baseGas(message, minGasLimit),
            msg.value,
            abi.encodeCall(this.relayMessage, (nonce, msg.sender, target, msg.value, minGasLimit, message))
        );
        emit SentMessage(target, msg.sender, message, nonce, minGasLimit);
        emit SentMessageExtension1(msg.sender, msg.value);
        unchecked {
            ++msgNonce;
        }
    }

    /// @inheritdoc ICrossDomainMessenger
    /// @dev A message that arrives must not be lost, so what keeps it from being delivered now marks it as failed, and
    ///      reverts only where it can never have been sent.
    function relayMessage(
        uint256 nonce,
        address sender,
        address target,
        uint256 value,
        uint256 minGasLimit,
        bytes calldata message
    ) external payable {
        if (paused()) revert Paused();
        if (nonce >> 240 != MESSAGE_VERSION) revert UnsupportedVersion(nonce >> 240);
        bytes32 messageHash =
            keccak256(abi.encodeCall(this.relayMessage, (nonce, sender, target, value, minGasLimit, message)));
        if (_isOtherMessenger()) {
            if (msg.value != value) revert WrongValue(msg.value, value);
            if (failedMessages[messageHash]) revert AlreadyReceived(messageHash);
        } else {
            if (msg.value != 0) revert WrongValue(msg.value, 0);
            if (!failedMessages[messageHash]) revert NotReplayable(messageHash);
        }
        if (_isUnsafeTarget(target)) revert UnsafeTarget(target);
        if (successfulMessages[messageHash]) revert AlreadyRelayed(messageHash);

        // Within the delivery of another message the sender of that one would be lost.
        bool hasGas = SafeCall.hasMinGas(minGasLimit, RELAY_RESERVED_GAS + RELAY_GAS_CHECK_BUFFER);
        if (!hasGas || xDomainMsgSender != NO_SENDER) {
            _fail(messageHash);
            return;
        }
        xDomainMsgSender = sender;
        bool success = _call(target, gasleft() - RELAY_RESERVED_GAS, value, message);
        xDomainMsgSender = NO_SENDER;
        if (!success) {
            _fail(messageHash);
            return;
        }
        successfulMessages[messageHash] = true;
        emit RelayedMessage(messageHash);
    }

    /// @inheritdoc ICrossDomainMessenger
    function xDomainMessageSender() external view returns (address) {
        if (xDomainMsgSender == NO_SENDER) revert NoMessage();
        return xDomainMsgSender;
    }

    /// @notice The messenger on the other chain, by its name from before Bedrock.
    function OTHER_MESSENGER() external view returns (CrossDomainMessenger) {
        return otherMessenger;
    }

    /// @notice Nonce of the next message: a counter, with the version in the top two bytes.
    function messageNonce() public view returns (uint256) {
        return (uint256(MESSAGE_VERSION) << 240) | msgNonce;
    }

    /// @notice Gas to ask for so that the call of the target has at least `minGasLimit` and the transaction pays for its
    ///         call data, even at the floor price.
    function baseGas(bytes calldata message, uint32 minGasLimit) public pure returns (uint64) {
        uint64 executionGas = RELAY_CONSTANT_OVERHEAD + RELAY_CALL_OVERHEAD + RELAY_RESERVED_GAS
            + RELAY_GAS_CHECK_BUFFER
            + (minGasLimit * MIN_GAS_DYNAMIC_OVERHEAD_NUMERATOR) / MIN_GAS_DYNAMIC_OVERHEAD_DENOMINATOR;
        uint64 size = uint64(message.length) + ENCODING_OVERHEAD;
        uint64 withExecution = executionGas + size * MIN_GAS_CALLDATA_OVERHEAD;
        uint64 floor = size * FLOOR_CALLDATA_OVERHEAD;
        return TX_BASE_GAS + (withExecution > floor ? withExecution : floor);
    }

    /// @notice Whether messages are not delivered at present.
    function paused() public view virtual returns (bool);

    /// @dev Sets the counterpart, once.
    function _initializeMessenger(CrossDomainMessenger otherMessenger_) internal onlyInitializing {
        xDomainMsgSender = NO_SENDER;
        otherMessenger = otherMessenger_;
    }

    /// @dev Has the chain's bridge call `to` on the other chain.
    function _sendMessage(address to, uint64 gasLimit, uint256 value, bytes memory data) internal virtual;

    /// @dev Whether the call comes from the other messenger, through the chain's bridge.
    function _isOtherMessenger() internal view virtual returns (bool);

    /// @dev Whether a call of `target` in this contract's name would be a danger to the bridge.
    function _isUnsafeTarget(address target) internal view virtual returns (bool);

    function _fail(bytes32 messageHash) private {
        failedMessages[messageHash] = true;
        emit FailedRelayedMessage(messageHash);
        if (tx.origin == ESTIMATION_ADDRESS) revert RelayFailed(messageHash);
    }

    /// @dev Calls without copying what the target returns, which could use up the gas that was kept.
    function _call(address target, uint256 gas_, uint256 value, bytes memory data) private returns (bool success) {
        assembly ("memory-safe") {
            success := call(gas_, target, value, add(data, 32), mload(data), 0, 0)
        }
    }
}
