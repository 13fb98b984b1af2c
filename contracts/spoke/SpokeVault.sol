// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {AccountIds} from "../libraries/Ids.sol";
import {TokenUnits} from "../libraries/TokenUnits.sol";
import {MessageEndpoint} from "../messaging/MessageEndpoint.sol";
import {DepositBody, MessageType, PaymentBody} from "../types/Messages.sol";
import {ISpokeVault} from "./ISpokeVault.sol";

/// @title Custody of one chain: locks deposits, pays withdrawals.
/// @dev Invariant: `custody = depositedTotal − paidTotal`, and the vault holds at least that many tokens.
/// @dev Invariant V17: payments of an asset are made in the order of their arrival, each in full.
/// @dev Invariant V25: its module is the multisig of validators, so no payment rests on the sequencer's word.
contract SpokeVault is ISpokeVault, MessageEndpoint {
    using SafeERC20 for IERC20;

    /// @dev Amounts in token units.
    struct Holding {
        address token;
        uint8 decimals;
        uint256 custodyCap;
        uint256 deposited;
        uint256 paid;
        uint256 queued;
        uint256 parked;
        /// @dev Payments `[head, tail)` wait.
        uint256 head;
        uint256 tail;
        mapping(uint256 position => QueuedPayment) queue;
        mapping(address recipient => uint256) claimable;
    }

    /// @custom:storage-location erc7201:tandem.storage.SpokeVault
    struct Layout {
        uint32 hubChainId;
        mapping(uint16 asset => Holding) holdings;
    }

    /// @dev Gas that must be left before a token is asked to pay, so that nobody can make a transfer fail by
    /// bringing too little.
    uint256 private constant PAYMENT_GAS = 200_000;

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.SpokeVault")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant LAYOUT_SLOT =
        0xc3ef60c2e22effae931f09ef2c8623f89070ff6339206620a6f3ff5c16b38700;

    constructor() {
        _disableInitializers();
    }

    /// @notice Names the hub and the tokens kept here.
    function initialize(Config calldata config) external initializer {
        _initEndpoint(config.endpoint);
        _layout().hubChainId = config.hubChainId;
        for (uint256 i = 0; i < config.assets.length; ++i) {
            _addAsset(config.assets[i]);
        }
    }

    /// @inheritdoc ISpokeVault
    function deposit(
        uint16 asset,
        uint256 amount,
        bytes32 account
    ) external payable override nonReentrant refundsFee returns (bytes32 messageId) {
        messageId = _lock(MessageType.Deposit, asset, amount, account);
        emit Deposited(asset, account, amount, messageId);
    }

    /// @inheritdoc ISpokeVault
    function depositLiquidity(
        uint16 asset,
        uint256 amount,
        bytes32 account
    ) external payable override nonReentrant refundsFee returns (bytes32 messageId) {
        messageId = _lock(MessageType.LiquidityDeposit, asset, amount, account);
        emit LiquidityDeposited(asset, account, amount, messageId);
    }

    /// @inheritdoc ISpokeVault
    function processQueue(
        uint16 asset,
        uint256 max
    ) external override nonReentrant returns (uint256 paid) {
        Holding storage h = _holding(asset);
        uint256 head = h.head;
        while (paid < max && head < h.tail) {
            QueuedPayment memory next = h.queue[head];
            if (next.amount > _free(h)) break;
            delete h.queue[head];
            h.head = ++head;
            h.queued -= next.amount;
            _pay(asset, h, next.recipient, next.amount);
            ++paid;
        }
    }

    /// @inheritdoc ISpokeVault
    function claim(
        uint16 asset,
        address to
    ) external override nonReentrant returns (uint256 amount) {
        Holding storage h = _holding(asset);
        amount = h.claimable[msg.sender];
        if (amount == 0) revert NothingToClaim(asset, msg.sender);
        h.claimable[msg.sender] = 0;
        h.parked -= amount;
        h.paid += amount;
        emit Paid(asset, to, amount);
        IERC20(h.token).safeTransfer(to, amount);
    }

    /// @inheritdoc ISpokeVault
    function addAsset(AssetConfig calldata config) external override onlyGovernance {
        _addAsset(config);
    }

    /// @inheritdoc ISpokeVault
    function setCustodyCap(uint16 asset, uint256 cap) external override {
        Holding storage h = _holding(asset);
        if (!_callerIsGovernanceElseGuardian() && cap >= h.custodyCap) {
            revert CapNotLower(cap, h.custodyCap);
        }
        h.custodyCap = cap;
        emit AssetSet(asset, h.token, h.decimals, cap);
    }

    /// @inheritdoc ISpokeVault
    function hubChainId() external view override returns (uint32) {
        return _layout().hubChainId;
    }

    /// @inheritdoc ISpokeVault
    function assetConfig(uint16 asset) external view override returns (AssetConfig memory) {
        Holding storage h = _layout().holdings[asset];
        return AssetConfig(asset, h.token, h.decimals, h.custodyCap);
    }

    /// @inheritdoc ISpokeVault
    function custody(uint16 asset) external view override returns (uint256) {
        return _custody(_layout().holdings[asset]);
    }

    /// @inheritdoc ISpokeVault
    function balance(uint16 asset) external view override returns (uint256) {
        return IERC20(_holding(asset).token).balanceOf(address(this));
    }

    /// @inheritdoc ISpokeVault
    function depositedTotal(uint16 asset) external view override returns (uint256) {
        return _layout().holdings[asset].deposited;
    }

    /// @inheritdoc ISpokeVault
    function paidTotal(uint16 asset) external view override returns (uint256) {
        return _layout().holdings[asset].paid;
    }

    /// @inheritdoc ISpokeVault
    function queuedTotal(uint16 asset) external view override returns (uint256) {
        return _layout().holdings[asset].queued;
    }

    /// @inheritdoc ISpokeVault
    function claimableTotal(uint16 asset) external view override returns (uint256) {
        return _layout().holdings[asset].parked;
    }

    /// @inheritdoc ISpokeVault
    function claimable(uint16 asset, address recipient) external view override returns (uint256) {
        return _layout().holdings[asset].claimable[recipient];
    }

    /// @inheritdoc ISpokeVault
    function queueBounds(uint16 asset) external view override returns (uint256 head, uint256 tail) {
        Holding storage h = _layout().holdings[asset];
        return (h.head, h.tail);
    }

    /// @inheritdoc ISpokeVault
    function queuedPayment(
        uint16 asset,
        uint256 position
    ) external view override returns (QueuedPayment memory) {
        return _layout().holdings[asset].queue[position];
    }

    /// @dev Payments come from the hub alone: no other peer is enrolled for anything.
    function _apply(uint32 origin, MessageType messageType, bytes calldata body) internal override {
        if (messageType != MessageType.Payment || origin != _layout().hubChainId) {
            revert UnexpectedType(uint8(messageType), origin);
        }
        PaymentBody memory payment = abi.decode(body, (PaymentBody));
        Holding storage h = _holding(payment.asset);
        (uint256 amount, bool exact) = TokenUnits.toToken(payment.amount18, h.decimals);
        if (!exact) revert FractionOfUnit(payment.amount18, h.decimals);

        if (h.head == h.tail && amount <= _free(h)) {
            _pay(payment.asset, h, payment.recipient, amount);
            return;
        }
        h.queue[h.tail] = QueuedPayment(payment.recipient, amount);
        h.queued += amount;
        emit PaymentQueued(payment.asset, payment.recipient, amount, h.tail++);
    }

    function _lock(
        MessageType messageType,
        uint16 asset,
        uint256 amount,
        bytes32 account
    ) private returns (bytes32) {
        Holding storage h = _holding(asset);
        if (amount == 0) revert ZeroAmount();
        if (AccountIds.ownerOf(account) == address(0)) revert AccountWithoutOwner(account);
        uint256 wanted = _custody(h) + amount;
        if (wanted > h.custodyCap) revert CustodyCapExceeded(asset, wanted, h.custodyCap);

        IERC20 token = IERC20(h.token);
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 moved = token.balanceOf(address(this)) - before;
        if (moved != amount) revert AmountMismatch(moved, amount);

        h.deposited += amount;
        uint256 amount18 = TokenUnits.toLedger(amount, h.decimals);
        return
            _send(
                _layout().hubChainId,
                messageType,
                abi.encode(DepositBody(asset, amount18, account))
            );
    }

    /// @dev A token that refuses a recipient must not stop those behind it: the amount is parked.
    function _pay(uint16 asset, Holding storage h, address recipient, uint256 amount) private {
        if (gasleft() < PAYMENT_GAS) revert GasTooLow(gasleft(), PAYMENT_GAS);
        if (IERC20(h.token).trySafeTransfer(recipient, amount)) {
            h.paid += amount;
            emit Paid(asset, recipient, amount);
        } else {
            h.parked += amount;
            h.claimable[recipient] += amount;
            emit PaymentParked(asset, recipient, amount);
        }
    }

    function _addAsset(AssetConfig calldata config) private {
        Holding storage h = _layout().holdings[config.asset];
        if (h.token != address(0)) revert AssetAlreadySet(config.asset, h.token);
        uint8 actual = IERC20Metadata(config.token).decimals();
        if (config.asset == 0) revert UnknownAsset(0);
        if (actual != config.decimals || actual > TokenUnits.LEDGER_DECIMALS) {
            revert WrongDecimals(config.asset, config.decimals, actual);
        }
        h.token = config.token;
        h.decimals = config.decimals;
        h.custodyCap = config.custodyCap;
        emit AssetSet(config.asset, config.token, config.decimals, config.custodyCap);
    }

    function _holding(uint16 asset) private view returns (Holding storage h) {
        h = _layout().holdings[asset];
        if (h.token == address(0)) revert UnknownAsset(asset);
    }

    function _custody(Holding storage h) private view returns (uint256) {
        return h.deposited - h.paid;
    }

    /// @dev What can be paid now: parked amounts belong to their recipients.
    function _free(Holding storage h) private view returns (uint256) {
        return _custody(h) - h.parked;
    }

    function _layout() private pure returns (Layout storage s) {
        assembly {
            s.slot := LAYOUT_SLOT
        }
    }
}
