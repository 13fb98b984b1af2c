// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What the sequencer signs for one batch of slots, besides the hash of its data.
struct SlotBatch {
    /// Height of the first slot in it.
    uint64 firstSlot;
    /// Slots in it, at least 1.
    uint32 count;
    /// Hash of the slot before the first; zero before slot 0.
    bytes32 parentHash;
    /// Hash of the last slot.
    bytes32 tipHash;
    /// Merkle root over its slots, see {ISlotLedger.isPosted}.
    bytes32 slotsRoot;
}

/// @title The sequencer's log on settlement: every slot's data once, in order, under the sequencer's signature.
interface ISlotLedger {
    /// @notice What the ledger is initialised with.
    struct Config {
        /// May replace the sequencer; meant to be a timelock.
        address governance;
        /// Contract that holds the network's identity on this chain.
        address networkId;
        /// Signs batches.
        address sequencer;
    }

    /// @notice A function of a role was called by someone else.
    error Unauthorised(address caller, address expected);
    /// @notice The batch does not begin where the last one ended: it is posted already, or leaves a gap.
    error NotNext(uint64 firstSlot, uint64 expected);
    /// @notice The batch's parent is another slot than the last one posted.
    error WrongParent(bytes32 parentHash, bytes32 expected);
    /// @notice The batch has no slot, or more than the limit.
    error BadCount(uint32 count, uint32 limit);
    /// @notice The batch has no data, or more bytes than the limit.
    error BadLength(uint256 bytesGiven, uint256 limit);
    /// @notice The batch was signed by somebody else.
    error NotSequencer(address signer, address sequencer);

    /// @notice A batch was posted; its data is the calldata of this transaction.
    event Posted(
        uint256 indexed batch,
        uint64 indexed firstSlot,
        uint32 count,
        bytes32 tipHash,
        bytes32 slotsRoot
    );
    event SequencerSet(address indexed sequencer);

    /// @notice Posts the next batch. Anybody may send it: the sequencer's signature over batch and data counts.
    /// @param data Version byte 1, then brotli over the records, each after its length as uint32.
    function post(SlotBatch calldata batch, bytes calldata data, bytes calldata signature) external;

    /// @notice Replaces the key that signs batches; governance only.
    function setSequencer(address sequencer) external;

    /// @notice Height of the next slot to be posted: the number of slots posted so far.
    function nextSlot() external view returns (uint64);

    /// @notice Hash of the last slot posted; zero before slot 0.
    function tipHash() external view returns (bytes32);

    /// @notice Batches posted so far.
    function batchCount() external view returns (uint256);

    /// @notice Merkle root over a batch's slots; zero when there is no such batch.
    function slotsRoot(uint256 batch) external view returns (bytes32);

    function sequencer() external view returns (address);

    function governance() external view returns (address);

    /// @notice Says whether a batch holds a slot with this hash and these receipts.
    /// @param slot Height of the slot.
    /// @param slotHash EIP-712 hash of its header.
    /// @param receiptRoot Merkle root over its receipts; zero for a slot without entries.
    /// @param branch Siblings from the slot's leaf, keccak256(keccak256(abi.encode(slot, slotHash,
    /// receiptRoot))), up to the batch's root; pairs are hashed in ascending order.
    function isPosted(
        uint256 batch,
        uint64 slot,
        bytes32 slotHash,
        bytes32 receiptRoot,
        bytes32[] calldata branch
    ) external view returns (bool);
}
