// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {ISlotContext} from "../../../contracts/sequencing/ISlotContext.sol";
import {PoolFixture} from "../pool/PoolFixture.sol";

/// @dev Slots, their keys, and delivery by the system key.
contract SlotContextTest is PoolFixture {
    bytes32 private constant KEY = keccak256("bundle");
    bytes32 private constant JOINT = keccak256("joint");

    function setUp() public {
        setUpPool();
    }

    function test_onlyTheSystemKeyOpensAndDelivers() public {
        vm.expectPartialRevert(ISlotContext.NotSystem.selector);
        hubSlots.open(100, START_MS * 2, none(), none());
        vm.expectPartialRevert(ISlotContext.NotSystem.selector);
        hubSlots.deliver(address(hubMailbox), "");
    }

    function test_slotAndTimeStrictlyIncrease() public {
        uint64 nowMs = hubSlots.timestampMs();
        vm.startPrank(SYSTEM);
        vm.expectRevert(abi.encodeWithSelector(ISlotContext.SlotNotAfter.selector, slot, slot));
        hubSlots.open(slot, nowMs + 1, none(), none());
        vm.expectRevert(abi.encodeWithSelector(ISlotContext.TimeNotAfter.selector, nowMs, nowMs));
        hubSlots.open(slot + 1, nowMs, none(), none());
    }

    function test_keysAreListedInTheirSlotOnly() public {
        openSlot(one(KEY), one(JOINT));
        assertTrue(hubSlots.isListed(KEY), "bundle listed");
        assertTrue(hubSlots.isJoint(JOINT), "joint listed");
        assertTrue(!hubSlots.isJoint(KEY) && !hubSlots.isListed(JOINT), "kinds stay apart");
        openSlot();
        assertTrue(!hubSlots.isListed(KEY) && !hubSlots.isJoint(JOINT), "forgotten");
    }

    function testFuzz_onlyTheLastSlotsKeysAreListed(uint8 first, uint8 second) public {
        (uint256 a, uint256 b) = (bound(first, 0, 20), bound(second, 0, 20));
        openSlot(many("a", a), none());
        openSlot(many("b", b), none());
        for (uint256 i = 0; i < a; ++i) {
            assertTrue(!hubSlots.isListed(keyOf("a", i)), "old key");
        }
        for (uint256 i = 0; i < b; ++i) {
            assertTrue(hubSlots.isListed(keyOf("b", i)), "new key");
        }
    }

    /// @dev The sequencer gives an opening ten million gas besides what its own keys may cost.
    function test_openingAfterAFullSlotStaysBelowItsGas() public {
        openSlot(many("a", 1024), none());
        uint64 nowMs = hubSlots.timestampMs();
        vm.prank(SYSTEM);
        hubSlots.open{gas: 9_000_000}(slot + 1, nowMs + 1, none(), none());
        assertTrue(!hubSlots.isListed(keyOf("a", 1023)), "forgotten");
    }

    function test_moreKeysThanTheLimitAreRefused() public {
        vm.prank(SYSTEM);
        vm.expectRevert(abi.encodeWithSelector(ISlotContext.TooManyKeys.selector, 1025, 1024));
        hubSlots.open(slot + 1, START_MS * 2, many("a", 1024), one(KEY));
    }

    function test_nothingIsBeingDeliveredOutsideOfADelivery() public {
        address owner = address(0xA11CE);
        fund(alpha, USDC, 1000e6, owner);
        lease(alpha, owner, 10e18);
        assertEq(alpha.slots.delivering(), bytes32(0), "idle");
        vm.prank(owner);
        alpha.credit.giveBack(accountOf(owner), 10e18);
        deliverFast(alpha.mailbox);
        assertEq(hubSlots.delivering(), bytes32(0), "idle after delivery");
        assertEq(book.credit(accountOf(owner), ALPHA), 0, "the message took effect");
    }

    function test_aSecondInitialiseIsRefused() public {
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        hubSlots.initialize(address(this), address(this), address(this));
    }

    function test_onlyGovernanceReplacesTheSystemKey() public {
        vm.expectPartialRevert(ISlotContext.Unauthorised.selector);
        hubSlots.setSystem(address(this));
        vm.prank(GOVERNANCE);
        hubSlots.setSystem(address(this));
        hubSlots.open(slot + 1, START_MS * 2, none(), none());
    }

    function none() private pure returns (bytes32[] memory) {
        return new bytes32[](0);
    }

    function one(bytes32 key) private pure returns (bytes32[] memory keys) {
        keys = new bytes32[](1);
        keys[0] = key;
    }

    function many(string memory name, uint256 count) private pure returns (bytes32[] memory keys) {
        keys = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            keys[i] = keyOf(name, i);
        }
    }

    function keyOf(string memory name, uint256 i) private pure returns (bytes32) {
        return keccak256(abi.encode(name, i));
    }
}
