// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {L1Block} from "./L1Block.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title L1BlockNumber
/// @notice The number of the present L1 origin, as contracts from before Bedrock ask for it: by any call.
contract L1BlockNumber {
    /// @notice Answers a transfer of ether with the number; the ether stays here.
    receive() external payable {
        _answer();
    }

    /// @notice Answers every other call with the number.
    fallback() external payable {
        _answer();
    }

    /// @notice Semantic version of the interface.
    function version() external pure returns (string memory) {
        return "1.1.0";
    }

    /// @notice Number of the L1 origin.
    function getL1BlockNumber() public view returns (uint256) {
        return L1Block(Predeploys.L1_BLOCK).number();
    }

    function _answer() private view {
        bytes memory answer = abi.encode(getL1BlockNumber());
        assembly ("memory-safe") {
            return(add(answer, 32), mload(answer))
        }
    }
}
