// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DeliveryBatch} from "../../../contracts/messaging/DeliveryBatch.sol";
import {IMailbox} from "../../../contracts/messaging/IMailbox.sol";
import {TestBase} from "../TestBase.sol";

/// @dev A Mailbox whose handlers do what the message's first byte says.
contract MoodyMailbox {
    error Refused(uint256 code);

    uint256 public processed;

    function process(bytes calldata, bytes calldata message) external payable {
        uint8 mood = uint8(message[0]);
        if (mood == 1) revert Refused(7);
        if (mood == 2) {
            assembly {
                revert(0, 1000000)
            }
        }
        if (mood == 3) {
            while (true) {}
        }
        if (mood == 4) {
            assembly {
                return(0, 1000000)
            }
        }
        ++processed;
    }
}

/// @dev One bad message in a batch costs the others nothing.
contract DeliveryBatchTest is TestBase {
    DeliveryBatch private immutable batch = new DeliveryBatch();
    MoodyMailbox private immutable mailbox = new MoodyMailbox();

    function test_aMessageThatFailsLeavesTheOthersDelivered() public {
        DeliveryBatch.Outcome[] memory outcomes = deliver(hex"0001000200030004");
        assertEq(mailbox.processed(), 4, "the good ones");
        bool[8] memory expected = [true, false, true, false, true, false, true, true];
        for (uint256 i = 0; i < 8; ++i) {
            assertTrue(outcomes[i].delivered == expected[i], "outcome");
        }
        assertEq(
            keccak256(outcomes[1].reason),
            keccak256(abi.encodeWithSelector(MoodyMailbox.Refused.selector, 7)),
            "the reason as it was given"
        );
        assertEq(outcomes[3].reason.length, 256, "of a megabyte its beginning");
        assertEq(outcomes[5].reason.length, 0, "gas ran out without a word");
    }

    function test_aDeliveryUsesNoMoreGasThanItsLimit() public {
        DeliveryBatch.Outcome[] memory outcomes = deliver(hex"03");
        // The call itself and its memory come on top.
        assertTrue(outcomes[0].gasUsed < 300_000 + 5_000, "within its limit");
    }

    function test_anEmptyBatchDoesNothing() public {
        assertEq(deliver("").length, 0, "no outcome");
    }

    function deliver(bytes memory moods) private returns (DeliveryBatch.Outcome[] memory) {
        DeliveryBatch.Delivery[] memory all = new DeliveryBatch.Delivery[](moods.length);
        for (uint256 i = 0; i < moods.length; ++i) {
            all[i] = DeliveryBatch.Delivery(3_000_000, "", abi.encodePacked(moods[i]));
            if (moods[i] == 0x03) all[i].gasLimit = 300_000;
        }
        return batch.deliver(IMailbox(address(mailbox)), all);
    }
}
