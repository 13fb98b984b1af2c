// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICollateralPool} from "../kit/ICollateralPool.sol";
import {IMessageEndpoint} from "../messaging/IMessageEndpoint.sol";

/// @title Capacity that the hub leased to accounts on this rollup, and what they did with it.
/// @dev Invariant V4: leased + Grants on their way + Returns on their way = the credit book's number.
/// @dev Invariant V5: `used <= leased`, after every call.
/// @dev Invariant V16: the cash of every Report sums to zero.
interface ISpokeCredit is ICollateralPool, IMessageEndpoint {
    struct Config {
        EndpointConfig endpoint;
        uint32 hubChainId;
        address slotContext;
        address registry;
        address marks;
        /// Signs instrument risks.
        address riskSigner;
        /// Feed updates that an instrument's risk may lag behind this chain.
        uint64 maxMarksLag;
    }

    error NotProtocol(address caller);
    error TooManyChanges(uint256 given, uint256 limit);
    error TooManyRisks(uint256 given, uint256 limit);
    error ForeignInstrument(uint256 instrument, uint32 protocolId);
    /// @notice A size or an amount of cash is too large.
    error AmountOutOfRange(int256 amount18, int256 limit18);
    /// @notice Cash must sum to zero over a call (V16).
    error CashNotBalanced(int256 sum18);
    error AccountWithoutOwner(bytes32 account);
    /// @notice A joint change needs its bundle's margin check on the hub in this slot.
    error JointNotListed(address sender, bytes32 salt, bytes32 account);
    /// @notice A joint change is for the sender's own accounts.
    error NotAccountOwner(address caller, bytes32 account);
    error CapacityExceeded(bytes32 account, uint256 needed18, uint256 available18);
    /// @notice After the lease a change may only make positions smaller.
    error LeaseExpired(bytes32 account, uint40 expiryS);
    error RiskMissing(uint256 instrument);
    error RiskExpired(uint256 instrument, uint64 validUntilSlot, uint64 slot);
    error RiskStale(uint256 instrument, uint64 marksSeq, uint64 oldestAccepted);
    error BadRiskSignature(address signer, address expected);
    error TooManyPositions(bytes32 account, uint256 positions, uint256 limit);
    error ProtocolCapExceeded(uint32 protocolId, uint256 wanted18, uint256 cap18);
    error ZeroAmount();
    error NoChanges();
    /// @notice The instrument's protocol is unknown here.
    error UnknownProtocol(uint32 protocolId);
    error PositionOutOfRange(bytes32 account, uint256 instrument, int256 size18);

    event Changed(
        bytes32 indexed account,
        uint256 indexed instrument,
        int256 size18,
        int256 cash18,
        uint256 used18,
        bytes32 jointSalt
    );
    event Reported(uint32 indexed protocolId, bytes32 indexed messageId, uint256 lines);
    event Leased(bytes32 indexed account, uint256 amount18, uint256 leased18, uint40 expiryS);
    event Returned(bytes32 indexed account, uint256 leased18, uint256 used18, bytes32 messageId);
    event Reassigned(
        bytes32 indexed from,
        bytes32 indexed to,
        uint256 indexed instrument,
        int256 size18
    );
    event RiskRulesSet(address riskSigner, uint64 maxMarksLag);

    /// @notice Gives free capacity back to the hub; the owner, or anybody after the lease.
    function giveBack(
        bytes32 account,
        uint256 amount18
    ) external payable returns (bytes32 messageId);

    /// @notice Gives used capacity back: lease and use fall alike, what is free stays. The owner, or anybody after
    /// the lease. Makes room under the credit book's caps for a new lease.
    function retire(bytes32 account, uint256 amount18) external payable returns (bytes32 messageId);

    /// @notice Replaces risk signer and tolerance; governance only.
    function setRiskRules(address riskSigner, uint64 maxMarksLag) external;

    function hubChainId() external view returns (uint32);
    function slotContext() external view returns (address);
    function registry() external view returns (address);
    function riskSigner() external view returns (address);

    /// @notice Capacity that is leased and not used, USD × 10^18.
    function available(bytes32 account) external view returns (uint256);

    /// @notice Instruments in which the account has a position here, in no order that means anything.
    function instrumentsOf(bytes32 account) external view returns (uint256[] memory);

    /// @notice What a protocol used of its daily caps today, USD × 10^18.
    function protocolUsage(
        uint32 protocolId
    ) external view returns (uint128 used18, uint128 cash18);
}
