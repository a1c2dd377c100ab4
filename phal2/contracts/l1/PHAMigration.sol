// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IPHAClaims} from "../l2/IPHAClaims.sol";
import {Predeploys} from "../l2/Predeploys.sol";
import {IStandardBridge} from "../universal/IStandardBridge.sol";
import {IOptimismPortal} from "./IOptimismPortal.sol";

/// @title PHAMigration
/// @notice Collects the PHA that backs the claims on L2, and starts them: the owner sets the root of the claims once and
///         launches once, which moves the backing to L2 by the standard bridge. The bridge holds it here from then on;
///         what nobody claimed comes back by the bridge as well, to the treasury.
contract PHAMigration {
    using SafeERC20 for IERC20;

    /// @notice Gas of the launch message on L2. Delivering it takes about 120,000.
    uint64 public constant LAUNCH_GAS_LIMIT = 400_000;

    /// @notice Least gas of delivering the backing on L2, which takes about 100,000.
    uint32 public constant BACKING_GAS_LIMIT = 300_000;

    /// @notice Sets the root and launches.
    address public immutable owner;

    /// @notice PHA on L1.
    IERC20 public immutable token;

    /// @notice The portal to L2.
    IOptimismPortal public immutable portal;

    /// @notice The standard bridge to L2.
    IStandardBridge public immutable bridge;

    /// @notice Receives what nobody claimed, and PHA that lies here beyond the total.
    address public immutable treasury;

    /// @notice Root of the Merkle tree of claims; zero before `setRoot`.
    bytes32 public root;

    /// @notice Sum of all claims, in units of 10**-18 PHA.
    uint256 public total;

    /// @notice Last second, in Unix time on L2, at which claims are paid.
    uint64 public deadline;

    /// @notice Whether the claims were launched.
    bool public launched;

    /// @notice The root of the claims was set.
    event RootSet(bytes32 indexed root, uint256 total, uint64 deadline);

    /// @notice Backing and launch message are on their way to L2.
    event LaunchSent(bytes32 indexed root, uint256 total, uint64 deadline);

    /// @notice PHA that the claims do not need went to the treasury.
    event SurplusReleased(address indexed treasury, uint256 amount);

    error ZeroAddress();
    error NotOwner(address caller, address owner);
    error RootAlreadySet(bytes32 root);
    error RootNotSet();
    error InvalidRoot(bytes32 root, uint256 total);
    error DeadlineNotInFuture(uint64 deadline, uint256 timestamp);
    error AlreadyLaunched();
    error InsufficientBacking(uint256 balance, uint256 total);
    error NotLaunched();
    error NoSurplus();

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(msg.sender, owner);
        _;
    }

    /// @param owner_    Sets the root and launches.
    /// @param token_    PHA on L1.
    /// @param portal_   The portal to L2.
    /// @param bridge_   The standard bridge to L2.
    /// @param treasury_ Receives what nobody claimed.
    constructor(address owner_, address token_, address portal_, address bridge_, address treasury_) {
        if (owner_ == address(0) || token_ == address(0) || portal_ == address(0)) revert ZeroAddress();
        if (bridge_ == address(0) || treasury_ == address(0)) revert ZeroAddress();
        owner = owner_;
        token = IERC20(token_);
        portal = IOptimismPortal(portal_);
        bridge = IStandardBridge(bridge_);
        treasury = treasury_;
    }

    /// @notice Sets what can be claimed, once.
    /// @param root_     Root of the tree of (accountId, free, staked), as OpenZeppelin's StandardMerkleTree makes it.
    /// @param total_    Sum of all leaves, in units of 10**-18 PHA.
    /// @param deadline_ Last second, in Unix time, at which claims are paid.
    function setRoot(bytes32 root_, uint256 total_, uint64 deadline_) external onlyOwner {
        if (root != 0) revert RootAlreadySet(root);
        if (root_ == 0 || total_ == 0) revert InvalidRoot(root_, total_);
        if (deadline_ <= block.timestamp) revert DeadlineNotInFuture(deadline_, block.timestamp);
        root = root_;
        total = total_;
        deadline = deadline_;
        emit RootSet(root_, total_, deadline_);
    }

    /// @notice Bridges the backing to PHAClaims on L2, and sends root, total and deadline there, once. The whole total
    ///         must lie here. Claims are paid when both have arrived, whichever comes first.
    function launch() external onlyOwner {
        if (root == 0) revert RootNotSet();
        if (launched) revert AlreadyLaunched();
        uint256 balance = token.balanceOf(address(this));
        if (balance < total) revert InsufficientBacking(balance, total);
        launched = true;
        emit LaunchSent(root, total, deadline);
        token.forceApprove(address(bridge), total);
        bridge.bridgeERC20To(
            address(token), Predeploys.PHA_TOKEN, Predeploys.PHA_CLAIMS, total, BACKING_GAS_LIMIT, bytes("")
        );
        portal.depositTransaction(
            Predeploys.PHA_CLAIMS,
            0,
            LAUNCH_GAS_LIMIT,
            false,
            abi.encodeCall(IPHAClaims.receiveLaunch, (root, total, deadline, treasury))
        );
    }

    /// @notice After the launch sends PHA that lies here, because more than the total was sent, to the treasury. Anyone
    ///         may call it.
    function releaseSurplus() external {
        if (!launched) revert NotLaunched();
        uint256 amount = token.balanceOf(address(this));
        if (amount == 0) revert NoSurplus();
        emit SurplusReleased(treasury, amount);
        token.safeTransfer(treasury, amount);
    }
}
