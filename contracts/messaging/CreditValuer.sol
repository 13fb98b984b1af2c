// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MessageLib} from "../libraries/MessageLib.sol";
import {IMarkFeeds} from "../marks/IMarkFeeds.sol";
import {GrantBody, MessageType, ReassignBody, ReportLine, ReturnBody} from "../types/Messages.sol";
import {IMessageValuer} from "./IMessageValuer.sol";

/// @title What the pool can lose by a message between credit contracts that nobody sent, USD × 10^18, rounded up.
/// @dev A lease can be used up; capacity given back, cash and contracts can be withdrawn against. A contract counts
/// twice its strike or the spot, whichever is more: no option of the series is worth more while the forward stays
/// below twice the spot.
contract CreditValuer is IMessageValuer {
    uint256 private constant TYPE_OFFSET = 1;
    uint256 private constant STRIKE_SHIFT = 8;
    uint256 private constant UNDERLYING_SHIFT = 120;
    /// @dev USD × 10^8.
    uint256 private constant PRICE_SCALE = 1e8;

    /// @notice Prices of underlyings on this chain.
    IMarkFeeds public immutable marks;

    constructor(address marks_) {
        marks = IMarkFeeds(marks_);
    }

    /// @inheritdoc IMessageValuer
    function valueOf(
        uint32,
        bytes calldata message
    ) external view override returns (address token, uint256 value18) {
        if (message.length < MessageLib.HEADER_BYTES) return (address(0), 0);
        uint8 kind = uint8(message[TYPE_OFFSET]);
        bytes calldata body = message[MessageLib.HEADER_BYTES:];
        if (kind == uint8(MessageType.Grant)) {
            value18 = abi.decode(body, (GrantBody)).amount18;
        } else if (kind == uint8(MessageType.Return)) {
            value18 = abi.decode(body, (ReturnBody)).leased18;
        } else if (kind == uint8(MessageType.Report)) {
            value18 = _ofReport(abi.decode(body, (ReportLine[])));
        } else if (kind == uint8(MessageType.Reassign)) {
            value18 = _ofReassign(abi.decode(body, (ReassignBody)));
        }
        // A Recall only gives unused capacity back.
    }

    function _ofReport(ReportLine[] memory lines) private view returns (uint256 value18) {
        for (uint256 i = 0; i < lines.length; ++i) {
            ReportLine memory line = lines[i];
            value18 += line.used18 + _contractsUp18(line.instrument, line.size18);
            if (line.cash18 > 0) value18 += uint256(line.cash18);
        }
    }

    function _ofReassign(ReassignBody memory moved) private view returns (uint256 value18) {
        for (uint256 i = 0; i < moved.lines.length; ++i) {
            value18 += _contractsUp18(moved.lines[i].instrument, moved.lines[i].size18);
        }
    }

    function _contractsUp18(uint256 instrument, int256 size18) private view returns (uint256) {
        if (size18 == 0) return 0;
        uint256 price8 = uint64(instrument >> STRIKE_SHIFT);
        uint256 spot8 = marks.spot(uint16(instrument >> UNDERLYING_SHIFT)).spot8;
        if (spot8 > price8) price8 = spot8;
        uint256 magnitude18 = size18 > 0 ? uint256(size18) : uint256(-size18);
        return (magnitude18 * price8 * 2 + PRICE_SCALE - 1) / PRICE_SCALE;
    }
}
