// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CrossMarginClient} from "../../../contracts/kit/CrossMarginClient.sol";
import {Change, SignedInstrumentRisk} from "../../../contracts/types/Margin.sol";

/// @dev A protocol on the kit that does whatever it is asked, and keeps sizes as every protocol does.
contract FakeProtocol is CrossMarginClient {
    mapping(bytes32 account => mapping(uint256 instrument => int256)) public sizeOf;

    function initialize(address pool_, address slotContext_, uint32 id) external initializer {
        _initClient(pool_, slotContext_, id);
    }

    function change(
        Change[] calldata changes,
        SignedInstrumentRisk[] calldata risks,
        bytes32 salt,
        uint64 maxSlot
    ) external payable onlyInBundle(salt, maxSlot) {
        for (uint256 i = 0; i < changes.length; ++i) {
            sizeOf[changes[i].account][changes[i].instrument] += changes[i].size18;
        }
        _apply(changes, risks);
    }

    function _reassign(
        bytes32 from,
        bytes32 to,
        uint256 instrument,
        int256 size18
    ) internal override {
        sizeOf[from][instrument] -= size18;
        sizeOf[to][instrument] += size18;
    }
}
