// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ExpiryMark} from "../../../contracts/marks/IMarkFeeds.sol";

/// @dev Marks of an exchange in a test: every expiry is known, the settlement price is set by hand.
contract FakeExpiry {
    uint64 public price8;

    error NotExpired();

    function settle(uint64 price8_) external {
        price8 = price8_;
    }

    function hasExpiry(uint16, uint40) external pure returns (bool) {
        return true;
    }

    function expiryMark(uint16, uint40) external pure returns (ExpiryMark memory mark) {
        mark.forward8 = 2_000e8;
    }

    function settlementPrice8(uint16, uint40) external view returns (uint64) {
        if (price8 == 0) revert NotExpired();
        return price8;
    }
}
