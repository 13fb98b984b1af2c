// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ledger} from "../../../contracts/hub/Ledger.sol";
import {ILedger} from "../../../contracts/hub/ILedger.sol";
import {HubVault} from "../../../contracts/hub/HubVault.sol";
import {IHubVault} from "../../../contracts/hub/IHubVault.sol";
import {CreditBook} from "../../../contracts/hub/CreditBook.sol";
import {ICreditBook} from "../../../contracts/hub/ICreditBook.sol";
import {MarginVerifier} from "../../../contracts/hub/MarginVerifier.sol";
import {IMarginVerifier} from "../../../contracts/hub/IMarginVerifier.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Checkpoint} from "../../../contracts/libraries/CheckpointHash.sol";
import {NetworkDomain} from "../../../contracts/libraries/NetworkDomain.sol";
import {IMessageEndpoint} from "../../../contracts/messaging/IMessageEndpoint.sol";
import {CreditValuer} from "../../../contracts/messaging/CreditValuer.sol";
import {EarlyMessages} from "../../../contracts/messaging/EarlyMessages.sol";
import {IEarlyMessages} from "../../../contracts/messaging/IEarlyMessages.sol";
import {ISequencedIsm} from "../../../contracts/messaging/ISequencedIsm.sol";
import {SequencedIsm} from "../../../contracts/messaging/SequencedIsm.sol";
import {BundleExecutor} from "../../../contracts/sequencing/BundleExecutor.sol";
import {IBundleExecutor} from "../../../contracts/sequencing/IBundleExecutor.sol";
import {SlotContext} from "../../../contracts/sequencing/SlotContext.sol";
import {IProtocolRegistry} from "../../../contracts/spoke/IProtocolRegistry.sol";
import {ISpokeCredit} from "../../../contracts/spoke/ISpokeCredit.sol";
import {ISpokeVault} from "../../../contracts/spoke/ISpokeVault.sol";
import {ProtocolRegistry} from "../../../contracts/spoke/ProtocolRegistry.sol";
import {SpokeCredit} from "../../../contracts/spoke/SpokeCredit.sol";
import {SpokeVault} from "../../../contracts/spoke/SpokeVault.sol";
import {
    Change,
    InstrumentRisk,
    MarginAttestation,
    SignedInstrumentRisk
} from "../../../contracts/types/Margin.sol";
import {FakeMarks} from "../fakes/FakeMarks.sol";
import {FakeProtocol} from "../fakes/FakeProtocol.sol";
import {LateProxy} from "../fakes/LateProxy.sol";
import {FakeNetworkId} from "../fakes/FakeSlotContext.sol";
import {FakeMultisig, FakeRouting, HostileMailbox} from "../fakes/HostileMailbox.sol";
import {TestToken} from "../fakes/OddTokens.sol";
import {TestBase} from "../TestBase.sol";

