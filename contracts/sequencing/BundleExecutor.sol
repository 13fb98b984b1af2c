// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IntentHash} from "../libraries/IntentHash.sol";
import {NetworkDomain} from "../libraries/NetworkDomain.sol";
import {BundleIntent, IntentCall} from "../types/Intents.sol";
import {IBundleExecutor} from "./IBundleExecutor.sol";
import {INetworkId} from "./INetworkId.sol";
import {ISlotContext} from "./ISlotContext.sol";

/// @title Runs signed bundles of calls in the name of their owners, on one chain of several.
/// @dev Invariant: each call of each (owner, nonce) runs at most once on its chain.
/// @dev Invariant: outside of {execute}, {actingFor} is zero.
contract BundleExecutor is IBundleExecutor, Initializable {
    /// @custom:storage-location erc7201:tandem.storage.BundleExecutor
    struct Layout {
        address slotContext;
        address networkId;
        /// @dev One bit per call.
        mapping(address owner => mapping(uint256 nonce => uint256 calls)) executed;
    }

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.BundleExecutor")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant LAYOUT_SLOT =
        0x6fc4208617a4ba31385c32a77f9374efbaad0ce4c8fdf8d33d36fc0234069e00;

    /// @inheritdoc IBundleExecutor
    address public transient override actingFor;

    constructor() {
        _disableInitializers();
    }

    /// @notice Names the slot context and the network, once.
    function initialize(Config calldata config) external initializer {
        _layout().slotContext = config.slotContext;
        _layout().networkId = config.networkId;
    }

    /// @inheritdoc IBundleExecutor
    function execute(
        BundleIntent calldata intent,
        bytes calldata signature,
        uint256 first,
        uint256 count
    ) external override {
        Layout storage s = _layout();
        ISlotContext context = ISlotContext(s.slotContext);
        if (msg.sender != context.system()) revert NotSystem(msg.sender, context.system());
        uint64 nowS = context.timestampMs() / 1000;
        if (nowS > intent.deadlineS) revert IntentExpired(intent.deadlineS, nowS);
        bytes32 intentHash = IntentHash.hash(intent);
        bytes32 digest = NetworkDomain.digest(INetworkId(s.networkId).logId(), intentHash);
        if (!SignatureChecker.isValidSignatureNow(intent.owner, digest, signature)) {
            revert NotSigned(intent.owner, digest);
        }

        _mark(intent, first, count);
        emit IntentExecuted(intent.owner, intent.nonce, intentHash, first, count);
        actingFor = intent.owner;
        for (uint256 i = first; i < first + count; ++i) {
            _run(intent.calls[i], i);
        }
        actingFor = address(0);
    }

    /// @inheritdoc IBundleExecutor
    function isExecuted(
        address owner,
        uint256 nonce,
        uint256 index
    ) external view override returns (bool) {
        return index < 256 && _layout().executed[owner][nonce] & (1 << index) != 0;
    }

    /// @inheritdoc IBundleExecutor
    function slotContext() external view override returns (address) {
        return _layout().slotContext;
    }

    function _mark(BundleIntent calldata intent, uint256 first, uint256 count) private {
        uint256 calls = intent.calls.length;
        if (count == 0 || first >= calls || count > calls - first || calls > 256) {
            revert WrongCall(first + count, calls, block.chainid);
        }
        uint256 bits = _layout().executed[intent.owner][intent.nonce];
        for (uint256 i = first; i < first + count; ++i) {
            if (intent.calls[i].chainId != block.chainid) {
                revert WrongCall(i, calls, intent.calls[i].chainId);
            }
            if (bits & (1 << i) != 0) revert AlreadyExecuted(intent.owner, intent.nonce, i);
            bits |= 1 << i;
        }
        _layout().executed[intent.owner][intent.nonce] = bits;
    }

    function _run(IntentCall calldata c, uint256 index) private {
        // Of what is left a call can pass on 63 parts of 64.
        uint256 left = (gasleft() * 63) / 64;
        if (left < c.gas) revert GasTooLow(left, c.gas);
        (bool ok, bytes memory output) = c.target.call{gas: c.gas}(c.data);
        if (ok) return;
        if (output.length == 0) revert CallFailed(index);
        assembly ("memory-safe") {
            revert(add(output, 32), mload(output))
        }
    }

    function _layout() private pure returns (Layout storage s) {
        assembly {
            s.slot := LAYOUT_SLOT
        }
    }
}
