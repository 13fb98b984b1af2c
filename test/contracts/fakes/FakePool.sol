// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICrossMarginProtocol} from "../../../contracts/kit/ICollateralPool.sol";
import {Change, SignedInstrumentRisk} from "../../../contracts/types/Margin.sol";

/// @dev A pool that grants everything and remembers what it was told.
contract FakePool {
    Change[] public changes;
    uint256 public calls;
    uint256 public risksGiven;
    mapping(bytes32 account => int256) public cash;
    mapping(bytes32 account => mapping(uint256 instrument => int256)) public position;

    error CashNotBalanced(int256 sum18);

    function applyChanges(
        Change[] calldata given,
        SignedInstrumentRisk[] calldata risks
    ) external payable {
        delete changes;
        int256 sum18 = 0;
        for (uint256 i = 0; i < given.length; ++i) {
            changes.push(given[i]);
            sum18 += given[i].cash18;
            cash[given[i].account] += given[i].cash18;
            position[given[i].account][given[i].instrument] += given[i].size18;
        }
        if (sum18 != 0) revert CashNotBalanced(sum18);
        ++calls;
        risksGiven = risks.length;
    }

    function count() external view returns (uint256) {
        return changes.length;
    }

    function change(uint256 i) external view returns (Change memory) {
        return changes[i];
    }

    function reassign(
        ICrossMarginProtocol protocol,
        bytes32 from,
        bytes32 to,
        uint256 instrument,
        int256 size18
    ) external {
        position[from][instrument] -= size18;
        position[to][instrument] += size18;
        protocol.reassign(from, to, instrument, size18);
    }
}

/// @dev A registry that knows one protocol.
contract FakeRegistry {
    uint32 public constant PROTOCOL_ID = 7;

    function protocolIdOf(address) external pure returns (uint32) {
        return PROTOCOL_ID;
    }
}
