// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {IHubVault} from "../../../contracts/hub/IHubVault.sol";
import {ILedger} from "../../../contracts/hub/ILedger.sol";
import {MessageHeader, MessageLib} from "../../../contracts/libraries/MessageLib.sol";
import {IMessageEndpoint} from "../../../contracts/messaging/IMessageEndpoint.sol";
import {ISequencedIsm} from "../../../contracts/messaging/ISequencedIsm.sol";
import {SequencedIsm} from "../../../contracts/messaging/SequencedIsm.sol";
import {ISpokeVault} from "../../../contracts/spoke/ISpokeVault.sol";
import {
    DepositBody,
    MessageClass,
    MessageType,
    PaymentBody
} from "../../../contracts/types/Messages.sol";
import {HostileMailbox} from "../fakes/HostileMailbox.sol";
import {PoolFixture} from "../pool/PoolFixture.sol";

/// @dev Who may say what to whom, once.
contract MessagesTest is PoolFixture {
    address private constant OWNER = address(0xA11CE);

    function setUp() public {
        setUpPool();
    }

    function test_onlyTheMailboxHandsMessagesOver() public {
        vm.expectPartialRevert(IMessageEndpoint.Unauthorised.selector);
        hubVault.handle(ALPHA, asRouter(address(alpha.vault)), depositMessage(0));
    }

    function test_aSenderThatIsNoPeerIsRefused() public {
        vm.startPrank(address(hubMailbox));
        vm.expectPartialRevert(IMessageEndpoint.WrongSender.selector);
        hubVault.handle(ALPHA, asRouter(address(this)), depositMessage(0));
        vm.expectPartialRevert(IMessageEndpoint.WrongSender.selector);
        hubVault.handle(BETA, asRouter(address(alpha.vault)), depositMessage(0));
        vm.expectRevert(abi.encodeWithSelector(IMessageEndpoint.UnknownPeer.selector, uint32(77)));
        hubVault.handle(77, asRouter(address(alpha.vault)), depositMessage(0));
    }

    function test_V7_aReplayChangesNothing() public {
        hand(depositMessage(3));
        vm.prank(address(hubMailbox));
        vm.expectRevert(
            abi.encodeWithSelector(
                IMessageEndpoint.AlreadyApplied.selector,
                ALPHA,
                MessageClass.Transfer,
                uint64(3)
            )
        );
        hubVault.handle(ALPHA, asRouter(address(alpha.vault)), depositMessage(3));
        assertEq(ledger.totalClaims(USDC), int256(5e18), "credited once");
    }

    function testFuzz_V7_anyOrderOfArrivalIsTakenOnce(uint64 a, uint64 b) public {
        vm.assume(a != b);
        hand(depositMessage(a));
        hand(depositMessage(b));
        assertTrue(hubVault.isApplied(ALPHA, MessageClass.Transfer, a), "a");
        assertTrue(hubVault.isApplied(ALPHA, MessageClass.Transfer, b), "b");
        vm.prank(address(hubMailbox));
        vm.expectPartialRevert(IMessageEndpoint.AlreadyApplied.selector);
        hubVault.handle(ALPHA, asRouter(address(alpha.vault)), depositMessage(a));
    }

    function test_anotherNetworksMessageIsRefused() public {
        bytes memory body = abi.encode(DepositBody(USDC, 5e18, accountOf(OWNER)));
        bytes memory message = MessageLib.encode(
            MessageHeader(MessageType.Deposit, MessageClass.Transfer, 0, bytes8("other")),
            body
        );
        expectRefusal(message, IMessageEndpoint.WrongLog.selector);
    }

    function test_malformedHeadersAreRefused() public {
        expectRefusal(hex"0101", IMessageEndpoint.MessageTooShort.selector);
        bytes memory message = depositMessage(0);
        message[0] = 0x02;
        expectRefusal(message, IMessageEndpoint.UnknownVersion.selector);
        message = depositMessage(0);
        message[1] = 0x00;
        expectRefusal(message, IMessageEndpoint.UnexpectedType.selector);
        message[1] = 0x09;
        expectRefusal(message, IMessageEndpoint.UnexpectedType.selector);
        message = depositMessage(0);
        message[2] = bytes1(uint8(MessageClass.Liquidation));
        expectRefusal(message, IMessageEndpoint.WrongClass.selector);
    }

    function test_aTypeForAnotherContractIsRefused() public {
        bytes memory message = MessageLib.encode(
            MessageHeader(MessageType.Payment, MessageClass.Withdrawal, 0, bytes8(LOG_ID)),
            abi.encode(PaymentBody(USDC, 1e18, OWNER))
        );
        expectRefusal(message, IMessageEndpoint.UnexpectedType.selector);
    }

    function test_nonceSequencesArePerDestinationAndClass() public {
        fund(alpha, USDC, 100e6, OWNER);
        fund(alpha, USDC, 100e6, OWNER);
        assertEq(alpha.vault.sentCount(HUB, MessageClass.Transfer), 2, "transfers");
        assertEq(alpha.vault.sentCount(HUB, MessageClass.Credit), 0, "credit");
        assertTrue(hubVault.isApplied(ALPHA, MessageClass.Transfer, 1), "second");
    }

    function test_secondInitialisationsAreRefused() public {
        IHubVault.Config memory hub;
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        hubVault.initialize(hub);
        ISpokeVault.Config memory spoke;
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        alpha.vault.initialize(spoke);
        ILedger.Config memory l;
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        ledger.initialize(l);
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        hubAlpha.initialize(
            ISequencedIsm.Config(address(this), address(this), address(this), ALPHA)
        );
    }

    function test_rolesAndPeersChangeByGovernanceOnly() public {
        vm.expectPartialRevert(IMessageEndpoint.Unauthorised.selector);
        book.setPeer(ALPHA, 0);
        vm.prank(GUARDIAN);
        vm.expectPartialRevert(IMessageEndpoint.Unauthorised.selector);
        book.setIsm(address(this));
        vm.prank(GOVERNANCE);
        book.setPeer(ALPHA, 0);
        assertEq(book.peer(ALPHA), bytes32(0), "peer removed");
    }

    function test_feesAreTakenFromTheCallerAndTheRestComesBack() public {
        alpha.mailbox.setFee(1 ether);
        alpha.usdc.mint(OWNER, 1e6);
        vm.deal(OWNER, 3 ether);
        vm.startPrank(OWNER);
        alpha.usdc.approve(address(alpha.vault), 1e6);
        vm.expectPartialRevert(IMessageEndpoint.MessageFeeUnpaid.selector);
        alpha.vault.deposit(USDC, 1e6, accountOf(OWNER));
        alpha.vault.deposit{value: 3 ether}(USDC, 1e6, accountOf(OWNER));
        assertEq(OWNER.balance, 2 ether, "rest");
    }

    function test_theFastModuleTakesOnlyWhatIsBeingDelivered() public {
        fund(alpha, USDC, 1000e6, OWNER);
        lease(alpha, OWNER, 10e18);
        vm.prank(OWNER);
        alpha.credit.giveBack(accountOf(OWNER), 10e18);
        bytes memory message = alpha.mailbox.outbox(alpha.mailbox.sent() - 1);
        vm.expectPartialRevert(HostileMailbox.Refused.selector);
        hubMailbox.process("", message);
        deliverFast(alpha.mailbox);
    }

    function test_V25_noVaultTakesAMessageThatValidatorsDidNotSign() public {
        bytes memory forged = hubMailbox.encode(
            0,
            HUB,
            asRouter(address(hubVault)),
            ALPHA,
            asRouter(address(alpha.vault)),
            MessageLib.encode(
                MessageHeader(MessageType.Payment, MessageClass.Withdrawal, 0, bytes8(LOG_ID)),
                abi.encode(PaymentBody(USDC, 1e18, OWNER))
            )
        );
        fund(alpha, USDC, 100e6, OWNER);
        vm.prank(SYSTEM);
        vm.expectPartialRevert(HostileMailbox.Refused.selector);
        alpha.slots.deliver(address(alpha.mailbox), forged);
    }

    function test_hyperlanesAgentsSeeAMultisig() public {
        assertEq(uint256(hubAlpha.moduleType()), 5, "type");
        (address[] memory validators, uint8 threshold) = hubAlpha.validatorsAndThreshold("");
        assertEq(validators.length, 1, "validators");
        assertEq(uint256(threshold), 1, "threshold");
        SequencedIsm other = SequencedIsm(proxied(address(new SequencedIsm())));
        RoutingType routing = new RoutingType();
        vm.expectRevert(
            abi.encodeWithSelector(ISequencedIsm.WrongModuleType.selector, uint8(1), uint8(5))
        );
        other.initialize(
            ISequencedIsm.Config(address(hubSlots), address(hubEarly), address(routing), ALPHA)
        );
    }

    function depositMessage(uint64 nonce) private pure returns (bytes memory) {
        return
            MessageLib.encode(
                MessageHeader(MessageType.Deposit, MessageClass.Transfer, nonce, bytes8(LOG_ID)),
                abi.encode(DepositBody(USDC, 5e18, accountOf(OWNER)))
            );
    }

    function hand(bytes memory message) private {
        vm.prank(address(hubMailbox));
        hubVault.handle(ALPHA, asRouter(address(alpha.vault)), message);
    }

    function expectRefusal(bytes memory message, bytes4 selector) private {
        vm.prank(address(hubMailbox));
        vm.expectPartialRevert(selector);
        hubVault.handle(ALPHA, asRouter(address(alpha.vault)), message);
    }
}

/// @dev Claims to be a routing module.
contract RoutingType {
    function moduleType() external pure returns (uint8) {
        return 1;
    }
}
