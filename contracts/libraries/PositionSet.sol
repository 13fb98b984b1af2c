// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Positions of one account: sizes by instrument, and which instruments are not zero.
struct Positions {
    uint256[] instruments;
    mapping(uint256 instrument => Position) byInstrument;
}

/// @notice One position, one word.
struct Position {
    /// Contracts × 10^18, signed.
    int128 size18;
    /// Place in `instruments`, counted from 1.
    uint32 place;
}

/// @title Changes of positions in constant storage work, and reading them in order.
/// @dev Invariant: `instruments` holds exactly the instruments whose size is not zero, each once.
library PositionSet {
    /// @dev Adds to a position. The second result is false when the size does not fit, and nothing was changed.
    function change(
        Positions storage set,
        uint256 instrument,
        int256 change18
    ) internal returns (int256 size18, bool fits) {
        Position memory p = set.byInstrument[instrument];
        size18 = int256(p.size18) + change18;
        if (size18 > type(int128).max || size18 < type(int128).min) return (size18, false);

        if (size18 == 0) {
            if (p.place != 0) _remove(set, instrument, p.place);
        } else {
            if (p.place == 0) {
                set.instruments.push(instrument);
                p.place = uint32(set.instruments.length);
            }
            set.byInstrument[instrument] = Position(int128(size18), p.place);
        }
        return (size18, true);
    }

    function sizeOf(Positions storage set, uint256 instrument) internal view returns (int256) {
        return set.byInstrument[instrument].size18;
    }

    function _remove(Positions storage set, uint256 instrument, uint32 place) private {
        uint256 last = set.instruments[set.instruments.length - 1];
        if (last != instrument) {
            set.instruments[place - 1] = last;
            set.byInstrument[last].place = place;
        }
        set.instruments.pop();
        delete set.byInstrument[instrument];
    }
}
