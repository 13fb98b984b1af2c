// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SpotMark} from "../../../contracts/marks/IMarkFeeds.sol";

/// @dev Marks that a test sets by hand.
contract FakeMarks {
    uint64 public marksSeq;
    mapping(uint16 underlying => SpotMark) private marks;

    function set(uint16 underlying, uint64 spot8, uint64 timestampMs) external {
        marks[underlying] = SpotMark(spot8, 1e8, ++marksSeq, timestampMs, 10_000);
    }

    function spot(uint16 underlying) external view returns (SpotMark memory) {
        return marks[underlying];
    }
}
