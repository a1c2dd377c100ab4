// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title QuoteBody
/// @notice Reads the report body of DCAP quotes: SGX enclave reports and TDX reports (Intel, "Quote Generation Library").
library QuoteBody {
    /// @notice Body types, as quotes of version 5 number them.
    uint16 internal constant SGX = 1;
    uint16 internal constant TDX_1_0 = 2;
    uint16 internal constant TDX_1_5 = 3;

    /// @notice There is no body of this type, or its length is another.
    error InvalidQuoteBody(uint16 bodyType, uint256 length);

    /// @notice Length in bytes of a body; zero for an unknown type.
    function length(uint16 bodyType) internal pure returns (uint256) {
        if (bodyType == SGX) return 384;
        if (bodyType == TDX_1_0) return 584;
        return bodyType == TDX_1_5 ? 648 : 0;
    }

    /// @notice What runs in the enclave. TDX: keccak256(mr_td ++ rt_mr0 ++ … ++ rt_mr3 ++ mr_config_id). SGX:
    ///         keccak256(mr_enclave ++ mr_signer).
    function workload(uint16 bodyType, bytes memory body) internal pure returns (bytes32) {
        _check(bodyType, body);
        if (bodyType == SGX) return keccak256(bytes.concat(_slice(body, 64, 32), _slice(body, 128, 32)));
        return keccak256(bytes.concat(_slice(body, 136, 48), _slice(body, 328, 192), _slice(body, 184, 48)));
    }

    /// @notice The 64 bytes that the enclave chose, as two words.
    function reportData(uint16 bodyType, bytes memory body) internal pure returns (bytes32 first, bytes32 second) {
        _check(bodyType, body);
        uint256 offset = bodyType == SGX ? 320 : 520;
        return (bytes32(_slice(body, offset, 32)), bytes32(_slice(body, offset + 32, 32)));
    }

    /// @notice Whether the enclave can be looked into: DEBUG of the SGX attributes or the TD attributes.
    function isDebuggable(uint16 bodyType, bytes memory body) internal pure returns (bool) {
        _check(bodyType, body);
        if (bodyType == SGX) return uint8(body[48]) & 0x02 != 0;
        // The whole TUD byte: a TD under debug has any of its bits set.
        return body[120] != 0;
    }

    function _check(uint16 bodyType, bytes memory body) private pure {
        if (body.length == 0 || body.length != length(bodyType)) revert InvalidQuoteBody(bodyType, body.length);
    }

    function _slice(bytes memory data, uint256 offset, uint256 size) private pure returns (bytes memory part) {
        part = new bytes(size);
        assembly ("memory-safe") {
            mcopy(add(part, 0x20), add(add(data, 0x20), offset), size)
        }
    }
}
