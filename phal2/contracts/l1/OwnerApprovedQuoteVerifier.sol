// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "../universal/Ownable.sol";
import {IQuoteVerifier} from "./IQuoteVerifier.sol";
import {QuoteBody} from "./QuoteBody.sol";

/// @title OwnerApprovedQuoteVerifier
/// @notice A quote verifier that checks no signature itself: its owner verifies each quote off chain and approves it by
///         hash. Whoever relies on it relies on its owner.
/// @dev The FMSPC of its output is zero, as it lies in the platform's certificate, which is not read here.
contract OwnerApprovedQuoteVerifier is Ownable, IQuoteVerifier {
    /// @notice The owner's word on a quote.
    /// @param approved  Whether the quote holds.
    /// @param tcbStatus Its TCB status, as Automata numbers them: 0 OK, 1 SW hardening needed, 2 configuration and SW
    ///                  hardening needed, 3 configuration needed, 4 out of date, 5 out of date, configuration needed.
    struct Approval {
        bool approved;
        uint8 tcbStatus;
    }

    /// @notice Highest TCB status of a quote that can be approved; those above are revoked or unknown.
    uint8 public constant HIGHEST_TCB_STATUS = 5;

    /// @notice What the owner said of the quote with a hash.
    mapping(bytes32 quoteHash => Approval) public approvals;

    /// @notice The owner found that a quote holds.
    event QuoteApproved(bytes32 indexed quoteHash, uint8 tcbStatus);

    /// @notice The owner took its approval back.
    event QuoteApprovalRevoked(bytes32 indexed quoteHash);

    error UnknownTcbStatus(uint8 tcbStatus, uint8 highest);
    error NotApproved(bytes32 quoteHash);

    /// @param owner_ Verifies quotes.
    constructor(address owner_) {
        _setOwner(owner_);
    }

    /// @notice Says that the quote with this hash holds.
    /// @param quoteHash keccak256 of the raw quote.
    /// @param tcbStatus Its TCB status, 0 to 5.
    function approve(bytes32 quoteHash, uint8 tcbStatus) external onlyOwner {
        if (tcbStatus > HIGHEST_TCB_STATUS) revert UnknownTcbStatus(tcbStatus, HIGHEST_TCB_STATUS);
        approvals[quoteHash] = Approval(true, tcbStatus);
        emit QuoteApproved(quoteHash, tcbStatus);
    }

    /// @notice Takes an approval back.
    function revokeApproval(bytes32 quoteHash) external onlyOwner {
        if (!approvals[quoteHash].approved) revert NotApproved(quoteHash);
        delete approvals[quoteHash];
        emit QuoteApprovalRevoked(quoteHash);
    }

    /// @inheritdoc IQuoteVerifier
    function verifyAndAttestOnChain(bytes calldata rawQuote)
        external
        payable
        returns (bool success, bytes memory output)
    {
        Approval memory approval = approvals[keccak256(rawQuote)];
        if (msg.value != 0) return (false, "no fee is taken");
        if (!approval.approved) return (false, "the owner has not approved this quote");
        (uint16 version, uint16 bodyType, uint256 offset) = _layout(rawQuote);
        uint256 end = offset + QuoteBody.length(bodyType);
        if (end == offset || rawQuote.length < end) return (false, "the quote has no known layout");
        output = abi.encodePacked(
            version, bodyType, approval.tcbStatus, bytes6(0), rawQuote[offset:end], abi.encode(new string[](0))
        );
        return (true, output);
    }

    /// @dev Version, body type and where the body begins; the type is zero where the layout is unknown. Numbers in
    ///      quotes are little-endian.
    function _layout(bytes calldata rawQuote) private pure returns (uint16 version, uint16 bodyType, uint256 offset) {
        if (rawQuote.length < 54) return (0, 0, 0);
        version = _uint16(rawQuote, 0);
        bytes4 teeType = bytes4(rawQuote[4:8]);
        if (version == 3) return (version, QuoteBody.SGX, 48);
        if (version == 4) {
            if (teeType == 0x00000000) return (version, QuoteBody.SGX, 48);
            return (version, teeType == 0x81000000 ? QuoteBody.TDX_1_0 : 0, 48);
        }
        if (version != 5) return (version, 0, 0);
        bodyType = _uint16(rawQuote, 48);
        bool sized = _uint16(rawQuote, 50) == QuoteBody.length(bodyType) && _uint16(rawQuote, 52) == 0;
        return (version, sized ? bodyType : 0, 54);
    }

    function _uint16(bytes calldata data, uint256 offset) private pure returns (uint16) {
        return uint16(uint8(data[offset])) | (uint16(uint8(data[offset + 1])) << 8);
    }
}
