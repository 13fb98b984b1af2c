// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {ISlotLedger, SlotBatch} from "../../../contracts/l1/ISlotLedger.sol";
import {SlotLedger} from "../../../contracts/l1/SlotLedger.sol";
import {NetworkDomain} from "../../../contracts/libraries/NetworkDomain.sol";
import {TestBase} from "../TestBase.sol";
import {FakeNetworkId} from "../fakes/FakeSlotContext.sol";

/// @dev The log on settlement: in order, once, under the sequencer's signature.
contract SlotLedgerTest is TestBase {
    uint256 private constant SEQUENCER_KEY = 0x5E9;
    address private constant GOVERNANCE = address(0x60);
    bytes32 private constant LOG_ID = keccak256("log");
    bytes private constant DATA = hex"01abcd";

    SlotLedger private ledger;

    function setUp() public {
        FakeNetworkId networkId = new FakeNetworkId(LOG_ID);
        ISlotLedger.Config memory config = ISlotLedger.Config(
            GOVERNANCE,
            address(networkId),
            vm.addr(SEQUENCER_KEY)
        );
        bytes memory init = abi.encodeCall(SlotLedger.initialize, (config));
        ledger = SlotLedger(address(new ERC1967Proxy(address(new SlotLedger()), init)));
    }

    function test_batchesFollowOneAnother() public {
        post(batchAfter(0, 0, 3, "a"));
        post(batchAfter(3, keccak256("a"), 2, "b"));
        assertEq(ledger.nextSlot(), 5, "next slot");
        assertEq(ledger.tipHash(), keccak256("b"), "tip");
        assertEq(ledger.batchCount(), 2, "batches");
    }

    /// @dev Whoever was killed between sending and noting sends again: nothing is posted twice.
    function test_aSecondCopyIsRefused() public {
        SlotBatch memory batch = batchAfter(0, 0, 3, "a");
        post(batch);
        expectRefused(batch, abi.encodeWithSelector(ISlotLedger.NotNext.selector, 0, 3));
    }

    function test_aGapIsRefused() public {
        SlotBatch memory batch = batchAfter(1, 0, 3, "a");
        expectRefused(batch, abi.encodeWithSelector(ISlotLedger.NotNext.selector, 1, 0));
    }

    function test_anotherParentIsRefused() public {
        post(batchAfter(0, 0, 1, "a"));
        SlotBatch memory batch = batchAfter(1, keccak256("x"), 1, "b");
        bytes32 tip = keccak256("a");
        expectRefused(
            batch,
            abi.encodeWithSelector(ISlotLedger.WrongParent.selector, keccak256("x"), tip)
        );
    }

    function test_countAndLengthAreBounded() public {
        SlotBatch memory none = batchAfter(0, 0, 0, "a");
        expectRefused(none, abi.encodeWithSelector(ISlotLedger.BadCount.selector, 0, 4096));
        SlotBatch memory many = batchAfter(0, 0, 4097, "a");
        expectRefused(many, abi.encodeWithSelector(ISlotLedger.BadCount.selector, 4097, 4096));
        SlotBatch memory empty = batchAfter(0, 0, 1, "a");
        bytes memory signature = sign(SEQUENCER_KEY, empty, "");
        vm.expectPartialRevert(ISlotLedger.BadLength.selector);
        ledger.post(empty, "", signature);
    }

    function testFuzz_onlyTheSequencersSignatureOverBatchAndDataCounts(uint8 field) public {
        SlotBatch memory batch = batchAfter(0, 0, 2, "a");
        bytes memory signature = sign(SEQUENCER_KEY, batch, DATA);
        bytes memory data = DATA;
        uint256 which = field % 4;
        if (which == 0) batch.count = 3;
        if (which == 1) batch.tipHash = keccak256("other");
        if (which == 2) batch.slotsRoot = keccak256("other");
        if (which == 3) data = hex"01abce";
        vm.expectPartialRevert(ISlotLedger.NotSequencer.selector);
        ledger.post(batch, data, signature);
    }

    function test_aStrangersSignatureIsRefused() public {
        SlotBatch memory batch = batchAfter(0, 0, 1, "a");
        bytes memory signature = sign(0xBAD, batch, DATA);
        vm.expectRevert(
            abi.encodeWithSelector(
                ISlotLedger.NotSequencer.selector,
                vm.addr(0xBAD),
                vm.addr(SEQUENCER_KEY)
            )
        );
        ledger.post(batch, DATA, signature);
    }

    function test_aPostedSlotIsProvenByItsBranch() public {
        bytes32 first = leafOf(0, "s0", "r0");
        bytes32 second = leafOf(1, "s1", "r1");
        SlotBatch memory batch = batchAfter(0, 0, 2, "s1");
        batch.slotsRoot = pair(first, second);
        post(batch);
        bytes32[] memory branch = new bytes32[](1);
        branch[0] = first;
        (bytes32 slot, bytes32 receipts) = (keccak256("s1"), keccak256("r1"));
        assertTrue(ledger.isPosted(0, 1, slot, receipts, branch), "posted");
        assertTrue(!ledger.isPosted(0, 2, slot, receipts, branch), "another height");
        assertTrue(!ledger.isPosted(0, 1, receipts, receipts, branch), "another hash");
        assertTrue(!ledger.isPosted(0, 1, slot, slot, branch), "other receipts");
        assertTrue(!ledger.isPosted(1, 1, slot, receipts, branch), "no such batch");
    }

    function test_onlyGovernanceReplacesTheSequencer() public {
        vm.expectPartialRevert(ISlotLedger.Unauthorised.selector);
        ledger.setSequencer(address(this));
        vm.prank(GOVERNANCE);
        ledger.setSequencer(vm.addr(0xBAD));
        SlotBatch memory batch = batchAfter(0, 0, 1, "a");
        ledger.post(batch, DATA, sign(0xBAD, batch, DATA));
    }

    function test_aSecondInitialiseIsRefused() public {
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        ledger.initialize(ISlotLedger.Config(address(this), address(this), address(this)));
    }

    function post(SlotBatch memory batch) private {
        ledger.post(batch, DATA, sign(SEQUENCER_KEY, batch, DATA));
    }

    function expectRefused(SlotBatch memory batch, bytes memory reason) private {
        bytes memory signature = sign(SEQUENCER_KEY, batch, DATA);
        vm.expectRevert(reason);
        ledger.post(batch, DATA, signature);
    }

    function batchAfter(
        uint64 first,
        bytes32 parent,
        uint32 count,
        string memory tip
    ) private pure returns (SlotBatch memory) {
        return SlotBatch(first, count, parent, keccak256(bytes(tip)), keccak256("root"));
    }

    function sign(
        uint256 key,
        SlotBatch memory batch,
        bytes memory data
    ) private pure returns (bytes memory) {
        bytes32 typeHash = keccak256(
            "SlotBatch(uint64 firstSlot,uint32 count,bytes32 parentHash,bytes32 tipHash,bytes32 slotsRoot,bytes32 dataHash)"
        );
        bytes32 structHash = keccak256(abi.encode(typeHash, batch, keccak256(data)));
        return signed(key, NetworkDomain.digest(LOG_ID, structHash));
    }

    function leafOf(
        uint64 slot,
        string memory slotHash,
        string memory receipts
    ) private pure returns (bytes32) {
        bytes32 inner = keccak256(
            abi.encode(slot, keccak256(bytes(slotHash)), keccak256(bytes(receipts)))
        );
        return keccak256(abi.encodePacked(inner));
    }

    function pair(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(abi.encodePacked(a, b)) : keccak256(abi.encodePacked(b, a));
    }
}
