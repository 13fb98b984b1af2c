// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {BundleInbox} from "../../../contracts/l1/BundleInbox.sol";
import {IBundleInbox} from "../../../contracts/l1/IBundleInbox.sol";
import {BundleIntent, IntentCall} from "../../../contracts/types/Intents.sol";
import {TestBase} from "../TestBase.sol";

/// @dev The inbox: whole bundles in order, for a fee, within limits.
contract BundleInboxTest is TestBase {
    address private constant GOVERNANCE = address(0x60);
    uint256 private constant BASE = 1000;
    bytes private constant SIGNATURE = hex"aabbcc";

    BundleInbox private inbox;

    function setUp() public {
        IBundleInbox.Config memory config = IBundleInbox.Config(
            GOVERNANCE,
            IBundleInbox.Fees(uint96(BASE), 10, 2)
        );
        bytes memory init = abi.encodeCall(BundleInbox.initialize, (config));
        inbox = BundleInbox(address(new ERC1967Proxy(address(new BundleInbox()), init)));
        vm.deal(address(this), 100 ether);
        vm.warp(1000);
    }

    function test_bundlesGetPlacesInTheirOrder() public {
        for (uint256 i = 0; i < 3; ++i) {
            BundleIntent memory intent = intentOf(2, 10, 100);
            intent.nonce = i;
            uint256 feeWei = inbox.quote(intent, SIGNATURE);
            assertEq(inbox.force{value: feeWei}(intent, SIGNATURE), i, "place");
        }
        assertEq(inbox.count(), 3, "count");
        assertTrue(inbox.intentHashAt(0) != inbox.intentHashAt(1), "each its own");
        assertEq(inbox.intentHashAt(3), bytes32(0), "no more");
    }

    function testFuzz_thePriceGrowsWithBytesAndGas(uint8 bytes_, uint16 gas) public {
        BundleIntent memory intent = intentOf(2, bytes_, gas);
        uint256 expected = BASE + (2 * uint256(bytes_) + 3) * 10 + 2 * uint256(gas) * 2;
        assertEq(inbox.quote(intent, SIGNATURE), expected, "quote");
        vm.expectRevert(
            abi.encodeWithSelector(IBundleInbox.FeeTooLow.selector, expected - 1, expected)
        );
        inbox.force{value: expected - 1}(intent, SIGNATURE);
    }

    function test_limitsHold() public {
        expectRefused(intentOf(0, 0, 0), IBundleInbox.BadCallCount.selector);
        expectRefused(intentOf(17, 0, 0), IBundleInbox.BadCallCount.selector);
        expectRefused(intentOf(1, 24 * 1024, 0), IBundleInbox.TooLong.selector);
        expectRefused(intentOf(16, 0, 2_000_000), IBundleInbox.TooMuchGas.selector);
        BundleIntent memory late = intentOf(1, 0, 0);
        late.deadlineS = 999;
        expectRefused(late, IBundleInbox.Expired.selector);
    }

    function test_aBlockTakesSixteen() public {
        BundleIntent memory intent = intentOf(1, 0, 0);
        for (uint256 i = 0; i < 16; ++i) {
            inbox.force{value: 1 ether}(intent, SIGNATURE);
        }
        expectRefused(intent, IBundleInbox.BlockFull.selector);
        vm.roll(block.number + 1);
        assertEq(inbox.force{value: 1 ether}(intent, SIGNATURE), 16, "the next block has room");
    }

    function test_onlyGovernanceSetsFeesAndCollects() public {
        inbox.force{value: 1 ether}(intentOf(1, 0, 0), SIGNATURE);
        vm.expectPartialRevert(IBundleInbox.Unauthorised.selector);
        inbox.collect(payable(address(0xFEE)));
        vm.expectPartialRevert(IBundleInbox.Unauthorised.selector);
        inbox.setFees(IBundleInbox.Fees(0, 0, 0));
        vm.startPrank(GOVERNANCE);
        inbox.collect(payable(address(0xFEE)));
        inbox.setFees(IBundleInbox.Fees(0, 0, 0));
        vm.stopPrank();
        assertEq(address(0xFEE).balance, 1 ether, "collected");
        assertEq(inbox.quote(intentOf(1, 9, 9), SIGNATURE), 0, "free now");
    }

    function expectRefused(BundleIntent memory intent, bytes4 selector) private {
        vm.expectPartialRevert(selector);
        inbox.force{value: 1 ether}(intent, SIGNATURE);
    }

    function intentOf(
        uint256 calls,
        uint256 length,
        uint64 gas
    ) private pure returns (BundleIntent memory intent) {
        intent.owner = address(0xA11CE);
        intent.deadlineS = 2000;
        intent.calls = new IntentCall[](calls);
        for (uint256 i = 0; i < calls; ++i) {
            intent.calls[i] = IntentCall(902, address(0x7A), gas, new bytes(length));
        }
    }
}
