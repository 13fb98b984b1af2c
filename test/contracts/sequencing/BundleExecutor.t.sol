// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {IHubVault} from "../../../contracts/hub/IHubVault.sol";
import {IntentHash} from "../../../contracts/libraries/IntentHash.sol";
import {NetworkDomain} from "../../../contracts/libraries/NetworkDomain.sol";
import {IBundleExecutor} from "../../../contracts/sequencing/IBundleExecutor.sol";
import {BundleIntent, IntentCall} from "../../../contracts/types/Intents.sol";
import {PoolFixture} from "../pool/PoolFixture.sol";

/// @dev Signed intents: once, in their owner's name, by the system key alone.
contract BundleExecutorTest is PoolFixture {
    uint256 private constant OWNER_KEY = 0xA11CE5;

    Target private target;
    uint64 private chain;

    function setUp() public {
        setUpPool();
        target = new Target(address(hubExecutor));
        chain = uint64(block.chainid);
    }

    function test_callsRunInOrderInTheNameOfTheOwner() public {
        BundleIntent memory intent = intentOf(2);
        execute(intent, sign(intent, OWNER_KEY), 0, 2);
        assertEq(target.seen(), owner(), "owner");
        assertEq(target.calls(), 2, "calls");
        assertEq(hubExecutor.actingFor(), address(0), "idle");
        assertTrue(hubExecutor.isExecuted(owner(), 7, 1), "noted");
    }

    function test_noOtherKeyRunsACallOfABundleAlone() public {
        BundleIntent memory intent = intentOf(2);
        bytes memory signature = sign(intent, OWNER_KEY);
        vm.expectPartialRevert(IBundleExecutor.NotSystem.selector);
        hubExecutor.execute(intent, signature, 0, 1);
    }

    function test_aCallRunsOnce() public {
        BundleIntent memory intent = intentOf(2);
        execute(intent, sign(intent, OWNER_KEY), 0, 1);
        execute(intent, sign(intent, OWNER_KEY), 1, 1);
        expectRefused(
            intent,
            abi.encodeWithSelector(IBundleExecutor.AlreadyExecuted.selector, owner(), 7, 0)
        );
    }

    function testFuzz_whatTheOwnerDidNotSignDoesNotRun(uint8 field) public {
        BundleIntent memory intent = intentOf(2);
        bytes memory signature = sign(intent, OWNER_KEY);
        uint256 which = field % 6;
        if (which == 0) intent.nonce += 1;
        if (which == 1) intent.deadlineS += 1;
        if (which == 2) intent.calls[1].target = address(this);
        if (which == 3) intent.calls[0].gas += 1;
        if (which == 4) intent.calls[0].data = hex"00";
        if (which == 5) intent.owner = address(0xBAD);
        vm.prank(SYSTEM);
        vm.expectPartialRevert(IBundleExecutor.NotSigned.selector);
        hubExecutor.execute(intent, signature, 0, 1);
    }

    function test_aContractOwnsAnIntentByItsOwnRule() public {
        BundleIntent memory intent = intentOf(1);
        intent.owner = address(new Wallet(vm.addr(OWNER_KEY)));
        execute(intent, sign(intent, OWNER_KEY), 0, 1);
        assertEq(target.seen(), intent.owner, "the contract acts");
        intent.nonce += 1;
        expectRefusedBy(intent, sign(intent, 0xBAD), IBundleExecutor.NotSigned.selector);
    }

    function test_timeOtherChainsAndPlacesAreChecked() public {
        BundleIntent memory late = intentOf(1);
        late.deadlineS = uint64(hubSlots.timestampMs() / 1000) - 1;
        expectRefusedBy(late, sign(late, OWNER_KEY), IBundleExecutor.IntentExpired.selector);
        BundleIntent memory foreign = intentOf(1);
        foreign.calls[0].chainId = chain + 1;
        expectRefusedBy(foreign, sign(foreign, OWNER_KEY), IBundleExecutor.WrongCall.selector);
        BundleIntent memory short = intentOf(1);
        bytes memory signature = sign(short, OWNER_KEY);
        vm.prank(SYSTEM);
        vm.expectPartialRevert(IBundleExecutor.WrongCall.selector);
        hubExecutor.execute(short, signature, 0, 2);
    }

    function test_oneRevertUndoesThemAll() public {
        BundleIntent memory intent = intentOf(2);
        intent.calls[1].data = abi.encodeCall(Target.fail, ());
        expectRefused(intent, abi.encodeWithSelector(Target.Failed.selector, 42));
        assertEq(target.calls(), 0, "nothing ran");
        assertTrue(!hubExecutor.isExecuted(owner(), 7, 0), "nothing noted");
    }

    /// @dev Whoever is censored takes its claim out by the vault itself: only the owner of the intent counts.
    function test_theVaultKnowsTheOwnerOfAnIntent() public {
        BundleIntent memory intent = intentOf(1);
        intent.calls[0].target = address(hubVault);
        intent.calls[0].data = abi.encodeCall(
            IHubVault.withdrawLiquidity,
            (accountOf(owner()), USDC, 0, ALPHA, owner())
        );
        expectRefused(intent, abi.encodeWithSelector(IHubVault.ZeroAmount.selector));
        intent.calls[0].data = abi.encodeCall(
            IHubVault.withdrawLiquidity,
            (accountOf(address(0xBEEF)), USDC, 0, ALPHA, owner())
        );
        expectRefused(
            intent,
            abi.encodeWithSelector(
                IHubVault.NotAccountOwner.selector,
                owner(),
                accountOf(address(0xBEEF))
            )
        );
    }

    /// @dev A contract that an intent calls does not inherit the owner's name.
    function test_theNameDoesNotPassOn() public {
        assertEq(hubSlots.actorOf(address(this)), address(this), "others are themselves");
        BundleIntent memory intent = intentOf(1);
        intent.calls[0].data = abi.encodeCall(Target.askAs, (address(hubSlots)));
        execute(intent, sign(intent, OWNER_KEY), 0, 1);
        assertEq(target.seen(), address(target), "the target is itself");
    }

    function test_aSecondInitialiseIsRefused() public {
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        hubExecutor.initialize(IBundleExecutor.Config(address(this), address(this)));
    }

    function hashOf(BundleIntent calldata intent) external pure returns (bytes32) {
        return IntentHash.hash(intent);
    }

    function execute(
        BundleIntent memory intent,
        bytes memory signature,
        uint256 first,
        uint256 count
    ) private {
        vm.prank(SYSTEM);
        hubExecutor.execute(intent, signature, first, count);
    }

    function expectRefused(BundleIntent memory intent, bytes memory reason) private {
        bytes memory signature = sign(intent, OWNER_KEY);
        vm.prank(SYSTEM);
        vm.expectRevert(reason);
        hubExecutor.execute(intent, signature, 0, intent.calls.length);
    }

    function expectRefusedBy(
        BundleIntent memory intent,
        bytes memory signature,
        bytes4 selector
    ) private {
        vm.prank(SYSTEM);
        vm.expectPartialRevert(selector);
        hubExecutor.execute(intent, signature, 0, 1);
    }

    function intentOf(uint256 calls) private view returns (BundleIntent memory intent) {
        intent.owner = owner();
        intent.nonce = 7;
        intent.deadlineS = uint64(hubSlots.timestampMs() / 1000) + 60;
        intent.calls = new IntentCall[](calls);
        for (uint256 i = 0; i < calls; ++i) {
            bytes memory data = abi.encodeCall(Target.touch, (i));
            intent.calls[i] = IntentCall(chain, address(target), 200_000, data);
        }
    }

    function sign(BundleIntent memory intent, uint256 key) private view returns (bytes memory) {
        return signed(key, NetworkDomain.digest(LOG_ID, this.hashOf(intent)));
    }

    function owner() private pure returns (address) {
        return vm.addr(OWNER_KEY);
    }
}

