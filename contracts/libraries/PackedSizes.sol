// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Sizes of two neighbouring series, contracts × 10^18: even index int128 in the low half, odd in the high.
type SizePair is uint256;

using PackedSizes for SizePair global;

/// @title Two signed sizes in one word of storage.
library PackedSizes {
    uint256 private constant HALF_BITS = 128;

    /// @dev A size does not fit 128 bits.
    error SizeOverflow(int256 size18);

    function sizeAt(SizePair pair, uint32 index) internal pure returns (int256) {
        return int128(uint128(SizePair.unwrap(pair) >> _shift(index)));
    }

    function withSize(SizePair pair, uint32 index, int256 size18) internal pure returns (SizePair) {
        if (size18 != int128(size18)) revert SizeOverflow(size18);
        uint256 kept = SizePair.unwrap(pair) & ~(uint256(type(uint128).max) << _shift(index));
        return SizePair.wrap(kept | (uint256(uint128(int128(size18))) << _shift(index)));
    }

    function _shift(uint32 index) private pure returns (uint256) {
        return (index % 2) * HALF_BITS;
    }
}
