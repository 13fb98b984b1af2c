// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Checkpoint} from "../libraries/CheckpointHash.sol";

/// @notice What the sequencer signs once per slot: the root over the slot's receipts.
struct SlotReceipts {
    uint64 slot;
    uint64 view_;
    bytes32 receiptRoot;
}

/// @notice A delivery that the system key signed: a transaction of type 2 to `SlotContext` of a rollup, as it stands
/// in the log.
struct SignedDelivery {
    uint64 chainId;
    uint64 nonce;
    uint256 maxPriorityFeePerGas;
    uint256 maxFeePerGas;
    uint64 gas;
    address slotContext;
    address mailbox;
    /// The message that it delivers, as Hyperlane writes it.
    bytes message;
    /// 65 bytes r ‖ s ‖ v, v 27 or 28.
    bytes signature;
}

/// @title Holds the sequencer's bond and takes it by two objects that contradict each other.
/// @dev Invariant: a slot takes the bond once. An admitted fault excuses a result that came out otherwise, never two
/// receipts.
/// @dev Invariant: what was announced for withdrawal leaves after the delay at the earliest, and a proof that comes
/// before takes it too.
interface IReceiptSlasher {
    struct Config {
        /// May replace keys and validators; meant to be a timelock.
        address governance;
        /// Puts the bond up and may take it back after the delay.
        address operator;
        /// Gets what is taken, less the reporter's part.
        address beneficiary;
        /// Contract that holds the network's identity on this chain.
        address networkId;
        address sequencer;
        address system;
        address ledger;
        /// Seconds between the announcement of a withdrawal and the withdrawal.
        uint64 delayS;
        /// Part of the bond that an admitted fault costs, × 10^4.
        uint16 admittedShare4;
        /// Part of what is taken that the reporter gets, × 10^4.
        uint16 reporterShare4;
        OriginValidator[] validators;
    }

    /// @notice The validator whose checkpoints of a chain count here.
    struct OriginValidator {
        uint32 origin;
        address validator;
    }

    error Unauthorised(address caller, address expected);
    /// @notice The objects do not contradict each other.
    error NoContradiction(uint64 slotA, uint64 slotB);
    /// @notice An object was signed by somebody else.
    error WrongSigner(address signer, address expected);
    /// @notice The slot with these receipts is not in that batch.
    error NotPosted(uint256 batch, uint64 slot);
    /// @notice The checkpoint is of another index than the message's nonce, or of another chain.
    error WrongCheckpoint(uint32 index, uint32 nonce);
    error AlreadyJudged(bytes32 what);
    error NothingAnnounced();
    error TooEarly(uint256 nowS, uint256 fromS);
    error BondTooSmall(uint256 asked, uint256 bondWei);
    error ShareTooLarge(uint16 given, uint16 limit);

    event Bonded(address indexed from, uint256 amountWei, uint256 bondWei);
    event WithdrawalAnnounced(uint256 amountWei, uint256 fromS);
    event Withdrawn(address indexed to, uint256 amountWei);
    /// @notice The bond was taken: by two receipts, by a receipt and a posted slot, or by a forged delivery.
    event Slashed(
        bytes32 indexed what,
        address indexed reporter,
        uint256 takenWei,
        uint256 rewardWei
    );
    /// @notice The sequencer said itself that it signed what was not so.
    event FaultAdmitted(uint64 indexed slot, bytes32 reasonHash, uint256 takenWei);
    event KeysSet(address sequencer, address system);
    event ValidatorSet(uint32 indexed origin, address validator);

    /// @notice Adds to the bond.
    function deposit() external payable;

    /// @notice Announces that an amount will be taken back; operator only. A later announcement replaces it.
    function announceWithdrawal(uint256 amountWei) external;

    /// @notice Takes back what was announced, once the delay is over; operator only.
    function withdraw(address payable to) external;

    /// @notice Takes the bond: two roots of receipts for one slot (I8).
    function slashTwoReceipts(
        SlotReceipts calldata a,
        bytes calldata signatureA,
        SlotReceipts calldata b,
        bytes calldata signatureB
    ) external;

    /// @notice Takes the bond: receipts for a slot that was posted with others (I8).
    function slashAgainstPosted(
        SlotReceipts calldata receipts,
        bytes calldata signature,
        uint256 batch,
        bytes32 slotHash,
        bytes32 postedRoot,
        bytes32[] calldata branch
    ) external;

    /// @notice Takes the bond: the system key delivered a message, and the origin's validator signed another one at
    /// its nonce (V25).
    function slashForgedDelivery(
        SignedDelivery calldata delivery,
        Checkpoint calldata checkpoint
    ) external;

    /// @notice Admits that a slot was posted with another result than its receipts promise, by an honest bug: costs a
    /// part of the bond, and the posted slot takes no more. Operator only, and before anybody proved it. Whoever
    /// signed two roots for a slot had no bug: that is never excused.
    function admitFault(uint64 slot, bytes32 reasonHash) external;

    /// @notice The bond, in wei.
    function bondWei() external view returns (uint256);

    /// @notice Says whether a slot's receipts took the bond.
    function isSlotJudged(uint64 slot) external view returns (bool);

    /// @notice Says whether the operator admitted a slot's fault.
    function isFaultAdmitted(uint64 slot) external view returns (bool);

    function validatorOf(uint32 origin) external view returns (address);

    /// @notice Replaces the keys whose objects count; governance only.
    function setKeys(address sequencer, address system) external;

    /// @notice Replaces the validator of a chain; governance only.
    function setValidator(uint32 origin, address validator) external;
}
