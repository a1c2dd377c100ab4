// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title L2ToL1MessagePasser
/// @notice Keeps the hashes of messages to L1. L1 checks them against this contract's storage root, which every output
///         root (and from Isthmus on every header) contains.
/// @dev Storage layout, events and hashes are those of the OP Stack's L2ToL1MessagePasser.
contract L2ToL1MessagePasser {
    /// @notice Version of the message encoding, the top two bytes of every nonce.
    uint16 public constant MESSAGE_VERSION = 1;

    /// @notice Gas on L1 of the withdrawal made by a plain transfer of ether.
    uint256 internal constant RECEIVE_DEFAULT_GAS_LIMIT = 100_000;

    /// @notice Whether a message of this hash was sent.
    mapping(bytes32 withdrawalHash => bool) public sentMessages;

    uint240 internal msgNonce;

    /// @notice A message to L1 was sent.
    /// @param nonce          Nonce of the message, with its version.
    /// @param sender         Who sent it.
    /// @param target         Who is called on L1.
    /// @param value          Wei it carries.
    /// @param gasLimit       Least gas of the call on L1.
    /// @param data           Data of the call on L1.
    /// @param withdrawalHash Hash of all of these.
    event MessagePassed(
        uint256 indexed nonce,
        address indexed sender,
        address indexed target,
        uint256 value,
        uint256 gasLimit,
        bytes data,
        bytes32 withdrawalHash
    );

    /// @notice Ether that left for L1 was taken out of L2's supply.
    event WithdrawerBalanceBurnt(uint256 indexed amount);

    /// @notice The ether could not be burned.
    error BurnFailed(uint256 amount);

    /// @notice Withdraws the ether sent, to the sender's own address on L1.
    receive() external payable {
        initiateWithdrawal(msg.sender, RECEIVE_DEFAULT_GAS_LIMIT, bytes(""));
    }

    /// @notice Takes the ether that withdrawals locked here out of L2's supply.
    function burn() external {
        uint256 amount = address(this).balance;
        address burner;
        assembly ("memory-safe") {
            // A creation whose code is ADDRESS SELFDESTRUCT. Destroying itself in favour of itself, in the transaction
            // that creates it, removes a contract's ether (EIP-6780).
            mstore(0, shl(240, 0x30ff))
            burner := create(amount, 0, 2)
        }
        if (burner == address(0)) revert BurnFailed(amount);
        emit WithdrawerBalanceBurnt(amount);
    }

    /// @notice Sends a message to L1.
    /// @param target   Who is called on L1.
    /// @param gasLimit Least gas of the call on L1.
    /// @param data     Data of the call on L1.
    function initiateWithdrawal(address target, uint256 gasLimit, bytes memory data) public payable {
        uint256 nonce = messageNonce();
        bytes32 withdrawalHash = keccak256(abi.encode(nonce, msg.sender, target, msg.value, gasLimit, data));
        sentMessages[withdrawalHash] = true;
        emit MessagePassed(nonce, msg.sender, target, msg.value, gasLimit, data, withdrawalHash);
        unchecked {
            ++msgNonce;
        }
    }

    /// @notice Nonce of the next message: a counter, with the version in the top two bytes.
    function messageNonce() public view returns (uint256) {
        return (uint256(MESSAGE_VERSION) << 240) | msgNonce;
    }

    /// @notice Semantic version of the interface.
    function version() external pure returns (string memory) {
        return "1.2.0";
    }
}
