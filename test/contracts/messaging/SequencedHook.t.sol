// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {ISequencedHook} from "../../../contracts/messaging/ISequencedHook.sol";
import {SequencedHook} from "../../../contracts/messaging/SequencedHook.sol";
import {TestBase} from "../TestBase.sol";

/// @dev Delivery in the slot is gas limit × price; who pays less is not delivered there, and gets it all back.
contract SequencedHookTest is TestBase {
    address private constant OWNER = address(0x60);
    address private constant BENEFICIARY = address(0xBE);
    address private constant SENDER = address(0xA11CE);
    uint32 private constant BETA = 903;
    uint64 private constant PRICE = 2 gwei;

    SequencedHook private hook;

    event DeliveryBought(
        bytes32 indexed messageId,
        uint32 indexed destination,
        uint256 gasLimit,
        uint256 paidWei
    );

    function setUp() public {
        ISequencedHook.Config memory c;
        c.owner = OWNER;
        c.beneficiary = BENEFICIARY;
        c.terms = ISequencedHook.Terms(PRICE, 100_000, 1_000_000);
        c.destinations = new uint32[](1);
        c.destinations[0] = BETA;
        bytes memory init = abi.encodeCall(SequencedHook.initialize, (c));
        hook = SequencedHook(address(new ERC1967Proxy(address(new SequencedHook()), init)));
        vm.deal(address(this), 100 ether);
    }

    function test_whoNamesNoGasPaysForTheDefault() public {
        bytes memory message = messageTo(BETA);
        uint256 feeWei = hook.quoteDispatch("", message);
        assertEq(feeWei, 100_000 * uint256(PRICE), "quote");
        assertEq(hook.protocolFee(), feeWei, "as Hyperlane's tools read it");
        vm.expectEmit();
        emit DeliveryBought(keccak256(message), BETA, 100_000, feeWei);
        hook.postDispatch{value: feeWei + 7}("", message);
        assertEq(SENDER.balance, 7, "the rest comes back");
        hook.collectProtocolFees();
        assertEq(BENEFICIARY.balance, feeWei, "collected");
    }

    function testFuzz_theFeeIsGasTimesPrice(uint256 gasLimit, address payable to) public view {
        gasLimit = bound(gasLimit, 0, 2_000_000);
        uint256 feeWei = hook.quoteDispatch(metadata(gasLimit, to), messageTo(BETA));
        assertEq(feeWei, gasLimit <= 1_000_000 ? gasLimit * PRICE : 0, "fee");
    }

    function test_whatIsNotPaidForIsNotBoughtAndCostsNothing() public {
        bytes memory message = messageTo(BETA);
        vm.recordLogs();
        hook.postDispatch{value: 1}("", message);
        // More gas than a slot gives; a chain that is not sequenced.
        hook.postDispatch{value: 1 ether}(metadata(1_000_001, SENDER), message);
        hook.postDispatch{value: 1 ether}("", messageTo(990));
        assertEq(hook.quoteDispatch("", messageTo(990)), 0, "no fee elsewhere");
        assertEq(SENDER.balance, 2 ether + 1, "all of it came back");
        assertEq(address(hook).balance, 0, "nothing kept");
    }

    function test_theRestGoesToWhomTheMetadataNames() public {
        hook.postDispatch{value: 1 ether}(metadata(0, address(0x4E)), messageTo(BETA));
        assertEq(address(0x4E).balance, 1 ether, "refund");
    }

    function test_metadataThatPaysInATokenIsRefused() public {
        bytes memory token = abi.encodePacked(metadata(1, SENDER), address(0x70));
        assertTrue(!hook.supportsMetadata(token), "token");
        assertTrue(!hook.supportsMetadata(hex"0002"), "variant");
        bytes memory message = messageTo(BETA);
        vm.expectPartialRevert(ISequencedHook.MetadataUnknown.selector);
        hook.quoteDispatch(token, message);
        vm.expectPartialRevert(ISequencedHook.MetadataUnknown.selector);
        hook.postDispatch(token, message);
    }

    function test_termsAreTheOwnersWithinABound() public {
        ISequencedHook.Terms memory t = ISequencedHook.Terms(1, 1, 1);
        vm.expectPartialRevert(ISequencedHook.Unauthorised.selector);
        hook.setTerms(t);
        vm.expectPartialRevert(ISequencedHook.Unauthorised.selector);
        hook.setDestination(BETA, false);
        vm.startPrank(OWNER);
        t.gasDefault = 2;
        vm.expectPartialRevert(ISequencedHook.GasAboveLimit.selector);
        hook.setTerms(t);
        t = ISequencedHook.Terms(1_000 gwei, 1, 1_000_000);
        vm.expectPartialRevert(ISequencedHook.FeeTooHigh.selector);
        hook.setTerms(t);
        hook.setDestination(BETA, false);
        vm.stopPrank();
        assertEq(hook.quoteDispatch("", messageTo(BETA)), 0, "no longer sold");
    }

    function messageTo(uint32 destination) private pure returns (bytes memory) {
        bytes32 sender = bytes32(uint256(uint160(SENDER)));
        return abi.encodePacked(uint8(3), uint32(4), uint32(902), sender, destination, sender, "x");
    }

    function metadata(uint256 gasLimit, address refund) private pure returns (bytes memory) {
        return abi.encodePacked(uint16(1), uint256(0), gasLimit, refund);
    }
}