/// @dev Notes for whom it is called.
contract Target {
    error Failed(uint256 code);
    error OutOfOrder(uint256 given, uint256 expected);

    address private immutable EXECUTOR;
    address public seen;
    uint256 public calls;

    constructor(address executor) {
        EXECUTOR = executor;
    }

    function touch(uint256 place) external {
        if (place != calls) revert OutOfOrder(place, calls);
        seen = IBundleExecutor(EXECUTOR).actingFor();
        calls += 1;
    }

    function askAs(address slots) external {
        (, bytes memory answer) = slots.call(
            abi.encodeWithSignature("actorOf(address)", address(this))
        );
        seen = abi.decode(answer, (address));
    }

    function fail() external pure {
        revert Failed(42);
    }
}

/// @dev A wallet (ERC-1271) that one key controls.
contract Wallet {
    address private immutable KEY;

    constructor(address key) {
        KEY = key;
    }

    function isValidSignature(
        bytes32 digest,
        bytes calldata signature
    ) external view returns (bytes4) {
        bytes32 r = bytes32(signature[:32]);
        bytes32 s = bytes32(signature[32:64]);
        bool ours = ecrecover(digest, uint8(signature[64]), r, s) == KEY;
        return ours ? this.isValidSignature.selector : bytes4(0);
    }
}
