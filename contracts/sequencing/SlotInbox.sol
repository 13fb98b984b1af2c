// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {ISlotContext} from "./ISlotContext.sol";
import {ISlotInbox} from "./ISlotInbox.sol";

/// @title Hands results from a leg on one rollup to a later leg of its bundle on another, inside one slot.
/// @dev Invariant: an item is taken at most once, by its recipient, in the slot in which it was put.
/// @dev Invariant: storage is bounded: the places of items are used again in every slot.
contract SlotInbox is ISlotInbox, Initializable {
    /// @custom:storage-location erc7201:tandem.storage.SlotInbox
    struct Layout {
        address slotContext;
        /// @dev Slot that the items are of.
        uint64 slot;
        uint32 count;
        /// @dev Names of the items; zero for one that was taken.
        mapping(uint256 place => bytes32) keys;
        mapping(uint256 place => bytes) data;
    }

    uint256 private constant ITEMS_MAX = 32;
    uint256 private constant ITEM_BYTES_MAX = 1024;

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.SlotInbox")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant LAYOUT_SLOT =
        0x978a704d61a5dabc84ddf911139e2a635b70b4551f80776110446e2d47f10100;

    constructor() {
        _disableInitializers();
    }

    /// @notice Names the slot context of this chain, once.
    function initialize(address slotContext_) external initializer {
        _layout().slotContext = slotContext_;
    }

    /// @inheritdoc ISlotInbox
    function send(
        uint32 destination,
        address recipient,
        bytes32 label,
        bytes calldata data
    ) external override {
        if (data.length > ITEM_BYTES_MAX) revert ItemTooLarge(data.length, ITEM_BYTES_MAX);
        emit ItemSent(msg.sender, destination, recipient, label, data);
    }

    /// @inheritdoc ISlotInbox
    function putInbox(
        uint32 origin,
        address sender,
        address recipient,
        bytes32 label,
        bytes calldata data
    ) external override {
        Layout storage s = _layout();
        ISlotContext context = ISlotContext(s.slotContext);
        address system = context.system();
        if (msg.sender != system) revert NotSystem(msg.sender, system);
        if (data.length > ITEM_BYTES_MAX) revert ItemTooLarge(data.length, ITEM_BYTES_MAX);
        uint64 slot = context.slot();
        uint256 place = s.slot == slot ? s.count : 0;
        if (place == ITEMS_MAX) revert InboxFull(ITEMS_MAX);

        s.slot = slot;
        s.count = uint32(place + 1);
        s.keys[place] = _key(origin, sender, recipient, label);
        s.data[place] = data;
        emit ItemPut(origin, sender, recipient, label);
    }

    /// @inheritdoc ISlotInbox
    function take(
        uint32 origin,
        address sender,
        bytes32 label
    ) external override returns (bytes memory data) {
        Layout storage s = _layout();
        (bool found, uint256 place) = _find(s, _key(origin, sender, msg.sender, label));
        if (!found) revert NoItem(origin, sender, msg.sender, label);
        s.keys[place] = 0;
        return s.data[place];
    }

    /// @inheritdoc ISlotInbox
    function has(
        uint32 origin,
        address sender,
        address recipient,
        bytes32 label
    ) external view override returns (bool found) {
        (found, ) = _find(_layout(), _key(origin, sender, recipient, label));
    }

    /// @inheritdoc ISlotInbox
    function slotContext() external view override returns (address) {
        return _layout().slotContext;
    }

    function _find(Layout storage s, bytes32 key) private view returns (bool found, uint256 place) {
        if (s.slot != ISlotContext(s.slotContext).slot()) return (false, 0);
        uint256 count = s.count;
        for (uint256 i = 0; i < count; ++i) {
            if (s.keys[i] == key) return (true, i);
        }
    }

    function _key(
        uint32 origin,
        address sender,
        address recipient,
        bytes32 label
    ) private pure returns (bytes32) {
        return keccak256(abi.encode(origin, sender, recipient, label));
    }

    function _layout() private pure returns (Layout storage s) {
        assembly {
            s.slot := LAYOUT_SLOT
        }
    }
}
