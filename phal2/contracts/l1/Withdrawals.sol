// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A message from L2, as L2ToL1MessagePasser logged it.
/// @param nonce    Nonce of the message, with its version in the top two bytes.
/// @param sender   Who sent it on L2.
/// @param target   Who is called on L1.
/// @param value    Wei it carries.
/// @param gasLimit Least gas of the call on L1.
/// @param data     Data of the call on L1.
struct WithdrawalTransaction {
    uint256 nonce;
    address sender;
    address target;
    uint256 value;
    uint256 gasLimit;
    bytes data;
}

/// @notice What an output root is the hash of.
/// @param version                  Version of the output root; zero.
/// @param stateRoot                State root of the L2 block.
/// @param messagePasserStorageRoot Storage root of L2ToL1MessagePasser in that state.
/// @param latestBlockhash          Hash of the L2 block.
struct OutputRootProof {
    bytes32 version;
    bytes32 stateRoot;
    bytes32 messagePasserStorageRoot;
    bytes32 latestBlockhash;
}

/// @title WithdrawalHashing
/// @notice Hashes by which L1 knows messages from L2 (OP Stack "Withdrawals", "L2 Output Commitment Construction").
library WithdrawalHashing {
    /// @notice The hash under which L2ToL1MessagePasser keeps a message.
    function hashWithdrawal(WithdrawalTransaction memory withdrawal) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                withdrawal.nonce,
                withdrawal.sender,
                withdrawal.target,
                withdrawal.value,
                withdrawal.gasLimit,
                withdrawal.data
            )
        );
    }

    /// @notice The output root whose parts these are.
    function hashOutputRootProof(OutputRootProof memory proof) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(proof.version, proof.stateRoot, proof.messagePasserStorageRoot, proof.latestBlockhash)
        );
    }

    /// @notice The storage slot of L2ToL1MessagePasser that says whether a message was sent.
    function sentMessageSlot(bytes32 withdrawalHash) internal pure returns (bytes32) {
        return keccak256(abi.encode(withdrawalHash, uint256(0)));
    }
}
