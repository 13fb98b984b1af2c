// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IHubVault} from "../../../contracts/hub/IHubVault.sol";
import {Checkpoint} from "../../../contracts/libraries/CheckpointHash.sol";
import {MessageHeader, MessageLib} from "../../../contracts/libraries/MessageLib.sol";
import {IEarlyMessages} from "../../../contracts/messaging/IEarlyMessages.sol";
import {MarginAttestation} from "../../../contracts/types/Margin.sol";
import {MessageClass, MessageType, ReportLine} from "../../../contracts/types/Messages.sol";
import {HostileMailbox} from "../fakes/HostileMailbox.sol";
import {PoolFixture} from "../pool/PoolFixture.sol";

/// @dev What is taken on the sequencer's word: how much of it, until when, and what becomes of a lie (V25, I22).
contract EarlyMessagesTest is PoolFixture {
    address private constant OWNER = address(0xA11CE);
    address private constant THIEF = address(0xBAD);
    uint64 private constant CAP6 = 100e6;

    function setUp() public {
        setUpPool();
        fund(alpha, USDC, 10_000e6, OWNER);
        lease(alpha, OWNER, 5_000e18);
        vm.prank(GUARDIAN);
        hubEarly.setFastCap(ALPHA, address(0), CAP6);
    }

    function test_V25_whatGoesAboveTheCapWaitsForValidators() public {
        giveBack(60e18);
        deliverFast(alpha.mailbox);
        assertEq(unconfirmed(), 60e6 + 1, "counted, rounded up");
        giveBack(60e18);
        bytes memory second = lastOf(alpha.mailbox);
        vm.prank(SYSTEM);
        vm.expectRevert(
            abi.encodeWithSelector(
                IEarlyMessages.FastCapReached.selector,
                60e6 + 1,
                uint64(60e6 + 1),
                CAP6
            )
        );
        hubSlots.deliver(address(hubMailbox), second);
        deliverSigned(second);
        assertEq(unconfirmed(), 60e6 + 1, "what validators signed counts nothing");
    }

    function test_aConfirmedMessageGivesItsValueBackToTheCap() public {
        giveBack(60e18);
        deliverFast(alpha.mailbox);
        confirm(0, lastOf(alpha.mailbox));
        assertEq(unconfirmed(), 0, "free again");
        assertEq(hubEarly.confirmedBelow(), 1, "nothing open");
        giveBack(60e18);
        deliverFast(alpha.mailbox);
        // Twice is passed over.
        confirm(0, lastOf(alpha.mailbox));
        assertEq(unconfirmed(), 60e6 + 1, "the second is open");
    }

    function test_theLowerEndWaitsForTheOldest() public {
        for (uint256 i = 0; i < 3; ++i) {
            giveBack(10e18);
            deliverFast(alpha.mailbox);
        }
        uint256 last = alpha.mailbox.sent() - 1;
        confirm(1, alpha.mailbox.outbox(last - 1));
        confirm(2, alpha.mailbox.outbox(last));
        assertEq(hubEarly.confirmedBelow(), 0, "the first is open");
        confirm(0, alpha.mailbox.outbox(last - 2));
        assertEq(hubEarly.confirmedBelow(), 3, "all");
    }

    function test_onlyTheValidatorsCheckpointOfThatMessageConfirms() public {
        giveBack(10e18);
        deliverFast(alpha.mailbox);
        bytes memory message = lastOf(alpha.mailbox);
        (uint64[] memory places, Checkpoint[] memory c) = one(0, checkpointOf(message));
        c[0].root = keccak256("another");
        vm.expectPartialRevert(IEarlyMessages.CheckpointNotSigned.selector);
        hubEarly.confirm(places, c);
        (, c) = one(0, checkpointOf(ALPHA, 7, keccak256("another")));
        vm.expectPartialRevert(IEarlyMessages.OtherMessage.selector);
        hubEarly.confirm(places, c);
        vm.expectPartialRevert(IEarlyMessages.LengthsDiffer.selector);
        hubEarly.confirm(new uint64[](2), c);
        // Another chain's validators say nothing about this one.
        (, c) = one(0, checkpointOf(BETA, 7, keccak256(message)));
        vm.expectPartialRevert(IEarlyMessages.CheckpointNotSigned.selector);
        hubEarly.confirm(places, c);
        assertEq(unconfirmed(), 10e6 + 1, "open");
    }

    function test_I22_aForgeryProvenByTwoObjectsClosesTheRoute() public {
        bytes memory forged = forgedReport(50e18, alpha.mailbox.nonce());
        deliverForged(forged);
        giveBack(10e18);
        bytes memory sent = lastOf(alpha.mailbox);
        hubEarly.proveForged(forged, checkpointOf(sent));
        assertTrue(hubEarly.isPaused(ALPHA), "paused");
        assertTrue(!hubEarly.isPaused(BETA), "the other route is open");
        vm.prank(SYSTEM);
        vm.expectRevert(abi.encodeWithSelector(IEarlyMessages.RoutePaused.selector, ALPHA));
        hubSlots.deliver(address(hubMailbox), sent);
        deliverSigned(sent);
        assertEq(unconfirmed(), 50e6 + 1, "the loss stays counted");
    }

    function test_nobodyProvesAnHonestMessageForged() public {
        giveBack(10e18);
        bytes memory message = lastOf(alpha.mailbox);
        Checkpoint memory c = checkpointOf(message);
        vm.expectPartialRevert(IEarlyMessages.NotDeliveredEarly.selector);
        hubEarly.proveForged(message, c);
        deliverFast(alpha.mailbox);
        vm.expectPartialRevert(IEarlyMessages.NoContradiction.selector);
        hubEarly.proveForged(message, c);
        c = checkpointOf(ALPHA, c.index + 1, keccak256("later"));
        vm.expectPartialRevert(IEarlyMessages.NoContradiction.selector);
        hubEarly.proveForged(message, c);
        c = checkpointOf(ALPHA, c.index - 1, keccak256("later"));
        c.root = keccak256("unsigned");
        vm.expectPartialRevert(IEarlyMessages.CheckpointNotSigned.selector);
        hubEarly.proveForged(message, c);
        // What a relayer brought, validators had signed.
        giveBack(10e18);
        message = lastOf(alpha.mailbox);
        deliverSigned(message);
        c = checkpointOf(ALPHA, checkpointOf(message).index, keccak256("later"));
        vm.expectPartialRevert(IEarlyMessages.NotDeliveredEarly.selector);
        hubEarly.proveForged(message, c);
    }

    function test_V25_noClaimOfAForgedMessageIsPaidOut() public {
        bytes memory forged = forgedReport(50e18, alpha.mailbox.nonce());
        deliverForged(forged);
        uint256 sentBefore = hubMailbox.sent();
        assertEq(withdraw(THIEF, 50e18), bytes32(0), "held");
        assertEq(hubMailbox.sent(), sentBefore, "no payment left");
        vm.expectRevert(
            abi.encodeWithSelector(IHubVault.NotConfirmed.selector, uint64(0), uint64(1))
        );
        hubVault.release(0);
    }

    function test_aPaymentThatWasHeldLeavesWhenAllBeforeItIsConfirmed() public {
        giveBack(10e18);
        deliverFast(alpha.mailbox);
        bytes memory before = lastOf(alpha.mailbox);
        assertEq(withdraw(OWNER, 40e18), bytes32(0), "held");
        assertEq(hubVault.heldPayment(0).amount18, 40e18, "waits");
        assertEq(hubVault.debitedTo(ALPHA, USDC), 40e18, "debited at once (V1)");
        // What comes later it does not wait for.
        giveBack(10e18);
        deliverFast(alpha.mailbox);
        confirm(0, before);
        hubVault.release(0);
        deliverSigned(hubMailbox);
        assertEq(alpha.usdc.balanceOf(OWNER), 40e6, "paid");
        vm.expectRevert(abi.encodeWithSelector(IHubVault.NothingHeld.selector, 0));
        hubVault.release(0);
    }

    function test_aNonceFarAboveWhatWasSignedIsRefused() public {
        uint32 far = uint32(65_537);
        bytes memory forged = forgedReport(1e18, far);
        vm.prank(SYSTEM);
        vm.expectRevert(
            abi.encodeWithSelector(IEarlyMessages.NonceTooFar.selector, far, uint256(65_536))
        );
        hubSlots.deliver(address(hubMailbox), forged);
        // A signed message near it opens the way for those that follow.
        giveBack(1e18);
        bytes memory sent = numbered(lastOf(alpha.mailbox), 40_000);
        deliverSigned(sent);
        assertEq(hubEarly.signedNonce(ALPHA), 40_000, "known");
        deliverForged(forged);
    }

    function test_messagesToWhoeverNamesNoValueCountNothingButStopWithTheRoute() public {
        Taker taker = new Taker(address(hubAlpha));
        vm.prank(GUARDIAN);
        hubEarly.setFastCap(ALPHA, address(0), 0);
        deliverForged(messageTo(address(taker), 5));
        assertEq(hubEarly.accepted(), 0, "not counted");
        vm.prank(GUARDIAN);
        hubEarly.pause(ALPHA);
        bytes memory second = messageTo(address(taker), 6);
        vm.prank(SYSTEM);
        vm.expectPartialRevert(IEarlyMessages.RoutePaused.selector);
        hubSlots.deliver(address(hubMailbox), second);
    }

    function test_theGuardianOnlyTightens() public {
        vm.startPrank(GUARDIAN);
        vm.expectPartialRevert(IEarlyMessages.CapNotLower.selector);
        hubEarly.setFastCap(ALPHA, address(0), CAP6 + 1);
        hubEarly.pause(ALPHA);
        vm.expectPartialRevert(IEarlyMessages.Unauthorised.selector);
        hubEarly.resume(ALPHA);
        vm.expectPartialRevert(IEarlyMessages.Unauthorised.selector);
        hubEarly.forget(new uint64[](0));
        vm.expectPartialRevert(IEarlyMessages.Unauthorised.selector);
        hubEarly.setValuer(address(book), address(0));
        vm.expectPartialRevert(IEarlyMessages.Unauthorised.selector);
        hubEarly.setModule(ALPHA, address(this));
        vm.expectPartialRevert(IEarlyMessages.Unauthorised.selector);
        hubEarly.setRoles(GUARDIAN, GUARDIAN);
        vm.stopPrank();
        vm.prank(THIEF);
        vm.expectPartialRevert(IEarlyMessages.Unauthorised.selector);
        hubEarly.pause(BETA);
        vm.expectPartialRevert(IEarlyMessages.NotModule.selector);
        hubEarly.accept(ALPHA, hex"00");
        vm.expectPartialRevert(IEarlyMessages.NotModule.selector);
        hubEarly.noteSigned(ALPHA, 5);
    }

    function test_governanceGivesUpOnWhatWasForgedAndOpensTheRoute() public {
        bytes memory forged = forgedReport(50e18, alpha.mailbox.nonce());
        deliverForged(forged);
        giveBack(10e18);
        hubEarly.proveForged(forged, checkpointOf(lastOf(alpha.mailbox)));
        vm.startPrank(GOVERNANCE);
        hubEarly.forget(new uint64[](1));
        hubEarly.resume(ALPHA);
        hubEarly.setFastCap(ALPHA, address(0), CAP6 + 1);
        vm.stopPrank();
        assertEq(unconfirmed(), 0, "given up");
        assertEq(hubEarly.confirmedBelow(), 1, "nothing waits for it");
        deliverFast(alpha.mailbox);
    }

    function testFuzz_V25_theCapHoldsForAnyAmounts(uint64[8] memory amounts6, uint64 cap6) public {
        cap6 = uint64(bound(cap6, 1, 1_000e6));
        vm.prank(GOVERNANCE);
        hubEarly.setFastCap(ALPHA, address(0), cap6);
        for (uint256 i = 0; i < amounts6.length; ++i) {
            giveBack(bound(amounts6[i], 1, 600e6) * 1e12);
            bytes memory message = lastOf(alpha.mailbox);
            vm.prank(SYSTEM);
            try hubSlots.deliver(address(hubMailbox), message) {} catch {}
            assertTrue(unconfirmed() <= cap6, "within the cap");
        }
    }

    function giveBack(uint256 amount18) private {
        vm.prank(OWNER);
        alpha.credit.giveBack(accountOf(OWNER), amount18);
    }

    function withdraw(address owner, uint256 amount18) private returns (bytes32) {
        bytes32 account = accountOf(owner);
        uint256 snapshot = vm.snapshotState();
        vm.prank(address(hubVault));
        ledger.debit(account, USDC, amount18);
        MarginAttestation memory a = attestation(account, 1e30);
        vm.revertToState(snapshot);
        bytes memory signature = sign(a);
        vm.prank(owner);
        return hubVault.withdraw(account, USDC, amount18, ALPHA, owner, a, signature);
    }

    /// @dev A report that moves the owner's cash to the thief, and that alpha never sent.
    function forgedReport(uint256 cash18, uint32 nonce) private view returns (bytes memory) {
        ReportLine[] memory lines = new ReportLine[](2);
        uint256 option = optionOf(1, 3000e8);
        lines[0] = ReportLine(accountOf(THIEF), option, 0, int256(cash18), 0);
        lines[1] = ReportLine(accountOf(OWNER), option, 0, -int256(cash18), 0);
        bytes memory body = MessageLib.encode(
            MessageHeader(MessageType.Report, MessageClass.Credit, 1_000, bytes8(LOG_ID)),
            abi.encode(lines)
        );
        return
            hubMailbox.encode(
                nonce,
                ALPHA,
                asRouter(address(alpha.credit)),
                HUB,
                asRouter(address(book)),
                body
            );
    }

    function messageTo(address recipient, uint32 nonce) private view returns (bytes memory) {
        bytes32 sender = asRouter(THIEF);
        return hubMailbox.encode(nonce, ALPHA, sender, HUB, asRouter(recipient), hex"01");
    }

    function deliverForged(bytes memory message) private {
        vm.prank(SYSTEM);
        hubSlots.deliver(address(hubMailbox), message);
    }

    function confirm(uint64 place, bytes memory message) private {
        (uint64[] memory places, Checkpoint[] memory c) = one(place, checkpointOf(message));
        hubEarly.confirm(places, c);
    }

    function one(
        uint64 place,
        Checkpoint memory checkpoint
    ) private pure returns (uint64[] memory places, Checkpoint[] memory checkpoints) {
        places = new uint64[](1);
        places[0] = place;
        checkpoints = new Checkpoint[](1);
        checkpoints[0] = checkpoint;
    }

    /// @dev The same message at another nonce.
    function numbered(bytes memory message, uint32 nonce) private pure returns (bytes memory) {
        bytes4 word = bytes4(nonce);
        for (uint256 i = 0; i < 4; ++i) {
            message[i + 1] = word[i];
        }
        return message;
    }

    function lastOf(HostileMailbox mailbox) private view returns (bytes memory) {
        return mailbox.outbox(mailbox.sent() - 1);
    }

    function unconfirmed() private view returns (uint64 unconfirmed6) {
        (, unconfirmed6) = hubEarly.fastCap(ALPHA, address(0));
    }
}

/// @dev Takes anything that its module lets through.
contract Taker {
    address public immutable interchainSecurityModule;

    constructor(address ism) {
        interchainSecurityModule = ism;
    }

    function handle(uint32, bytes32, bytes calldata) external payable {}
}
