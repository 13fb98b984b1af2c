// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What the log says about the slot that this chain executes.
/// @dev Invariant: slot and time strictly increase; keys of earlier slots are not listed.
interface ISlotContext {
    /// @notice Someone other than the system key called.
    error NotSystem(address caller, address system);
    /// @notice Slots only go forward.
    error SlotNotAfter(uint64 given, uint64 current);
    /// @notice Time in the log strictly increases.
    error TimeNotAfter(uint64 givenMs, uint64 currentMs);
    /// @notice More keys than one slot may list.
    error TooManyKeys(uint256 given, uint256 limit);
    /// @notice Governance alone may replace the system key.
    error Unauthorised(address caller, address expected);

    event SlotOpened(uint64 indexed slot, uint64 timestampMs, uint256 bundles, uint256 joints);
    event SystemSet(address indexed system);

    /// @notice Opens a slot on this chain; system key only. Keys of the slot before are forgotten.
    /// @param newSlot Height in the log, above the last one opened here.
    /// @param newTimestampMs The slot's time, milliseconds since 1970.
    /// @param bundleKeys keccak256(abi.encode(address sender, bytes32 salt)) of each bundle with a leg here.
    /// @param jointKeys keccak256(abi.encode(address sender, bytes32 salt, bytes32 account)) of each account
    /// whose margin the bundle checks on the hub after all its legs.
    function open(
        uint64 newSlot,
        uint64 newTimestampMs,
        bytes32[] calldata bundleKeys,
        bytes32[] calldata jointKeys
    ) external;

    /// @notice Delivers a message of this slot; system key only. Reverts when the Mailbox does.
    function deliver(address mailbox, bytes calldata message) external;

    /// @notice The key that opens slots.
    function system() external view returns (address);

    /// @notice The contract that runs signed intents in the name of their owners.
    function executor() external view returns (address);

    /// @notice For whom a call by `caller` counts: the owner of the intent that is running when it is the
    /// executor, else the caller itself.
    function actorOf(address caller) external view returns (address);

    /// @notice Height of the open slot; 0 before the first.
    function slot() external view returns (uint64);

    /// @notice Time of the open slot, milliseconds since 1970.
    function timestampMs() external view returns (uint64);

    /// @notice Says whether a bundle has a leg in the open slot.
    function isListed(bytes32 bundleKey) external view returns (bool);

    /// @notice Says whether a bundle of the open slot checks an account's margin on the hub.
    function isJoint(bytes32 jointKey) external view returns (bool);

    /// @notice Id of the message that `deliver` is delivering now; zero outside of it.
    function delivering() external view returns (bytes32 messageId);

    /// @notice Replaces the system key; governance only.
    function setSystem(address newSystem) external;
}
