// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {SlotInbox} from "../../../contracts/sequencing/SlotInbox.sol";
import {ISlotInbox} from "../../../contracts/sequencing/ISlotInbox.sol";
import {LateProxy} from "../fakes/LateProxy.sol";
import {PoolFixture} from "../pool/PoolFixture.sol";

/// @dev Results that a bundle's leg on one rollup hands to a later leg on another.
contract SlotInboxTest is PoolFixture {
    bytes32 private constant LABEL = keccak256("quote");
    address private constant SENDER = address(0x5E4D);
    SlotInbox private inbox;

    function setUp() public {
        setUpPool();
        inbox = SlotInbox(address(new LateProxy(address(new SlotInbox()))));
        inbox.initialize(address(hubSlots));
    }

    function test_anItemIsTakenOnceByItsRecipientInItsSlot() public {
        openSlot();
        put(address(this), LABEL, "seven");
        assertTrue(inbox.has(ALPHA, SENDER, address(this), LABEL), "there");
        vm.prank(SENDER);
        vm.expectPartialRevert(ISlotInbox.NoItem.selector);
        inbox.take(ALPHA, SENDER, LABEL);
        vm.expectPartialRevert(ISlotInbox.NoItem.selector);
        inbox.take(BETA, SENDER, LABEL);

        assertEq(keccak256(inbox.take(ALPHA, SENDER, LABEL)), keccak256("seven"), "data");
        assertTrue(!inbox.has(ALPHA, SENDER, address(this), LABEL), "taken");
        vm.expectPartialRevert(ISlotInbox.NoItem.selector);
        inbox.take(ALPHA, SENDER, LABEL);
    }

    function test_anItemIsGoneWithItsSlot() public {
        openSlot();
        put(address(this), LABEL, "seven");
        openSlot();
        assertTrue(!inbox.has(ALPHA, SENDER, address(this), LABEL), "gone");
        vm.expectPartialRevert(ISlotInbox.NoItem.selector);
        inbox.take(ALPHA, SENDER, LABEL);
        put(address(this), LABEL, "8");
        assertEq(keccak256(inbox.take(ALPHA, SENDER, LABEL)), keccak256("8"), "of this slot");
    }

    function test_onlyTheSystemKeyPuts() public {
        openSlot();
        vm.expectPartialRevert(ISlotInbox.NotSystem.selector);
        inbox.putInbox(ALPHA, SENDER, address(this), LABEL, "seven");
    }

    function test_itemsAreBoundedInNumberAndSize() public {
        openSlot();
        for (uint256 i = 0; i < 32; ++i) {
            put(address(this), bytes32(i + 1), new bytes(1024));
        }
        vm.prank(SYSTEM);
        vm.expectRevert(abi.encodeWithSelector(ISlotInbox.InboxFull.selector, 32));
        inbox.putInbox(ALPHA, SENDER, address(this), LABEL, "more");
        assertEq(inbox.take(ALPHA, SENDER, bytes32(uint256(32))).length, 1024, "the last one");
        vm.expectRevert(abi.encodeWithSelector(ISlotInbox.ItemTooLarge.selector, 1025, 1024));
        inbox.send(ALPHA, SENDER, LABEL, new bytes(1025));
    }

    function test_aSecondInitialiseIsRefused() public {
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        inbox.initialize(address(this));
    }

    function put(address recipient, bytes32 label, bytes memory data) private {
        vm.prank(SYSTEM);
        inbox.putInbox(ALPHA, SENDER, recipient, label, data);
    }
}
