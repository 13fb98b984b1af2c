// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {
    IReceiptSlasher,
    SignedDelivery,
    SlotReceipts
} from "../../../contracts/l1/IReceiptSlasher.sol";
import {ReceiptSlasher} from "../../../contracts/l1/ReceiptSlasher.sol";
import {Checkpoint, CheckpointHash} from "../../../contracts/libraries/CheckpointHash.sol";
import {DeliveryHash} from "../../../contracts/libraries/DeliveryHash.sol";
import {NetworkDomain} from "../../../contracts/libraries/NetworkDomain.sol";
import {FakeNetworkId} from "../fakes/FakeSlotContext.sol";
import {TestBase} from "../TestBase.sol";

/// @dev The bond: two objects that contradict each other take it, one alone or two that agree do not (I8, V25).
contract ReceiptSlasherTest is TestBase {
    uint256 private constant SEQUENCER_KEY = 0x5E9;
    uint256 private constant SYSTEM_KEY = 0x575;
    uint256 private constant VALIDATOR_KEY = 0x7A1;
    uint32 private constant ALPHA = 902;
    address private constant GOVERNANCE = address(0x60);
    address private constant OPERATOR = address(0x0909);
    address private constant BENEFICIARY = address(0xBE);
    address private constant REPORTER = address(0x4E);
    bytes32 private constant LOG_ID = keccak256("log");
    uint256 private constant BOND = 100 ether;

    ReceiptSlasher private slasher;
    FakeLedger private ledger;

    function setUp() public {
        ledger = new FakeLedger();
        IReceiptSlasher.Config memory config;
        config.governance = GOVERNANCE;
        config.operator = OPERATOR;
        config.beneficiary = BENEFICIARY;
        config.networkId = address(new FakeNetworkId(LOG_ID));
        config.sequencer = vm.addr(SEQUENCER_KEY);
        config.system = vm.addr(SYSTEM_KEY);
        config.ledger = address(ledger);
        config.delayS = 1 days;
        config.admittedShare4 = 1000;
        config.reporterShare4 = 500;
        config.validators = new IReceiptSlasher.OriginValidator[](1);
        config.validators[0] = IReceiptSlasher.OriginValidator(ALPHA, vm.addr(VALIDATOR_KEY));
        bytes memory init = abi.encodeCall(ReceiptSlasher.initialize, (config));
        slasher = ReceiptSlasher(address(new ERC1967Proxy(address(new ReceiptSlasher()), init)));
        vm.deal(address(this), BOND);
        slasher.deposit{value: BOND}();
        vm.warp(1_000_000);
    }

    function test_twoReceiptsForOneSlotTakeTheBond() public {
        (SlotReceipts memory a, SlotReceipts memory b) = (receipts(7, "a"), receipts(7, "b"));
        bytes memory signatureB = sign(SEQUENCER_KEY, b);
        bytes memory signatureA = sign(SEQUENCER_KEY, a);
        vm.prank(REPORTER);
        slasher.slashTwoReceipts(a, signatureA, b, signatureB);
        expectTaken();
        vm.expectPartialRevert(IReceiptSlasher.AlreadyJudged.selector);
        slasher.slashTwoReceipts(a, signatureA, b, signatureB);
    }

    function testFuzz_whatDoesNotContradictTakesNothing(uint64 slotA, uint64 slotB) public {
        SlotReceipts memory a = receipts(slotA, "a");
        SlotReceipts memory b = receipts(slotB, slotA == slotB ? "a" : "b");
        bytes memory signatureA = sign(SEQUENCER_KEY, a);
        bytes memory signatureB = sign(SEQUENCER_KEY, b);
        vm.expectPartialRevert(IReceiptSlasher.NoContradiction.selector);
        slasher.slashTwoReceipts(a, signatureA, b, signatureB);
    }

    function testFuzz_aStrangersObjectTakesNothing(bool first) public {
        (SlotReceipts memory a, SlotReceipts memory b) = (receipts(7, "a"), receipts(7, "b"));
        bytes memory signatureA = sign(first ? 0xBAD : SEQUENCER_KEY, a);
        bytes memory signatureB = sign(first ? SEQUENCER_KEY : 0xBAD, b);
        vm.expectPartialRevert(IReceiptSlasher.WrongSigner.selector);
        slasher.slashTwoReceipts(a, signatureA, b, signatureB);
    }

    function test_aReceiptAgainstThePostedSlotTakesTheBond() public {
        SlotReceipts memory a = receipts(7, "a");
        bytes memory signature = sign(SEQUENCER_KEY, a);
        bytes32 posted = keccak256("posted");
        bytes32[] memory branch = new bytes32[](0);
        vm.expectRevert(abi.encodeWithSelector(IReceiptSlasher.NotPosted.selector, 3, 7));
        slasher.slashAgainstPosted(a, signature, 3, keccak256("slot"), posted, branch);
        ledger.set(3, 7, keccak256("slot"), posted);
        vm.prank(REPORTER);
        slasher.slashAgainstPosted(a, signature, 3, keccak256("slot"), posted, branch);
        expectTaken();
    }

    function test_aReceiptThatThePostedSlotBearsOutTakesNothing() public {
        SlotReceipts memory a = receipts(7, "a");
        bytes memory signature = sign(SEQUENCER_KEY, a);
        ledger.set(3, 7, keccak256("slot"), a.receiptRoot);
        vm.expectPartialRevert(IReceiptSlasher.NoContradiction.selector);
        slasher.slashAgainstPosted(
            a,
            signature,
            3,
            keccak256("slot"),
            a.receiptRoot,
            new bytes32[](0)
        );
    }

    function test_aDeliveryOfWhatNobodySentTakesTheBond() public {
        SignedDelivery memory d = delivery(5, "forged");
        Checkpoint memory c = checkpoint(VALIDATOR_KEY, 5, keccak256("sent"));
        vm.prank(REPORTER);
        slasher.slashForgedDelivery(d, c);
        expectTaken();
    }

    function test_anHonestDeliveryTakesNothing() public {
        SignedDelivery memory d = delivery(5, "sent");
        Checkpoint memory sent = checkpoint(VALIDATOR_KEY, 5, keccak256(d.message));
        Checkpoint memory later = checkpoint(VALIDATOR_KEY, 6, keccak256("sent"));
        Checkpoint memory strange = checkpoint(0xBAD, 5, keccak256("sent"));
        Checkpoint memory other = checkpoint(VALIDATOR_KEY, 5, keccak256("sent"));
        vm.expectPartialRevert(IReceiptSlasher.NoContradiction.selector);
        slasher.slashForgedDelivery(d, sent);
        // Another index, another validator, another transaction: no proof either.
        vm.expectPartialRevert(IReceiptSlasher.WrongCheckpoint.selector);
        slasher.slashForgedDelivery(d, later);
        vm.expectPartialRevert(IReceiptSlasher.WrongCheckpoint.selector);
        slasher.slashForgedDelivery(d, strange);
        d.gas += 1;
        vm.expectPartialRevert(IReceiptSlasher.WrongSigner.selector);
        slasher.slashForgedDelivery(d, other);
    }

    function test_anAdmittedFaultCostsAPartAndEndsTheMatter() public {
        vm.prank(OPERATOR);
        slasher.admitFault(7, keccak256("a node's bug"));
        assertEq(slasher.bondWei(), BOND - BOND / 10, "a tenth");
        assertEq(BENEFICIARY.balance, BOND / 10, "to the pool");
        SlotReceipts memory a = receipts(7, "a");
        bytes memory signature = sign(SEQUENCER_KEY, a);
        bytes32 posted = keccak256("posted");
        ledger.set(3, 7, keccak256("slot"), posted);
        vm.expectPartialRevert(IReceiptSlasher.AlreadyJudged.selector);
        slasher.slashAgainstPosted(a, signature, 3, keccak256("slot"), posted, new bytes32[](0));
    }

    function test_twoReceiptsAreNeverExcused() public {
        vm.prank(OPERATOR);
        slasher.admitFault(7, keccak256("a node's bug"));
        (SlotReceipts memory a, SlotReceipts memory b) = (receipts(7, "a"), receipts(7, "b"));
        slasher.slashTwoReceipts(a, sign(SEQUENCER_KEY, a), b, sign(SEQUENCER_KEY, b));
        assertEq(slasher.bondWei(), 0, "taken");
    }

    function test_nobodyAdmitsForTheOperatorNorAfterAProof() public {
        vm.expectPartialRevert(IReceiptSlasher.Unauthorised.selector);
        slasher.admitFault(7, 0);
        test_twoReceiptsForOneSlotTakeTheBond();
        vm.prank(OPERATOR);
        vm.expectPartialRevert(IReceiptSlasher.AlreadyJudged.selector);
        slasher.admitFault(7, 0);
    }

    function test_theBondLeavesAfterTheDelayAndAProofComesFirst() public {
        vm.startPrank(OPERATOR);
        slasher.announceWithdrawal(60 ether);
        vm.expectPartialRevert(IReceiptSlasher.TooEarly.selector);
        slasher.withdraw(payable(OPERATOR));
        vm.warp(block.timestamp + 1 days);
        slasher.withdraw(payable(OPERATOR));
        assertEq(OPERATOR.balance, 60 ether, "back");
        slasher.announceWithdrawal(40 ether);
        vm.stopPrank();
        (SlotReceipts memory a, SlotReceipts memory b) = (receipts(9, "a"), receipts(9, "b"));
        slasher.slashTwoReceipts(a, sign(SEQUENCER_KEY, a), b, sign(SEQUENCER_KEY, b));
        vm.warp(block.timestamp + 1 days);
        vm.prank(OPERATOR);
        vm.expectPartialRevert(IReceiptSlasher.NothingAnnounced.selector);
        slasher.withdraw(payable(OPERATOR));
    }

    function test_onlyGovernanceReplacesKeysAndValidators() public {
        vm.expectPartialRevert(IReceiptSlasher.Unauthorised.selector);
        slasher.setKeys(address(this), address(this));
        vm.expectPartialRevert(IReceiptSlasher.Unauthorised.selector);
        slasher.setValidator(ALPHA, address(this));
        vm.prank(GOVERNANCE);
        slasher.setValidator(ALPHA, address(this));
        assertEq(slasher.validatorOf(ALPHA), address(this), "replaced");
    }

    function deliveryDigest(SignedDelivery calldata d) external pure returns (bytes32) {
        return DeliveryHash.digest(d);
    }

    function checkpointDigest(Checkpoint calldata c) external pure returns (bytes32) {
        return CheckpointHash.digest(c, ALPHA);
    }

    receive() external payable {}

    function expectTaken() private view {
        assertEq(slasher.bondWei(), 0, "bond");
        assertEq(REPORTER.balance, BOND / 20, "reporter");
        assertEq(BENEFICIARY.balance, BOND - BOND / 20, "beneficiary");
    }

    function receipts(uint64 slot, string memory root) private pure returns (SlotReceipts memory) {
        return SlotReceipts(slot, 0, keccak256(bytes(root)));
    }

    function sign(uint256 key, SlotReceipts memory r) private pure returns (bytes memory) {
        bytes32 typeHash = keccak256("SlotReceipts(uint64 slot,uint64 view,bytes32 receiptRoot)");
        bytes32 structHash = keccak256(abi.encode(typeHash, r.slot, r.view_, r.receiptRoot));
        return signed(key, NetworkDomain.digest(LOG_ID, structHash));
    }

    function delivery(
        uint32 nonce,
        string memory body
    ) private view returns (SignedDelivery memory d) {
        d.chainId = 903;
        d.nonce = 12;
        d.maxFeePerGas = 1e9;
        d.gas = 5_000_000;
        d.slotContext = address(0x51);
        d.mailbox = address(0x4A);
        d.message = abi.encodePacked(
            uint8(3),
            nonce,
            ALPHA,
            bytes32(uint256(1)),
            uint32(903),
            bytes32(uint256(2)),
            bytes(body)
        );
        d.signature = signed(SYSTEM_KEY, this.deliveryDigest(d));
    }

    function checkpoint(
        uint256 key,
        uint32 index,
        bytes32 id
    ) private view returns (Checkpoint memory c) {
        c = Checkpoint(bytes32(uint256(0x11)), keccak256("root"), index, id, "");
        c.signatures = signed(key, this.checkpointDigest(c));
    }
}

/// @dev A ledger with one slot.
contract FakeLedger {
    bytes32 private posted;

    function set(uint256 batch, uint64 slot, bytes32 slotHash, bytes32 root) external {
        posted = keccak256(abi.encode(batch, slot, slotHash, root));
    }

    function isPosted(
        uint256 batch,
        uint64 slot,
        bytes32 slotHash,
        bytes32 root,
        bytes32[] calldata
    ) external view returns (bool) {
        return posted == keccak256(abi.encode(batch, slot, slotHash, root));
    }
}