/// @dev The pool on a hub and two rollups, all in one chain, each with its own mailbox and slot context.
abstract contract PoolFixture is TestBase {
    /// @dev One rollup of the fixture.
    struct Rollup {
        uint32 chainId;
        HostileMailbox mailbox;
        FakeMultisig multisig;
        EarlyMessages early;
        SequencedIsm fast;
        SlotContext slots;
        BundleExecutor executor;
        SpokeVault vault;
        SpokeCredit credit;
        ProtocolRegistry registry;
        FakeProtocol protocol;
        TestToken usdc;
        TestToken weth;
    }

    bytes32 internal constant LOG_ID = keccak256("log");
    address internal constant SYSTEM = address(0x5157);
    address internal constant GOVERNANCE = address(0x60);
    address internal constant GUARDIAN = address(0x61);
    address internal constant LIQUIDATION = address(0x63);
    uint256 internal constant RISK_KEY = 0xB0B;
    uint256 internal constant VALIDATOR_KEY = 0x7A1;
    uint32 internal constant HUB = 901;
    uint32 internal constant ALPHA = 902;
    uint32 internal constant BETA = 903;
    uint16 internal constant USDC = 1;
    uint16 internal constant WETH = 2;
    uint16 internal constant ETH = 2;
    uint64 internal constant START_MS = 1_790_000_000_000;
    uint256 internal constant MARK18 = 100e18;
    uint256 internal constant REQUIREMENT18 = 40e18;
    uint64 internal constant SPOT8 = 2000e8;
    uint64 internal constant FAST_CAP6 = 10_000_000e6;

    Ledger internal ledger;
    HubVault internal hubVault;
    CreditBook internal book;
    MarginVerifier internal verifier;
    SlotContext internal hubSlots;
    BundleExecutor internal hubExecutor;
    HostileMailbox internal hubMailbox;
    FakeMultisig internal hubMultisig;
    EarlyMessages internal hubEarly;
    SequencedIsm internal hubAlpha;
    SequencedIsm internal hubBeta;
    FakeRouting internal hubFast;
    CreditValuer internal valuer;
    FakeMarks internal marks;
    FakeNetworkId internal networkId;
    Rollup internal alpha;
    Rollup internal beta;
    uint64 internal slot;

    function setUpPool() internal {
        marks = new FakeMarks();
        networkId = new FakeNetworkId(LOG_ID);
        hubMailbox = new HostileMailbox(HUB);
        hubMultisig = new FakeMultisig(vm.addr(VALIDATOR_KEY));
        hubSlots = SlotContext(proxied(address(new SlotContext())));
        hubExecutor = _executor(address(hubSlots));
        hubSlots.initialize(SYSTEM, GOVERNANCE, address(hubExecutor));
        hubEarly = EarlyMessages(proxied(address(new EarlyMessages())));
        valuer = new CreditValuer(address(marks));
        hubAlpha = _module(address(hubSlots), hubEarly, address(hubMultisig), ALPHA);
        hubBeta = _module(address(hubSlots), hubEarly, address(hubMultisig), BETA);
        ledger = Ledger(proxied(address(new Ledger())));
        hubVault = HubVault(payable(proxied(address(new HubVault()))));
        book = CreditBook(payable(proxied(address(new CreditBook()))));
        verifier = MarginVerifier(proxied(address(new MarginVerifier())));
        _createRollup(alpha, ALPHA);
        _createRollup(beta, BETA);
        _initialiseHub();
        _initialiseRollup(alpha, 1);
        _initialiseRollup(beta, 2);
        openSlot();
        marks.set(ETH, SPOT8, START_MS);
    }

    function proxied(address implementation) internal returns (address) {
        return address(new LateProxy(implementation));
    }

    function _executor(address slots) private returns (BundleExecutor executor) {
        executor = BundleExecutor(proxied(address(new BundleExecutor())));
        executor.initialize(IBundleExecutor.Config(slots, address(networkId)));
    }

    function asRouter(address contractAddress) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(contractAddress)));
    }

    function accountOf(address owner) internal pure returns (bytes32) {
        return bytes32(bytes20(owner));
    }

    /// @dev Opens the next slot on all three rollups with nothing listed.
    function openSlot() internal {
        openSlot(new bytes32[](0), new bytes32[](0));
    }

    function openSlot(bytes32[] memory bundles, bytes32[] memory joints) internal {
        ++slot;
        uint64 nowMs = (slot == 1 ? START_MS : hubSlots.timestampMs()) + 10;
        vm.startPrank(SYSTEM);
        hubSlots.open(slot, nowMs, bundles, joints);
        alpha.slots.open(slot, nowMs, bundles, joints);
        beta.slots.open(slot, nowMs, bundles, joints);
        vm.stopPrank();
    }

    /// @dev Delivers the last message of a mailbox as the sequencer does, without validators.
    function deliverFast(HostileMailbox from) internal {
        bytes memory message = from.outbox(from.sent() - 1);
        (SlotContext slots, HostileMailbox to, ) = _destination(message);
        vm.prank(SYSTEM);
        slots.deliver(address(to), message);
    }

    /// @dev Delivers the last message of a mailbox with validators' signatures.
    function deliverSigned(HostileMailbox from) internal {
        deliverSigned(from.outbox(from.sent() - 1));
    }

    function deliverSigned(bytes memory message) internal {
        (, HostileMailbox to, FakeMultisig multisig) = _destination(message);
        multisig.confirm(keccak256(message));
        to.process("", message);
    }

    /// @dev A checkpoint of an origin's that names a message at a nonce.
    function checkpointOf(
        uint32 origin,
        uint32 nonce,
        bytes32 messageId
    ) internal pure returns (Checkpoint memory c) {
        c.merkleTreeHook = keccak256("hook");
        c.root = keccak256("root");
        c.index = nonce;
        c.messageId = messageId;
        bytes32 domain = keccak256(abi.encodePacked(origin, c.merkleTreeHook, "HYPERLANE"));
        bytes32 content = keccak256(abi.encodePacked(domain, c.root, c.index, c.messageId));
        c.signatures = signed(VALIDATOR_KEY, MessageHashUtils.toEthSignedMessageHash(content));
    }

    /// @dev The checkpoint of a message that was sent.
    function checkpointOf(bytes memory message) internal pure returns (Checkpoint memory) {
        (uint32 origin, uint32 nonce) = _placeOf(message);
        return checkpointOf(origin, nonce, keccak256(message));
    }

    function _placeOf(bytes memory message) internal pure returns (uint32 from, uint32 nonce) {
        assembly {
            nonce := shr(224, mload(add(message, 33)))
            from := shr(224, mload(add(message, 37)))
        }
    }

    /// @dev Deposits and has the claim credited.
    function fund(Rollup storage rollup, uint16 asset, uint256 amount, address owner) internal {
        TestToken token = asset == USDC ? rollup.usdc : rollup.weth;
        token.mint(owner, amount);
        vm.startPrank(owner);
        token.approve(address(rollup.vault), amount);
        rollup.vault.deposit(asset, amount, accountOf(owner));
        vm.stopPrank();
        deliverSigned(rollup.mailbox);
    }

    /// @dev Grants and delivers the lease.
    function lease(Rollup storage rollup, address owner, uint256 amount18) internal {
        bytes32 account = accountOf(owner);
        MarginAttestation memory a = attestation(account, 1e30);
        vm.prank(owner);
        book.grant(account, rollup.chainId, amount18, leaseEnd(), a, sign(a));
        deliverSigned(hubMailbox);
    }

    function leaseEnd() internal pure returns (uint40) {
        return uint40(START_MS / 1000 + 1 days);
    }

    /// @dev An attestation about the portfolio as it is now.
    function attestation(
        bytes32 account,
        int256 initial18
    ) internal view returns (MarginAttestation memory a) {
        a.account = account;
        a.positionsHash = book.positionsHash(account);
        a.marksSeq = marks.marksSeq();
        a.paramsVersion = 1;
        a.initial18 = initial18;
        a.maintenance18 = initial18;
        a.equity18 = initial18;
        a.validUntilSlot = slot + 100;
        a.worstScenario = 7;
    }

    function sign(MarginAttestation memory a) internal pure returns (bytes memory) {
        return sign(a, RISK_KEY);
    }

    function sign(MarginAttestation memory a, uint256 key) internal pure returns (bytes memory) {
        bytes32 typehash = keccak256(
            "MarginAttestation(bytes32 account,bytes32 positionsHash,uint64 marksSeq,uint32 paramsVersion,int256 initial18,int256 maintenance18,int256 markToMarket18,int256 equity18,uint8 worstScenario,uint64 validUntilSlot)"
        );
        return signed(key, NetworkDomain.digest(LOG_ID, keccak256(abi.encode(typehash, a))));
    }

    function riskOf(
        uint256 instrument
    ) internal view returns (SignedInstrumentRisk[] memory risks) {
        InstrumentRisk memory r = InstrumentRisk(
            instrument,
            marks.marksSeq(),
            MARK18,
            REQUIREMENT18,
            REQUIREMENT18,
            slot + 100
        );
        risks = new SignedInstrumentRisk[](1);
        risks[0] = SignedInstrumentRisk(r, sign(r, RISK_KEY));
    }

    function sign(InstrumentRisk memory r, uint256 key) internal pure returns (bytes memory) {
        bytes32 typehash = keccak256(
            "InstrumentRisk(uint256 instrument,uint64 marksSeq,uint256 mark18,uint256 longRequirement18,uint256 shortRequirement18,uint64 validUntilSlot)"
        );
        return signed(key, NetworkDomain.digest(LOG_ID, keccak256(abi.encode(typehash, r))));
    }

    /// @dev An option of a protocol that expires in ten days.
    function optionOf(uint32 protocolId, uint64 strike) internal pure returns (uint256) {
        return optionOf(protocolId, strike, uint40(START_MS / 1000 + 10 days));
    }

    function optionOf(
        uint32 protocolId,
        uint64 strike,
        uint40 expiryS
    ) internal pure returns (uint256) {
        return
            (uint256(protocolId) << 136) |
            (uint256(ETH) << 120) |
            (uint256(1) << 112) |
            (uint256(expiryS) << 72) |
            (uint256(strike) << 8);
    }

    /// @dev Buyer pays seller `price18` per contract; both autonomous unless `salt` makes the buyer joint.
    function trade(
        bytes32 buyer,
        bytes32 seller,
        uint256 instrument,
        uint256 size18,
        uint256 price18,
        bytes32 salt
    ) internal pure returns (Change[] memory changes) {
        int256 cash18 = int256((size18 * price18) / 1e18);
        changes = new Change[](2);
        changes[0] = Change(buyer, instrument, int256(size18), -cash18, salt);
        changes[1] = Change(seller, instrument, -int256(size18), cash18, 0);
    }

    function _destination(
        bytes memory message
    ) internal view returns (SlotContext, HostileMailbox, FakeMultisig) {
        uint256 domain;
        assembly {
            domain := shr(224, mload(add(message, 73)))
        }
        if (domain == HUB) return (hubSlots, hubMailbox, hubMultisig);
        Rollup storage r = domain == ALPHA ? alpha : beta;
        return (r.slots, r.mailbox, r.multisig);
    }

    function _createRollup(Rollup storage r, uint32 chainId) private {
        r.chainId = chainId;
        r.mailbox = new HostileMailbox(chainId);
        r.multisig = new FakeMultisig(vm.addr(VALIDATOR_KEY));
        r.slots = SlotContext(proxied(address(new SlotContext())));
        r.executor = _executor(address(r.slots));
        r.slots.initialize(SYSTEM, GOVERNANCE, address(r.executor));
        r.early = EarlyMessages(proxied(address(new EarlyMessages())));
        r.fast = _module(address(r.slots), r.early, address(r.multisig), HUB);
        r.vault = SpokeVault(payable(proxied(address(new SpokeVault()))));
        r.credit = SpokeCredit(payable(proxied(address(new SpokeCredit()))));
        r.registry = ProtocolRegistry(proxied(address(new ProtocolRegistry())));
        r.protocol = new FakeProtocol();
        r.usdc = new TestToken(6);
        r.weth = new TestToken(18);
    }

    function _initialiseHub() private {
        ILedger.Config memory l;
        l.governance = GOVERNANCE;
        l.writers = new ILedger.Writer[](3);
        l.writers[0] = ILedger.Writer(address(hubVault), true, false);
        l.writers[1] = ILedger.Writer(address(book), false, true);
        l.writers[2] = ILedger.Writer(LIQUIDATION, false, true);
        l.assets = new ILedger.AssetConfig[](2);
        l.assets[0] = ILedger.AssetConfig(USDC, 0, 0, 1e30, new ILedger.TokenConfig[](2));
        l.assets[0].tokens[0] = ILedger.TokenConfig(ALPHA, address(alpha.usdc), 6);
        l.assets[0].tokens[1] = ILedger.TokenConfig(BETA, address(beta.usdc), 6);
        l.assets[1] = ILedger.AssetConfig(WETH, ETH, 1_000, 1e24, new ILedger.TokenConfig[](2));
        l.assets[1].tokens[0] = ILedger.TokenConfig(ALPHA, address(alpha.weth), 18);
        l.assets[1].tokens[1] = ILedger.TokenConfig(BETA, address(beta.weth), 18);
        ledger.initialize(l);

        verifier.initialize(
            IMarginVerifier.Config(
                GOVERNANCE,
                address(networkId),
                address(hubSlots),
                address(marks),
                address(ledger),
                IMarginVerifier.Rules(vm.addr(RISK_KEY), 1, 2, 60_000)
            )
        );
        hubVault.initialize(
            IHubVault.Config(
                _endpoint(
                    hubMailbox,
                    address(hubMultisig),
                    address(alpha.vault),
                    address(beta.vault)
                ),
                address(ledger),
                address(book),
                address(hubEarly)
            )
        );
        _initialiseEarly();
        ICreditBook.Config memory c;
        c.endpoint = _endpoint(
            hubMailbox,
            address(hubFast),
            address(alpha.credit),
            address(beta.credit)
        );
        c.ledger = address(ledger);
        c.slotContext = address(hubSlots);
        c.marginVerifier = address(verifier);
        c.liquidation = LIQUIDATION;
        c.rules = ICreditBook.Rules(30 days, 1_000_000e18, 5_000_000e18);
        c.spokeCaps = new ICreditBook.SpokeCap[](2);
        c.spokeCaps[0] = ICreditBook.SpokeCap(ALPHA, 3_000_000e18);
        c.spokeCaps[1] = ICreditBook.SpokeCap(BETA, 3_000_000e18);
        c.protocols = new ICreditBook.ProtocolHome[](2);
        c.protocols[0] = ICreditBook.ProtocolHome(1, ALPHA);
        c.protocols[1] = ICreditBook.ProtocolHome(2, BETA);
        book.initialize(c);
    }

    function _module(
        address slots,
        EarlyMessages early,
        address multisig,
        uint32 origin
    ) private returns (SequencedIsm ism) {
        ism = SequencedIsm(proxied(address(new SequencedIsm())));
        ism.initialize(ISequencedIsm.Config(slots, address(early), multisig, origin));
    }

    function _initialiseEarly() private {
        hubFast = new FakeRouting();
        hubFast.set(ALPHA, address(hubAlpha));
        hubFast.set(BETA, address(hubBeta));
        IEarlyMessages.Module[] memory modules = new IEarlyMessages.Module[](2);
        modules[0] = IEarlyMessages.Module(ALPHA, address(hubAlpha));
        modules[1] = IEarlyMessages.Module(BETA, address(hubBeta));
        _initEarly(hubEarly, address(hubMailbox), address(hubSlots), modules, address(book));
        modules = new IEarlyMessages.Module[](1);
        modules[0] = IEarlyMessages.Module(HUB, address(alpha.fast));
        _initEarly(
            alpha.early,
            address(alpha.mailbox),
            address(alpha.slots),
            modules,
            address(alpha.credit)
        );
        modules[0] = IEarlyMessages.Module(HUB, address(beta.fast));
        _initEarly(
            beta.early,
            address(beta.mailbox),
            address(beta.slots),
            modules,
            address(beta.credit)
        );
    }

    function _initEarly(
        EarlyMessages early,
        address mailbox,
        address slots,
        IEarlyMessages.Module[] memory modules,
        address credit
    ) private {
        IEarlyMessages.Config memory c;
        c.governance = GOVERNANCE;
        c.guardian = GUARDIAN;
        c.mailbox = mailbox;
        c.slotContext = slots;
        c.modules = modules;
        c.caps = new IEarlyMessages.Cap[](modules.length);
        for (uint256 i = 0; i < modules.length; ++i) {
            c.caps[i] = IEarlyMessages.Cap(modules[i].origin, address(0), FAST_CAP6);
        }
        c.valuers = new IEarlyMessages.Valuer[](1);
        c.valuers[0] = IEarlyMessages.Valuer(credit, address(valuer));
        early.initialize(c);
    }

    function _initialiseRollup(Rollup storage r, uint32 protocolId) private {
        ISpokeVault.Config memory v;
        v.endpoint = _endpoint(r.mailbox, address(r.multisig), address(hubVault));
        v.hubChainId = HUB;
        v.assets = new ISpokeVault.AssetConfig[](2);
        v.assets[0] = ISpokeVault.AssetConfig(USDC, address(r.usdc), 6, 1e15);
        v.assets[1] = ISpokeVault.AssetConfig(WETH, address(r.weth), 18, 1e24);
        r.vault.initialize(v);

        IProtocolRegistry.ProtocolConfig[] memory p = new IProtocolRegistry.ProtocolConfig[](1);
        p[0] = IProtocolRegistry.ProtocolConfig(protocolId, address(r.protocol), 1e26, 1e26);
        r.registry.initialize(IProtocolRegistry.Config(GOVERNANCE, GUARDIAN, p));
        r.credit.initialize(
            ISpokeCredit.Config(
                _endpoint(r.mailbox, address(r.fast), address(book)),
                HUB,
                address(r.slots),
                address(r.registry),
                address(marks),
                vm.addr(RISK_KEY),
                2
            )
        );
        r.protocol.initialize(address(r.credit), address(r.slots), protocolId);
    }

    function _endpoint(
        HostileMailbox mailbox,
        address ism,
        address onAlpha,
        address onBeta
    ) private view returns (IMessageEndpoint.EndpointConfig memory e) {
        e = _endpoint(mailbox, ism, address(0));
        e.peers = new IMessageEndpoint.Peer[](2);
        e.peers[0] = IMessageEndpoint.Peer(ALPHA, asRouter(onAlpha));
        e.peers[1] = IMessageEndpoint.Peer(BETA, asRouter(onBeta));
    }

    function _endpoint(
        HostileMailbox mailbox,
        address ism,
        address hubPeer
    ) private view returns (IMessageEndpoint.EndpointConfig memory e) {
        e.governance = GOVERNANCE;
        e.guardian = GUARDIAN;
        e.mailbox = address(mailbox);
        e.networkId = address(networkId);
        e.ism = ism;
        e.peers = new IMessageEndpoint.Peer[](1);
        e.peers[0] = IMessageEndpoint.Peer(HUB, asRouter(hubPeer));
    }
}
