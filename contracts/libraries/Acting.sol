// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISlotContext} from "../sequencing/ISlotContext.sol";

/// @title For whom a call counts: the caller, or the owner of the intent that the executor is running.
library Acting {
    /// @dev A caller without code that pays for itself is nobody's executor: it is not asked about.
    function caller(address slotContext) internal view returns (address) {
        // solhint-disable-next-line avoid-tx-origin
        if (msg.sender == tx.origin) return msg.sender;
        return ISlotContext(slotContext).actorOf(msg.sender);
    }
}
