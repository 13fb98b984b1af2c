// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Hands results from a leg on one rollup to a later leg of its bundle on another, inside one slot.
/// @dev A signed transaction cannot know what an earlier leg will give. That leg's contract puts it here; the system
/// key puts it into the inbox of the destination, directly after that leg and before the bundle's later ones; the
/// contract that needs it takes it there.
/// @dev The sequencer alone vouches for an item within its slot, and followers reject a slot whose inbox has what no
/// outbox sent (I14). A contract that lets custody go asks for a message of validators, never for this.
interface ISlotInbox {
    /// @notice Someone other than the system key called.
    error NotSystem(address caller, address system);
    /// @notice An item is larger than what the inbox holds.
    error ItemTooLarge(uint256 given, uint256 limit);
    /// @notice The slot's items are as many as the inbox holds.
    error InboxFull(uint256 limit);
    /// @notice No such item is in the inbox of the open slot, or it was taken.
    error NoItem(uint32 origin, address sender, address recipient, bytes32 label);

    /// @notice An item leaves for the inbox of another rollup.
    event ItemSent(
        address indexed sender,
        uint32 indexed destination,
        address indexed recipient,
        bytes32 label,
        bytes data
    );

    /// @notice An item came from the outbox of another rollup.
    event ItemPut(
        uint32 indexed origin,
        address indexed sender,
        address indexed recipient,
        bytes32 label
    );

    /// @notice Sends an item to a contract on another rollup; it is there for the rest of the slot alone.
    /// @param label What the recipient asks for it by.
    function send(
        uint32 destination,
        address recipient,
        bytes32 label,
        bytes calldata data
    ) external;

    /// @notice Puts an item of this slot into the inbox; system key only.
    function putInbox(
        uint32 origin,
        address sender,
        address recipient,
        bytes32 label,
        bytes calldata data
    ) external;

    /// @notice Takes an item that was sent to the caller in this slot, once.
    function take(
        uint32 origin,
        address sender,
        bytes32 label
    ) external returns (bytes memory data);

    /// @notice Says whether an item is in the inbox and not taken.
    function has(
        uint32 origin,
        address sender,
        address recipient,
        bytes32 label
    ) external view returns (bool);

    function slotContext() external view returns (address);
}
