// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title ICrossDomainMessenger
/// @notice Messages between contracts of the two chains.
interface ICrossDomainMessenger {
    /// @notice A message was sent.
    /// @param target       Who is called on the other chain.
    /// @param sender       Who sent it.
    /// @param message      Data of the call.
    /// @param messageNonce Nonce, with the version in the top two bytes.
    /// @param gasLimit     Least gas of the call.
    event SentMessage(address indexed target, address sender, bytes message, uint256 messageNonce, uint256 gasLimit);

    /// @notice What the event above does not have of the same message.
    /// @param sender Who sent it.
    /// @param value  Wei it carries.
    event SentMessageExtension1(address indexed sender, uint256 value);

    /// @notice A message was delivered.
    event RelayedMessage(bytes32 indexed msgHash);

    /// @notice A message arrived and could not be delivered; anybody may try again.
    event FailedRelayedMessage(bytes32 indexed msgHash);

    /// @notice Sends a message, with the ether of the call.
    /// @param target      Who is called on the other chain.
    /// @param message     Data of the call.
    /// @param minGasLimit Least gas of the call.
    function sendMessage(address target, bytes calldata message, uint32 minGasLimit) external payable;

    /// @notice Delivers a message: the other messenger does, or anybody where it failed before.
    /// @param nonce       Nonce, with the version in the top two bytes.
    /// @param sender      Who sent it.
    /// @param target      Who is called.
    /// @param value       Wei it carries.
    /// @param minGasLimit Least gas of the call.
    /// @param message     Data of the call.
    function relayMessage(
        uint256 nonce,
        address sender,
        address target,
        uint256 value,
        uint256 minGasLimit,
        bytes calldata message
    ) external payable;

    /// @notice Who sent the message being delivered; reverts where none is.
    function xDomainMessageSender() external view returns (address);
}
