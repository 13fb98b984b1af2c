// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IntentHash} from "../libraries/IntentHash.sol";
import {BundleIntent} from "../types/Intents.sol";
import {IBundleInbox} from "./IBundleInbox.sol";

/// @title Whole bundles that the log must take.
/// @dev Invariant: places are contiguous from 0 and what stands at one never changes.
/// @dev Nothing is verified here that a rollup decides: what cannot run is voided as a whole in the log (I12), and
/// whoever put it here has paid.
contract BundleInbox is IBundleInbox, Initializable {
    /// @custom:storage-location erc7201:tandem.storage.BundleInbox
    struct Layout {
        address governance;
        Fees fees;
        bytes32[] intentHashes;
        uint64 blockNumber;
        uint64 inBlock;
    }

    uint256 private constant CALLS_MAX = 16;
    uint256 private constant BYTES_MAX = 24 * 1024;
    uint256 private constant GAS_MAX = 20_000_000;
    uint64 private constant PER_BLOCK_MAX = 16;

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.BundleInbox")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant LAYOUT_SLOT =
        0x1e64ea3242bffa9cee4815e8bafc36eaaaf921e18ef53d1a83d576a10efe2d00;

    modifier onlyGovernance() {
        address expected = _layout().governance;
        if (msg.sender != expected) revert Unauthorised(msg.sender, expected);
        _;
    }

    constructor() {
        _disableInitializers();
    }

    /// @notice Sets role and fees, once.
    function initialize(Config calldata config) external initializer {
        _layout().governance = config.governance;
        _layout().fees = config.fees;
        emit FeesSet(config.fees);
    }

    /// @inheritdoc IBundleInbox
    function force(
        BundleIntent calldata intent,
        bytes calldata signature
    ) external payable override returns (uint256 index) {
        Layout storage s = _layout();
        uint256 needed = quote(intent, signature);
        if (msg.value < needed) revert FeeTooLow(msg.value, needed);
        if (intent.deadlineS < block.timestamp) revert Expired(intent.deadlineS, block.timestamp);
        if (s.blockNumber != block.number) {
            s.blockNumber = uint64(block.number);
            s.inBlock = 0;
        }
        if (++s.inBlock > PER_BLOCK_MAX) revert BlockFull(PER_BLOCK_MAX);

        index = s.intentHashes.length;
        bytes32 intentHash = IntentHash.hash(intent);
        s.intentHashes.push(intentHash);
        emit Forced(index, intentHash, msg.sender, intent, signature);
    }

    /// @inheritdoc IBundleInbox
    function setFees(Fees calldata newFees) external override onlyGovernance {
        _layout().fees = newFees;
        emit FeesSet(newFees);
    }

    /// @inheritdoc IBundleInbox
    function collect(address payable to) external override onlyGovernance {
        uint256 amountWei = address(this).balance;
        emit Collected(to, amountWei);
        Address.sendValue(to, amountWei);
    }

    /// @inheritdoc IBundleInbox
    function quote(
        BundleIntent calldata intent,
        bytes calldata signature
    ) public view override returns (uint256 feeWei) {
        uint256 calls = intent.calls.length;
        if (calls == 0 || calls > CALLS_MAX) revert BadCallCount(calls, CALLS_MAX);
        uint256 length = signature.length;
        uint256 gas = 0;
        for (uint256 i = 0; i < calls; ++i) {
            length += intent.calls[i].data.length;
            gas += intent.calls[i].gas;
        }
        if (length > BYTES_MAX) revert TooLong(length, BYTES_MAX);
        if (gas > GAS_MAX) revert TooMuchGas(gas, GAS_MAX);
        Fees memory f = _layout().fees;
        return f.base + length * f.perByte + gas * f.perGas;
    }

    /// @inheritdoc IBundleInbox
    function count() external view override returns (uint256) {
        return _layout().intentHashes.length;
    }

    /// @inheritdoc IBundleInbox
    function intentHashAt(uint256 index) external view override returns (bytes32) {
        bytes32[] storage hashes = _layout().intentHashes;
        return index < hashes.length ? hashes[index] : bytes32(0);
    }

    /// @inheritdoc IBundleInbox
    function fees() external view override returns (Fees memory) {
        return _layout().fees;
    }

    /// @inheritdoc IBundleInbox
    function governance() external view override returns (address) {
        return _layout().governance;
    }

    function _layout() private pure returns (Layout storage s) {
        assembly {
            s.slot := LAYOUT_SLOT
        }
    }
}
