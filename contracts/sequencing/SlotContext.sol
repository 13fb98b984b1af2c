// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {IMailbox} from "../messaging/IMailbox.sol";
import {IBundleExecutor} from "./IBundleExecutor.sol";
import {ISlotContext} from "./ISlotContext.sol";

/// @title What the log says about the slot that this chain executes.
/// @dev Invariant: slot and time strictly increase; keys of earlier slots are not listed.
/// @dev Invariant: storage is bounded: it holds the keys of the open slot and at most `KEYS_MAX` words besides.
contract SlotContext is ISlotContext, Initializable {
    /// @custom:storage-location erc7201:tandem.storage.SlotContext
    struct Layout {
        address system;
        address governance;
        uint64 slot;
        uint64 timestampMs;
        /// @dev How many words of `keys` belong to the open slot; those behind are left over and reused.
        uint32 keyCount;
        mapping(uint256 index => bytes32) keys;
        mapping(bytes32 key => uint256 kind) kinds;
        address executor;
    }

    uint256 private constant KEYS_MAX = 1024;
    uint256 private constant KIND_BUNDLE = 1;
    uint256 private constant KIND_JOINT = 2;

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.SlotContext")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant LAYOUT_SLOT =
        0x958e26d69941841aa79b0a3655e55ef18f80d6b3d83f08dc201b794852eac400;

    /// @inheritdoc ISlotContext
    bytes32 public transient override delivering;

    constructor() {
        _disableInitializers();
    }

    modifier onlySystem() {
        address expected = _layout().system;
        if (msg.sender != expected) revert NotSystem(msg.sender, expected);
        _;
    }

    /// @notice Names the key that opens slots, who may replace it, and the contract that runs intents.
    function initialize(
        address system_,
        address governance_,
        address executor_
    ) external initializer {
        _layout().system = system_;
        _layout().governance = governance_;
        _layout().executor = executor_;
        emit SystemSet(system_);
    }

    /// @inheritdoc ISlotContext
    function open(
        uint64 newSlot,
        uint64 newTimestampMs,
        bytes32[] calldata bundleKeys,
        bytes32[] calldata jointKeys
    ) external override onlySystem {
        Layout storage s = _layout();
        if (newSlot <= s.slot) revert SlotNotAfter(newSlot, s.slot);
        if (newTimestampMs <= s.timestampMs) revert TimeNotAfter(newTimestampMs, s.timestampMs);
        uint256 count = bundleKeys.length + jointKeys.length;
        if (count > KEYS_MAX) revert TooManyKeys(count, KEYS_MAX);

        uint256 old = s.keyCount;
        for (uint256 i = 0; i < old; ++i) {
            delete s.kinds[s.keys[i]];
        }
        _list(s, bundleKeys, KIND_BUNDLE, 0);
        _list(s, jointKeys, KIND_JOINT, bundleKeys.length);
        s.slot = newSlot;
        s.timestampMs = newTimestampMs;
        s.keyCount = uint32(count);
        emit SlotOpened(newSlot, newTimestampMs, bundleKeys.length, jointKeys.length);
    }

    /// @inheritdoc ISlotContext
    function deliver(address mailbox, bytes calldata message) external override onlySystem {
        delivering = keccak256(message);
        IMailbox(mailbox).process("", message);
        delivering = 0;
    }

    /// @inheritdoc ISlotContext
    function setSystem(address newSystem) external override {
        Layout storage s = _layout();
        if (msg.sender != s.governance) revert Unauthorised(msg.sender, s.governance);
        s.system = newSystem;
        emit SystemSet(newSystem);
    }

    /// @inheritdoc ISlotContext
    function system() external view override returns (address) {
        return _layout().system;
    }

    /// @inheritdoc ISlotContext
    function executor() external view override returns (address) {
        return _layout().executor;
    }

    /// @inheritdoc ISlotContext
    function actorOf(address caller) external view override returns (address) {
        if (caller != _layout().executor) return caller;
        return IBundleExecutor(caller).actingFor();
    }

    /// @inheritdoc ISlotContext
    function slot() external view override returns (uint64) {
        return _layout().slot;
    }

    /// @inheritdoc ISlotContext
    function timestampMs() external view override returns (uint64) {
        return _layout().timestampMs;
    }

    /// @inheritdoc ISlotContext
    function isListed(bytes32 bundleKey) external view override returns (bool) {
        return _layout().kinds[bundleKey] == KIND_BUNDLE;
    }

    /// @inheritdoc ISlotContext
    function isJoint(bytes32 jointKey) external view override returns (bool) {
        return _layout().kinds[jointKey] == KIND_JOINT;
    }

    function _list(Layout storage s, bytes32[] calldata keys, uint256 kind, uint256 at) private {
        for (uint256 i = 0; i < keys.length; ++i) {
            s.keys[at + i] = keys[i];
            s.kinds[keys[i]] = kind;
        }
    }

    function _layout() private pure returns (Layout storage s) {
        assembly {
            s.slot := LAYOUT_SLOT
        }
    }
}
