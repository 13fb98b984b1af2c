// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {FeedHash} from "../../../contracts/libraries/FeedHash.sol";
import {NetworkDomain} from "../../../contracts/libraries/NetworkDomain.sol";
import {
    ExpiryMark,
    FeedUpdate,
    IMarkFeeds,
    SettlementFix
} from "../../../contracts/marks/IMarkFeeds.sol";
import {MarkFeeds} from "../../../contracts/marks/MarkFeeds.sol";
import {FakeNetworkId, FakeSlotContext} from "../fakes/FakeSlotContext.sol";
import {TestBase} from "../TestBase.sol";

/// @dev Hashes through calldata, as the contract does.
contract FeedHasher {
    function update(FeedUpdate calldata marks) external pure returns (bytes32) {
        return FeedHash.hashUpdate(marks);
    }

    function fix(SettlementFix calldata settlement) external pure returns (bytes32) {
        return FeedHash.hashFix(settlement);
    }
}

/// @dev Three feeds, two of whom must sign.
abstract contract FeedFixture is TestBase {
    bytes32 internal constant LOG_ID = keccak256("log");
    uint64 internal constant NOW_MS = 1_790_000_000_000;
    address internal constant GOVERNANCE = address(0x60);
    address internal constant GUARDIAN = address(0x61);
    uint16 internal constant ETH = 2;

    FakeSlotContext internal slotContext;
    FakeNetworkId internal networkId;
    MarkFeeds internal feeds;
    FeedHasher internal hasher;
    uint256[3] internal feedKeys;

    function deployFeeds() internal {
        slotContext = new FakeSlotContext();
        slotContext.set(1, NOW_MS);
        networkId = new FakeNetworkId(LOG_ID);
        hasher = new FeedHasher();
        address[] memory signers = _makeKeys();
        IMarkFeeds.Config memory config = IMarkFeeds.Config({
            slotContext: address(slotContext),
            networkId: address(networkId),
            governance: GOVERNANCE,
            guardian: GUARDIAN,
            signers: signers,
            threshold: 2,
            toleranceMs: 2_000
        });
        feeds = MarkFeeds(
            address(
                new ERC1967Proxy(
                    address(new MarkFeeds()),
                    abi.encodeCall(MarkFeeds.initialize, (config))
                )
            )
        );
    }

    function marksAt(
        uint64 sequence,
        uint64 timestampMs,
        uint64 spot8
    ) internal pure returns (FeedUpdate memory marks) {
        marks.underlying = ETH;
        marks.sequence = sequence;
        marks.timestampMs = timestampMs;
        marks.spot8 = spot8;
        marks.spotConfidence4 = 10_000;
        marks.stable8 = 1e8;
    }

    function expiry(uint40 expiryS, uint64 forward8) internal pure returns (ExpiryMark memory) {
        return
            ExpiryMark({
                expiryS: expiryS,
                forward8: forward8,
                rate6: 40_000,
                a9: 2e6,
                b9: 60e6,
                rho9: -200e6,
                m9: 10e6,
                s9: 90e6,
                tauS: 1_000_000,
                confidence4: 9_000
            });
    }

    function withExpiry(
        FeedUpdate memory marks,
        uint40 expiryS
    ) internal pure returns (FeedUpdate memory) {
        ExpiryMark[] memory longer = new ExpiryMark[](marks.expiries.length + 1);
        for (uint256 i = 0; i < marks.expiries.length; ++i) {
            longer[i] = marks.expiries[i];
        }
        longer[longer.length - 1] = expiry(expiryS, marks.spot8 == 0 ? 1 : marks.spot8);
        marks.expiries = longer;
        return marks;
    }

    /// @dev Signatures of feeds `first` and `second` over an update.
    function signaturesOf(
        FeedUpdate memory marks,
        uint256 first,
        uint256 second
    ) internal view returns (bytes[] memory) {
        return _signatures(hasher.update(marks), first, second);
    }

    function signaturesOf(SettlementFix memory settlement) internal view returns (bytes[] memory) {
        return _signatures(hasher.fix(settlement), 0, 1);
    }

    function publish(FeedUpdate memory marks) internal {
        feeds.update(marks, signaturesOf(marks, 0, 1));
    }

    function _signatures(
        bytes32 structHash,
        uint256 first,
        uint256 second
    ) private view returns (bytes[] memory signatures) {
        bytes32 digest = NetworkDomain.digest(LOG_ID, structHash);
        signatures = new bytes[](2);
        signatures[0] = signed(feedKeys[first], digest);
        signatures[1] = signed(feedKeys[second], digest);
    }

    /// @dev Keys in ascending order of their addresses.
    function _makeKeys() private returns (address[] memory signers) {
        signers = new address[](3);
        for (uint256 i = 0; i < 3; ++i) {
            uint256 key = uint256(keccak256(abi.encode("feed", i)));
            uint256 j = i;
            for (; j > 0 && signers[j - 1] > vm.addr(key); --j) {
                (signers[j], feedKeys[j]) = (signers[j - 1], feedKeys[j - 1]);
            }
            (signers[j], feedKeys[j]) = (vm.addr(key), key);
        }
    }
}
