// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {NetworkDomain} from "../libraries/NetworkDomain.sol";
import {INetworkId} from "../sequencing/INetworkId.sol";
import {ISlotLedger, SlotBatch} from "./ISlotLedger.sol";

/// @title The sequencer's log on settlement: every slot's data once, in order, under the sequencer's signature.
/// @dev Invariant: the batches' slots are contiguous from 0, and each batch's parent is the tip before it; so
/// whoever posts twice, or after a gap, changes nothing.
/// @dev Invariant: what was posted does not change.
contract SlotLedger is ISlotLedger, Initializable {
    /// @custom:storage-location erc7201:tandem.storage.SlotLedger
    struct Layout {
        address governance;
        address networkId;
        address sequencer;
        uint64 nextSlot;
        bytes32 tipHash;
        bytes32[] slotsRoots;
    }

    uint32 private constant SLOTS_MAX = 4096;
    uint256 private constant DATA_BYTES_MAX = 2 * 1024 * 1024;

    bytes32 private constant BATCH_TYPEHASH = keccak256(
        "SlotBatch(uint64 firstSlot,uint32 count,bytes32 parentHash,bytes32 tipHash,bytes32 slotsRoot,bytes32 dataHash)"
    );

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.SlotLedger")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant LAYOUT_SLOT =
        0xca348bfdc8c850e45a7417cfd206e23982a5e4e54b860208ec5b15d9bacc3900;

    constructor() {
        _disableInitializers();
    }

    /// @notice Sets roles, once.
    function initialize(Config calldata config) external initializer {
        Layout storage s = _layout();
        s.governance = config.governance;
        s.networkId = config.networkId;
        s.sequencer = config.sequencer;
        emit SequencerSet(config.sequencer);
    }

    /// @inheritdoc ISlotLedger
    function post(
        SlotBatch calldata batch,
        bytes calldata data,
        bytes calldata signature
    ) external override {
        Layout storage s = _layout();
        if (batch.firstSlot != s.nextSlot) revert NotNext(batch.firstSlot, s.nextSlot);
        if (batch.parentHash != s.tipHash) revert WrongParent(batch.parentHash, s.tipHash);
        if (batch.count == 0 || batch.count > SLOTS_MAX) revert BadCount(batch.count, SLOTS_MAX);
        if (data.length == 0 || data.length > DATA_BYTES_MAX) {
            revert BadLength(data.length, DATA_BYTES_MAX);
        }
        address signer = ECDSA.recover(_digest(s, batch, data), signature);
        if (signer != s.sequencer) revert NotSequencer(signer, s.sequencer);

        s.nextSlot = batch.firstSlot + batch.count;
        s.tipHash = batch.tipHash;
        uint256 index = s.slotsRoots.length;
        s.slotsRoots.push(batch.slotsRoot);
        emit Posted(index, batch.firstSlot, batch.count, batch.tipHash, batch.slotsRoot);
    }

    /// @inheritdoc ISlotLedger
    function setSequencer(address newSequencer) external override {
        Layout storage s = _layout();
        if (msg.sender != s.governance) revert Unauthorised(msg.sender, s.governance);
        s.sequencer = newSequencer;
        emit SequencerSet(newSequencer);
    }

    /// @inheritdoc ISlotLedger
    function nextSlot() external view override returns (uint64) {
        return _layout().nextSlot;
    }

    /// @inheritdoc ISlotLedger
    function tipHash() external view override returns (bytes32) {
        return _layout().tipHash;
    }

    /// @inheritdoc ISlotLedger
    function batchCount() external view override returns (uint256) {
        return _layout().slotsRoots.length;
    }

    /// @inheritdoc ISlotLedger
    function slotsRoot(uint256 batch) public view override returns (bytes32) {
        bytes32[] storage roots = _layout().slotsRoots;
        return batch < roots.length ? roots[batch] : bytes32(0);
    }

    /// @inheritdoc ISlotLedger
    function sequencer() external view override returns (address) {
        return _layout().sequencer;
    }

    /// @inheritdoc ISlotLedger
    function governance() external view override returns (address) {
        return _layout().governance;
    }

    /// @inheritdoc ISlotLedger
    function isPosted(
        uint256 batch,
        uint64 slot,
        bytes32 slotHash,
        bytes32 receiptRoot,
        bytes32[] calldata branch
    ) external view override returns (bool) {
        bytes32 root = slotsRoot(batch);
        if (root == 0) return false;
        bytes32 leaf = keccak256(
            abi.encodePacked(keccak256(abi.encode(slot, slotHash, receiptRoot)))
        );
        return MerkleProof.processProofCalldata(branch, leaf) == root;
    }

    function _digest(
        Layout storage s,
        SlotBatch calldata batch,
        bytes calldata data
    ) private view returns (bytes32) {
        bytes32 structHash = keccak256(abi.encode(BATCH_TYPEHASH, batch, keccak256(data)));
        return NetworkDomain.digest(INetworkId(s.networkId).logId(), structHash);
    }

    function _layout() private pure returns (Layout storage s) {
        assembly {
            s.slot := LAYOUT_SLOT
        }
    }
}
