// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    GrantBody,
    MessageType,
    PaymentBody,
    ReassignBody,
    ReportLine,
    ReturnBody
} from "../../../contracts/types/Messages.sol";
import {Checkpoint} from "../../../contracts/libraries/CheckpointHash.sol";
import {EarlyMessages} from "../../../contracts/messaging/EarlyMessages.sol";
import {SlotContext} from "../../../contracts/sequencing/SlotContext.sol";
import {FakeMultisig, HostileMailbox} from "../fakes/HostileMailbox.sol";
import {PoolFixture} from "./PoolFixture.sol";

/// @dev Delivers any message ever dispatched, at any time, in any order, any number of times, and keeps account of
/// what is on its way.
abstract contract HostileWire is PoolFixture {
    /// @dev One message as Hyperlane and Tandem frame it.
    struct Parcel {
        uint32 origin;
        uint32 destination;
        address recipient;
        MessageType messageType;
        bytes body;
    }

    /// @dev USD × 10^18 on the way between the hub and a spoke.
    mapping(bytes32 account => mapping(uint32 chainId => uint256)) public creditInFlight;
    /// @dev What the hub's position lacks of the spoke's: Reports less Reassigns on their way.
    mapping(bytes32 account => mapping(uint256 instrument => int256)) public sizeInFlight;
    /// @dev What Reports on their way will change on the hub.
    mapping(bytes32 account => mapping(uint256 instrument => int256)) internal reportedSize18;
    mapping(bytes32 account => int256) internal reportedCash18;
    mapping(bytes32 account => uint256) internal reportedUse18;
    mapping(bytes32 account => uint256) internal reportsInFlight;
    mapping(bytes32 account => mapping(uint256 instrument => uint256)) private reassignsInFlight;
    /// @dev The account traded on a spoke what the hub had just moved by a liquidation, and the spoke did not know.
    mapping(bytes32 account => bool) public raced;
    /// @dev Payments that vaults took, in 18 decimals.
    mapping(uint32 chainId => mapping(uint16 asset => uint256)) public paymentsTaken;
    mapping(bytes32 messageId => bool) public confirmed;
    mapping(bytes32 messageId => bool) public applied;

    /// @dev V7: a message changed the state a second time.
    bool public appliedTwice;
    /// @dev V25: a vault took a message that validators had not signed.
    bool public vaultTookUnsigned;
    /// @dev V16: a Report's cash did not sum to zero.
    bool public reportUnbalanced;

    /// @dev V25: a payment left that waits for no confirmation of a message which nobody sent.
    bool public exitOnForged;
    /// @dev Place of the first forged message that the hub accepted.
    uint64 public firstForged = type(uint64).max;

    bytes[] internal wire;
    /// @dev One above the place on the wire, by the first bytes of a message's id.
    mapping(bytes20 id => uint256) private onWire;
    uint256[3] private seen;

    /// @dev Takes up what was dispatched since the last call.
    function collect() internal {
        _collect(hubMailbox, 0);
        _collect(alpha.mailbox, 1);
        _collect(beta.mailbox, 2);
    }

    /// @dev Brings one message; refusals are fine, wrong acceptances are remembered.
    function bring(uint256 index, bool withSignatures) internal returns (bool taken) {
        bytes memory message = wire[index % wire.length];
        (SlotContext slots, HostileMailbox to, FakeMultisig multisig) = _destination(message);
        bytes32 id = keccak256(message);
        if (withSignatures) {
            multisig.confirm(id);
            confirmed[id] = true;
            try to.process("", message) {
                taken = true;
            } catch {}
        } else {
            vm.prank(SYSTEM);
            try slots.deliver(address(to), message) {
                taken = true;
            } catch {}
        }
        if (taken) _arrived(id, open(message));
        collect();
    }

    /// @dev Validators sign some of what a chain accepted early, beginning anywhere; what nobody sent never.
    function confirmSome(EarlyMessages early, uint256 word) internal returns (uint256 count) {
        uint64 below = early.confirmedBelow();
        uint64 end = early.accepted();
        if (below == end) return 0;
        uint64[] memory places = new uint64[](1);
        Checkpoint[] memory checkpoints = new Checkpoint[](1);
        for (uint64 i = below + uint64(word % (end - below)); i < end && count < 8; ++i) {
            (bytes20 id, , , ) = early.earlyAt(i);
            uint256 found = onWire[id];
            if (found == 0) continue;
            places[0] = i;
            checkpoints[0] = checkpointOf(wire[found - 1]);
            early.confirm(places, checkpoints);
            ++count;
        }
    }

    /// @dev Whoever is paid: what the payment waited for must end before the first lie (V25).
    function left(uint64 until) internal {
        if (until > firstForged) exitOnForged = true;
    }

    /// @dev Begins afresh: everything sent so far arrived.
    function forgetWire() internal {
        seen = [hubMailbox.sent(), alpha.mailbox.sent(), beta.mailbox.sent()];
    }

    function open(bytes memory message) internal pure returns (Parcel memory p) {
        bytes32 first;
        bytes32 last;
        assembly {
            first := mload(add(message, 37))
            last := mload(add(message, 73))
        }
        p.origin = uint32(bytes4(first));
        p.destination = uint32(bytes4(last));
        assembly {
            last := mload(add(message, 77))
        }
        p.recipient = address(uint160(uint256(last)));
        p.messageType = MessageType(uint8(message[78]));
        p.body = new bytes(message.length - 96);
        for (uint256 i = 0; i < p.body.length; ++i) {
            p.body[i] = message[96 + i];
        }
    }

    function _collect(HostileMailbox mailbox, uint256 place) private {
        uint256 sent = mailbox.sent();
        for (uint256 i = seen[place]; i < sent; ++i) {
            bytes memory message = mailbox.outbox(i);
            wire.push(message);
            onWire[bytes20(keccak256(message))] = wire.length;
            _left(open(message));
        }
        seen[place] = sent;
    }

    function _left(Parcel memory p) private {
        if (p.messageType == MessageType.Grant) {
            GrantBody memory g = abi.decode(p.body, (GrantBody));
            creditInFlight[g.account][p.destination] += g.amount18;
        } else if (p.messageType == MessageType.Return) {
            ReturnBody memory r = abi.decode(p.body, (ReturnBody));
            creditInFlight[r.account][p.origin] += r.leased18;
        } else if (p.messageType == MessageType.Report) {
            _addReport(abi.decode(p.body, (ReportLine[])), 1);
        } else if (p.messageType == MessageType.Reassign) {
            _addReassign(abi.decode(p.body, (ReassignBody)), -1);
        }
    }

    function _arrived(bytes32 id, Parcel memory p) private {
        if (applied[id]) appliedTwice = true;
        applied[id] = true;
        bool toVault =
            p.recipient == address(hubVault) ||
                p.recipient == address(alpha.vault) ||
                p.recipient == address(beta.vault);
        if (toVault && !confirmed[id]) vaultTookUnsigned = true;

        if (p.messageType == MessageType.Grant) {
            GrantBody memory g = abi.decode(p.body, (GrantBody));
            creditInFlight[g.account][p.destination] -= g.amount18;
        } else if (p.messageType == MessageType.Return) {
            ReturnBody memory r = abi.decode(p.body, (ReturnBody));
            creditInFlight[r.account][p.origin] -= r.leased18;
        } else if (p.messageType == MessageType.Report) {
            _addReport(abi.decode(p.body, (ReportLine[])), -1);
        } else if (p.messageType == MessageType.Reassign) {
            _addReassign(abi.decode(p.body, (ReassignBody)), 1);
        } else if (p.messageType == MessageType.Payment) {
            PaymentBody memory payment = abi.decode(p.body, (PaymentBody));
            paymentsTaken[p.destination][payment.asset] += payment.amount18;
        }
    }

    function _addReport(ReportLine[] memory lines, int256 sign) private {
        int256 cash18;
        for (uint256 i = 0; i < lines.length; ++i) {
            (bytes32 account, uint256 instrument) = (lines[i].account, lines[i].instrument);
            sizeInFlight[account][instrument] += sign * lines[i].size18;
            reportedSize18[account][instrument] += sign * lines[i].size18;
            reportedCash18[account] += sign * lines[i].cash18;
            reportedUse18[account] = _moved(reportedUse18[account], lines[i].used18, sign);
            reportsInFlight[account] = _moved(reportsInFlight[account], 1, sign);
            if (sign > 0 && reassignsInFlight[account][instrument] > 0) raced[account] = true;
            cash18 += lines[i].cash18;
        }
        if (cash18 != 0) reportUnbalanced = true;
    }

    /// @dev The hub moved already: until it arrives the spoke lacks it, so the sign is the other way round.
    function _addReassign(ReassignBody memory r, int256 sign) private {
        for (uint256 i = 0; i < r.lines.length; ++i) {
            (uint256 instrument, int256 size18) = (r.lines[i].instrument, r.lines[i].size18);
            sizeInFlight[r.from][instrument] -= sign * size18;
            sizeInFlight[r.to][instrument] += sign * size18;
            uint256 on = reassignsInFlight[r.from][instrument];
            reassignsInFlight[r.from][instrument] = _moved(on, 1, -sign);
            on = reassignsInFlight[r.to][instrument];
            reassignsInFlight[r.to][instrument] = _moved(on, 1, -sign);
        }
    }

    function _moved(uint256 value, uint256 by, int256 sign) private pure returns (uint256) {
        return sign > 0 ? value + by : value - by;
    }
}
