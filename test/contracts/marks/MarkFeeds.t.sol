// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {NetworkDomain} from "../../../contracts/libraries/NetworkDomain.sol";
import {ExpiryMark, FeedUpdate, IMarkFeeds} from "../../../contracts/marks/IMarkFeeds.sol";
import {MarkFeeds} from "../../../contracts/marks/MarkFeeds.sol";
import {FeedFixture} from "./FeedFixture.sol";

contract MarkFeedsTest is FeedFixture {
    function setUp() public {
        deployFeeds();
    }

    /// @dev The digest was computed with viem from `sdk/protocol/feeds.ts` over the same values.
    function test_digest_equals_the_one_the_sdk_signs() public view {
        FeedUpdate memory marks = marksAt(7, NOW_MS + 123, 234_567_000_000);
        marks.spotConfidence4 = 9_900;
        marks.stable8 = 99_990_000;
        marks.expiries = new ExpiryMark[](2);
        marks.expiries[0] = ExpiryMark(
            1_790_006_400,
            2_346e8,
            -12_345,
            -1e6,
            50e6,
            -300e6,
            -20e6,
            80e6,
            6_400,
            10_000
        );
        marks.expiries[1] = ExpiryMark(
            1_791_000_000,
            2_350e8,
            40_000,
            2e6,
            60e6,
            100e6,
            10e6,
            90e6,
            1_000_000,
            9_000
        );
        assertEq(
            NetworkDomain.digest(LOG_ID, hasher.update(marks)),
            0x2f3264d526cf31aa807c08ec2c6fc238bc4973e3c54a127fcb68654a723066bb,
            "digest"
        );
    }

    function test_two_of_three_feeds_set_spot_and_surface() public {
        FeedUpdate memory marks = withExpiry(marksAt(7, NOW_MS, 2_345e8), 1_790_100_000);
        vm.prank(address(0xbeef));
        feeds.update(marks, signaturesOf(marks, 0, 2));

        assertEq(feeds.marksSeq(), 1, "marksSeq");
        assertEq(feeds.spot(ETH).spot8, 2_345e8, "spot");
        assertEq(feeds.spot(ETH).sequence, 7, "sequence");
        assertEq(feeds.spot(ETH).timestampMs, NOW_MS, "timestamp");
        ExpiryMark memory read = feeds.expiryMark(ETH, 1_790_100_000);
        assertEq(
            keccak256(abi.encode(read)),
            keccak256(abi.encode(marks.expiries[0])),
            "expiry mark"
        );
        slotContext.set(2, NOW_MS + 700);
        assertEq(feeds.ageMs(ETH), 700, "age");
    }

    function test_one_signature_is_not_enough() public {
        FeedUpdate memory marks = marksAt(1, NOW_MS, 1e8);
        bytes[] memory one = new bytes[](1);
        one[0] = signaturesOf(marks, 0, 1)[0];
        vm.expectRevert(abi.encodeWithSelector(IMarkFeeds.BadSignatureCount.selector, 1, 2, 3));
        feeds.update(marks, one);
    }

    function test_one_feed_does_not_count_twice() public {
        FeedUpdate memory marks = marksAt(1, NOW_MS, 1e8);
        address signer = vm.addr(feedKeys[1]);
        bytes[] memory twice = signaturesOf(marks, 1, 1);
        vm.expectRevert(
            abi.encodeWithSelector(IMarkFeeds.SignersNotAscending.selector, signer, signer)
        );
        feeds.update(marks, twice);
    }

    function test_a_stranger_does_not_count() public {
        FeedUpdate memory marks = marksAt(1, NOW_MS, 1e8);
        feedKeys[0] = uint256(keccak256("stranger"));
        bool strangerFirst = vm.addr(feedKeys[0]) < vm.addr(feedKeys[1]);
        bytes[] memory signatures =
            strangerFirst ? signaturesOf(marks, 0, 1) : signaturesOf(marks, 1, 0);
        vm.expectPartialRevert(IMarkFeeds.UnknownSigner.selector);
        feeds.update(marks, signatures);
    }

    function test_marks_of_another_network_are_refused() public {
        FeedUpdate memory marks = marksAt(1, NOW_MS, 1e8);
        bytes32 digest = NetworkDomain.digest(keccak256("other log"), hasher.update(marks));
        bytes[] memory signatures = new bytes[](2);
        (signatures[0], signatures[1]) = (signed(feedKeys[0], digest), signed(feedKeys[1], digest));
        vm.expectRevert();
        feeds.update(marks, signatures);
        assertEq(feeds.marksSeq(), 0, "marksSeq");
    }

    function test_an_update_counts_once() public {
        FeedUpdate memory marks = marksAt(5, NOW_MS, 1e8);
        publish(marks);
        bytes[] memory signatures = signaturesOf(marks, 0, 1);
        vm.expectRevert(abi.encodeWithSelector(IMarkFeeds.StaleSequence.selector, ETH, 5, 5));
        feeds.update(marks, signatures);
        assertEq(feeds.marksSeq(), 1, "marksSeq");
    }

    function test_time_neither_goes_back_nor_runs_ahead() public {
        publish(marksAt(1, NOW_MS, 1e8));
        FeedUpdate memory back = marksAt(2, NOW_MS - 1, 1e8);
        bytes[] memory signatures = signaturesOf(back, 0, 1);
        vm.expectRevert(
            abi.encodeWithSelector(IMarkFeeds.TimestampBackwards.selector, ETH, NOW_MS - 1, NOW_MS)
        );
        feeds.update(back, signatures);

        publish(marksAt(2, NOW_MS + 2_000, 1e8));
        FeedUpdate memory ahead = marksAt(3, NOW_MS + 2_001, 1e8);
        signatures = signaturesOf(ahead, 0, 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IMarkFeeds.TimestampAhead.selector,
                NOW_MS + 2_001,
                NOW_MS + 2_000
            )
        );
        feeds.update(ahead, signatures);
    }

    function test_every_field_has_a_range() public {
        for (uint256 broken = 0; broken < 16; ++broken) {
            FeedUpdate memory marks = withExpiry(marksAt(1, NOW_MS, 1e8), 1_790_100_000);
            _break(marks, broken);
            bytes[] memory signatures = signaturesOf(marks, 0, 1);
            vm.expectPartialRevert(IMarkFeeds.OutOfRange.selector);
            feeds.update(marks, signatures);
        }
    }

    function _break(FeedUpdate memory marks, uint256 broken) private pure {
        if (broken == 0) marks.underlying = 0;
        if (broken == 1) marks.spot8 = 0;
        if (broken == 2) marks.stable8 = 0;
        if (broken == 3) marks.spotConfidence4 = 10_001;
        if (broken == 4) marks.expiries[0].forward8 = 0;
        if (broken == 5) marks.expiries[0].rate6 = 10_000_001;
        if (broken == 6) marks.expiries[0].a9 = -1_000e9 - 1;
        if (broken == 7) marks.expiries[0].b9 = 1_000e9 + 1;
        if (broken == 8) marks.expiries[0].rho9 = 1e9;
        if (broken == 9) marks.expiries[0].rho9 = -1e9;
        if (broken == 10) marks.expiries[0].m9 = type(int64).min;
        if (broken == 11) marks.expiries[0].s9 = 0;
        if (broken == 12) marks.expiries[0].s9 = type(uint64).max;
        if (broken == 13) marks.expiries[0].tauS = 0;
        if (broken == 14) marks.expiries[0].confidence4 = 10_001;
        if (broken == 15) marks.timestampMs = 1 << 48;
    }

    function test_expiries_ascend_and_are_limited() public {
        FeedUpdate memory marks = withExpiry(
            withExpiry(marksAt(1, NOW_MS, 1e8), 1_790_100_000),
            1_790_100_000
        );
        bytes[] memory signatures = signaturesOf(marks, 0, 1);
        vm.expectPartialRevert(IMarkFeeds.ExpiriesNotAscending.selector);
        feeds.update(marks, signatures);

        marks = marksAt(1, NOW_MS, 1e8);
        for (uint40 i = 0; i < 31; ++i) {
            marks = withExpiry(marks, 1_790_100_000 + i);
        }
        signatures = signaturesOf(marks, 0, 1);
        vm.expectRevert(abi.encodeWithSelector(IMarkFeeds.TooManyExpiries.selector, 31, 30));
        feeds.update(marks, signatures);
    }

    function test_expiries_that_leave_or_pass_are_forgotten() public {
        publish(withExpiry(withExpiry(marksAt(1, NOW_MS, 1e8), 1_790_000_001), 1_790_100_000));
        assertEq(feeds.expiries(ETH).length, 2, "both live");

        slotContext.set(2, NOW_MS + 1_000);
        publish(
            withExpiry(withExpiry(marksAt(2, NOW_MS + 1_000, 1e8), 1_790_000_001), 1_790_200_000)
        );
        assertEq(feeds.expiries(ETH).length, 1, "one live");
        assertEq(feeds.expiries(ETH)[0], 1_790_200_000, "the new one");
        assertTrue(!feeds.hasExpiry(ETH, 1_790_000_001), "passed");
        assertTrue(!feeds.hasExpiry(ETH, 1_790_100_000), "left");
        vm.expectRevert(
            abi.encodeWithSelector(IMarkFeeds.UnknownExpiry.selector, ETH, uint40(1_790_100_000))
        );
        feeds.expiryMark(ETH, 1_790_100_000);
    }

    function test_only_governance_replaces_feeds() public {
        address[] memory one = new address[](1);
        one[0] = address(0x77);
        vm.expectRevert(
            abi.encodeWithSelector(IMarkFeeds.Unauthorised.selector, address(this), GOVERNANCE)
        );
        feeds.setSigners(one, 1, 0);

        vm.startPrank(GOVERNANCE);
        vm.expectRevert(abi.encodeWithSelector(IMarkFeeds.BadSigners.selector, 1, 2));
        feeds.setSigners(one, 2, 0);
        feeds.setSigners(one, 1, 0);
        (address[] memory signers, uint8 threshold) = feeds.feedSigners();
        assertEq(signers[0], address(0x77), "signer");
        assertEq(threshold, 1, "threshold");
    }

    function test_nobody_initialises_twice() public {
        IMarkFeeds.Config memory config;
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        feeds.initialize(config);
        MarkFeeds implementation = new MarkFeeds();
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        implementation.initialize(config);
    }
}
