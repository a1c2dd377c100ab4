// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {SafeCall} from "../universal/SafeCall.sol";
import {AddressAlias} from "./AddressAlias.sol";
import {IAnchorStateRegistry} from "./IAnchorStateRegistry.sol";
import {GameStatus, IDisputeGame} from "./IDisputeGame.sol";
import {IDisputeGameFactory} from "./IDisputeGameFactory.sol";
import {IOptimismPortal} from "./IOptimismPortal.sol";
import {ISystemConfig} from "./ISystemConfig.sol";
import {MerklePatriciaProof} from "./MerklePatriciaProof.sol";
import {ResourceConfig, ResourceMetering} from "./ResourceMetering.sol";
import {OutputRootProof, WithdrawalHashing, WithdrawalTransaction} from "./Withdrawals.sol";

/// @title OptimismPortal
/// @notice The way from L1 into L2 and back. Every call to `depositTransaction` becomes a deposit transaction (type
///         0x7E) of the L2 block whose L1 origin is the block of the call; ether sent along is locked here and minted on
///         L2. A message from L2 is proven against the output root of a dispute game, and delivered once proof and game
///         are old enough. ABI, events, limits and error names are those of the OP Stack's portal, version 4.
contract OptimismPortal is Initializable, ResourceMetering, IOptimismPortal {
    /// @notice A proof that L2 sent a message.
    /// @param disputeGameProxy The game whose output root it was proven against.
    /// @param timestamp        Unix time of the proof.
    struct ProvenWithdrawal {
        IDisputeGame disputeGameProxy;
        uint64 timestamp;
    }

    /// @notice Version of the encoding of `opaqueData`.
    uint256 internal constant DEPOSIT_VERSION = 0;

    /// @notice Gas of the deposit made by a plain transfer of ether.
    uint64 internal constant RECEIVE_DEFAULT_GAS_LIMIT = 100_000;

    /// @notice Longest call data of a deposit, in bytes, so that a deposit fits into an L2 node's message limits.
    uint256 internal constant MAXIMUM_DATA_LENGTH = 120_000;

    /// @notice What `l2Sender` answers outside of a withdrawal.
    address internal constant DEFAULT_L2_SENDER = 0x000000000000000000000000000000000000dEaD;

    /// @notice Whoever estimates gas with this origin learns of a message's failure by a revert.
    address internal constant ESTIMATION_ADDRESS = address(1);

    uint256 private immutable PROOF_MATURITY_DELAY_SECONDS;

    /// @inheritdoc IOptimismPortal
    address public l2Sender;

    /// @notice Holds the market's rules, the guardian and whether withdrawals are stopped.
    ISystemConfig public systemConfig;

    /// @notice Judges dispute games.
    IAnchorStateRegistry public anchorStateRegistry;

    /// @notice Whether a message was delivered; it never is again.
    mapping(bytes32 withdrawalHash => bool) public finalizedWithdrawals;

    /// @notice The newest proof of a message that each account has submitted.
    mapping(bytes32 withdrawalHash => mapping(address proofSubmitter => ProvenWithdrawal)) public provenWithdrawals;

    /// @notice Who submitted the proofs of a message, in their order.
    mapping(bytes32 withdrawalHash => address[]) public proofSubmitters;

    /// @notice A transaction was deposited; L2 nodes derive it from this log alone.
    /// @param from       Sender on L2: the caller, aliased where it is a contract.
    /// @param to         Target on L2.
    /// @param version    Version of `opaqueData`.
    /// @param opaqueData mint (32 bytes), value (32), gas limit (8), is creation (1), then the data, packed.
    event TransactionDeposited(address indexed from, address indexed to, uint256 indexed version, bytes opaqueData);

    /// @notice It was proven that L2 sent a message.
    event WithdrawalProven(bytes32 indexed withdrawalHash, address indexed from, address indexed to);

    /// @notice Who submitted the proof.
    event WithdrawalProvenExtension1(bytes32 indexed withdrawalHash, address indexed proofSubmitter);

    /// @notice A message was delivered; `success` says whether its target took it.
    event WithdrawalFinalized(bytes32 indexed withdrawalHash, bool success);

    /// @notice The message was delivered before.
    error OptimismPortal_AlreadyFinalized();

    /// @notice A creation has a target, or a message calls this contract.
    error OptimismPortal_BadTarget();

    /// @notice Withdrawals are stopped.
    error OptimismPortal_CallPaused();

    /// @notice The data is longer than 120,000 bytes.
    error OptimismPortal_CalldataTooLarge();

    /// @notice Whoever estimates gas: the message's target did not take it.
    error OptimismPortal_GasEstimation();

    /// @notice The gas limit is below `minimumGasLimit` of the data's length.
    error OptimismPortal_GasLimitTooLow();

    /// @notice The game is not the factory's, blacklisted or retired.
    error OptimismPortal_ImproperDisputeGame();

    /// @notice The game was not of the respected type, or was decided against its claim.
    error OptimismPortal_InvalidDisputeGame();

    /// @notice The nodes do not show the message in the message passer's storage.
    error OptimismPortal_InvalidMerkleProof();

    /// @notice The parts do not hash to the game's output root.
    error OptimismPortal_InvalidOutputRootProof();

    /// @notice The proof is not newer than its game.
    error OptimismPortal_InvalidProofTimestamp();

    /// @notice The game's claim cannot be relied upon, or not yet.
    error OptimismPortal_InvalidRootClaim();

    /// @notice A message that is being delivered cannot deliver another.
    error OptimismPortal_NoReentrancy();

    /// @notice The proof is younger than `proofMaturityDelaySeconds`.
    error OptimismPortal_ProofNotOldEnough();

    /// @notice The account has submitted no proof of the message.
    error OptimismPortal_Unproven();

    modifier whenNotPaused() {
        if (paused()) revert OptimismPortal_CallPaused();
        _;
    }

    /// @param proofMaturityDelaySeconds_ Seconds between a proof and the delivery; zero: a proof need not age at all.
    constructor(uint256 proofMaturityDelaySeconds_) {
        PROOF_MATURITY_DELAY_SECONDS = proofMaturityDelaySeconds_;
        _disableInitializers();
    }

    /// @param systemConfig_        Holds the market's rules, the guardian and whether withdrawals are stopped.
    /// @param anchorStateRegistry_ Judges dispute games.
    function initialize(ISystemConfig systemConfig_, IAnchorStateRegistry anchorStateRegistry_) external initializer {
        systemConfig = systemConfig_;
        anchorStateRegistry = anchorStateRegistry_;
        l2Sender = DEFAULT_L2_SENDER;
        _initializeResourceMetering();
    }

    /// @notice Deposits the ether sent, to the sender's own address on L2.
    receive() external payable {
        depositTransaction(msg.sender, msg.value, RECEIVE_DEFAULT_GAS_LIMIT, false, bytes(""));
    }

    /// @notice Takes ether without depositing it.
    function donateETH() external payable {}

    /// @notice Proves that L2 sent a message. It may be proven again, which replaces the caller's own proof alone.
    /// @param withdrawal       The message.
    /// @param disputeGameIndex Index of the game whose output root it is proven against.
    /// @param outputRootProof  The parts of the output root.
    /// @param withdrawalProof  The nodes from the message passer's storage root to the message (eth_getProof).
    function proveWithdrawalTransaction(
        WithdrawalTransaction calldata withdrawal,
        uint256 disputeGameIndex,
        OutputRootProof calldata outputRootProof,
        bytes[] calldata withdrawalProof
    ) external whenNotPaused {
        _checkTarget(withdrawal.target);
        (,, IDisputeGame game) = disputeGameFactory().gameAtIndex(disputeGameIndex);
        if (!anchorStateRegistry.isGameProper(game)) revert OptimismPortal_ImproperDisputeGame();
        if (!anchorStateRegistry.isGameRespected(game) || game.status() == GameStatus.CHALLENGER_WINS) {
            revert OptimismPortal_InvalidDisputeGame();
        }
        if (game.rootClaim() != WithdrawalHashing.hashOutputRootProof(outputRootProof)) {
            revert OptimismPortal_InvalidOutputRootProof();
        }
        bytes32 withdrawalHash = WithdrawalHashing.hashWithdrawal(withdrawal);
        // The message passer's storage holds true, RLP 0x01, for the message; its trie's keys are hashed.
        bytes32 path = keccak256(abi.encode(WithdrawalHashing.sentMessageSlot(withdrawalHash)));
        if (!MerklePatriciaProof.includes(
                outputRootProof.messagePasserStorageRoot, path, hex"01", withdrawalProof
            )) revert OptimismPortal_InvalidMerkleProof();

        provenWithdrawals[withdrawalHash][msg.sender] = ProvenWithdrawal(game, uint64(block.timestamp));
        proofSubmitters[withdrawalHash].push(msg.sender);
        emit WithdrawalProven(withdrawalHash, withdrawal.sender, withdrawal.target);
        emit WithdrawalProvenExtension1(withdrawalHash, msg.sender);
    }

    /// @notice Delivers a message that the caller has proven.
    function finalizeWithdrawalTransaction(WithdrawalTransaction calldata withdrawal) external {
        finalizeWithdrawalTransactionExternalProof(withdrawal, msg.sender);
    }

    /// @notice Delivers a message that `proofSubmitter` has proven.
    function finalizeWithdrawalTransactionExternalProof(
        WithdrawalTransaction calldata withdrawal,
        address proofSubmitter
    ) public whenNotPaused {
        if (l2Sender != DEFAULT_L2_SENDER) revert OptimismPortal_NoReentrancy();
        // An upgrade may have changed what targets are allowed since the proof.
        _checkTarget(withdrawal.target);
        bytes32 withdrawalHash = WithdrawalHashing.hashWithdrawal(withdrawal);
        checkWithdrawal(withdrawalHash, proofSubmitter);

        finalizedWithdrawals[withdrawalHash] = true;
        l2Sender = withdrawal.sender;
        bool success =
            SafeCall.callWithMinGas(withdrawal.target, withdrawal.gasLimit, withdrawal.value, withdrawal.data);
        l2Sender = DEFAULT_L2_SENDER;
        emit WithdrawalFinalized(withdrawalHash, success);
        if (!success && tx.origin == ESTIMATION_ADDRESS) revert OptimismPortal_GasEstimation();
    }

    /// @notice Number of proofs of a message that were submitted.
    function numProofSubmitters(bytes32 withdrawalHash) external view returns (uint256) {
        return proofSubmitters[withdrawalHash].length;
    }

    /// @notice Seconds between a proof and the delivery.
    function proofMaturityDelaySeconds() external view returns (uint256) {
        return PROOF_MATURITY_DELAY_SECONDS;
    }

    /// @notice Seconds between a game's decision and its finality.
    function disputeGameFinalityDelaySeconds() external view returns (uint256) {
        return anchorStateRegistry.disputeGameFinalityDelaySeconds();
    }

    /// @notice The type of game that messages are proven with.
    function respectedGameType() external view returns (uint32) {
        return anchorStateRegistry.respectedGameType();
    }

    /// @notice Unix time; games created until then are retired.
    function respectedGameTypeUpdatedAt() external view returns (uint64) {
        return anchorStateRegistry.retirementTimestamp();
    }

    /// @notice Whether the guardian declared a game invalid.
    function disputeGameBlacklist(IDisputeGame game) external view returns (bool) {
        return anchorStateRegistry.disputeGameBlacklist(game);
    }

    /// @notice May stop withdrawals and judge dispute games.
    function guardian() external view returns (address) {
        return systemConfig.guardian();
    }

    /// @notice The contract that holds pause and guardian.
    function superchainConfig() external view returns (address) {
        return systemConfig.superchainConfig();
    }

    /// @notice Semantic version of the interface.
    function version() external pure returns (string memory) {
        return "4.6.0";
    }

    /// @inheritdoc IOptimismPortal
    function depositTransaction(address to, uint256 value, uint64 gasLimit, bool isCreation, bytes memory data)
        public
        payable
        metered(gasLimit)
    {
        if (isCreation && to != address(0)) revert OptimismPortal_BadTarget();
        if (data.length > MAXIMUM_DATA_LENGTH) revert OptimismPortal_CalldataTooLarge();
        if (gasLimit < minimumGasLimit(uint64(data.length))) revert OptimismPortal_GasLimitTooLow();

        address from = _senderIsAccount() ? msg.sender : AddressAlias.applyAlias(msg.sender);
        emit TransactionDeposited(
            from, to, DEPOSIT_VERSION, abi.encodePacked(msg.value, value, gasLimit, isCreation, data)
        );
    }

    /// @notice Whether withdrawals are stopped.
    function paused() public view returns (bool) {
        return systemConfig.paused();
    }

    /// @inheritdoc IOptimismPortal
    function disputeGameFactory() public view returns (IDisputeGameFactory) {
        return anchorStateRegistry.disputeGameFactory();
    }

    /// @notice Reverts, with the reason, unless a message can be delivered with the proof of `proofSubmitter`.
    function checkWithdrawal(bytes32 withdrawalHash, address proofSubmitter) public view {
        if (finalizedWithdrawals[withdrawalHash]) revert OptimismPortal_AlreadyFinalized();
        ProvenWithdrawal memory proven = provenWithdrawals[withdrawalHash][proofSubmitter];
        if (proven.timestamp == 0) revert OptimismPortal_Unproven();
        // A game of the proof's own block could be one that a reorganisation replaces.
        if (proven.timestamp <= proven.disputeGameProxy.createdAt()) revert OptimismPortal_InvalidProofTimestamp();
        if (!_isMature(proven.timestamp)) revert OptimismPortal_ProofNotOldEnough();
        if (!anchorStateRegistry.isGameClaimValid(proven.disputeGameProxy)) revert OptimismPortal_InvalidRootClaim();
    }

    /// @notice Least gas limit of a deposit with `byteCount` bytes of data: the intrinsic gas at the floor price.
    function minimumGasLimit(uint64 byteCount) public pure returns (uint64) {
        return byteCount * 40 + 21_000;
    }

    function _resourceConfig() internal view override returns (ResourceConfig memory) {
        return systemConfig.resourceConfig();
    }

    /// @dev As in the OP Stack a proof must be older than the delay. A delay of zero is for development chains alone.
    function _isMature(uint64 timestamp) private view returns (bool) {
        return PROOF_MATURITY_DELAY_SECONDS == 0 || block.timestamp - timestamp > PROOF_MATURITY_DELAY_SECONDS;
    }

    /// @dev A message that called this contract could make it the sender of a deposit.
    function _checkTarget(address target) private view {
        if (target == address(this)) revert OptimismPortal_BadTarget();
    }

    /// @dev An account with an EIP-7702 delegation has code, 0xef0100 and an address, and is no contract.
    function _senderIsAccount() private view returns (bool) {
        if (msg.sender == tx.origin) return true;
        return msg.sender.code.length == 23 && bytes3(msg.sender.code) == 0xef0100;
    }
}
