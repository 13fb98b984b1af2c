// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Acting} from "../libraries/Acting.sol";
import {AccountIds} from "../libraries/Ids.sol";
import {TokenUnits} from "../libraries/TokenUnits.sol";
import {IEarlyMessages} from "../messaging/IEarlyMessages.sol";
import {MessageEndpoint} from "../messaging/MessageEndpoint.sol";
import {MarginAttestation} from "../types/Margin.sol";
import {DepositBody, MessageType, PaymentBody} from "../types/Messages.sol";
import {ICreditBook} from "./ICreditBook.sol";
import {IHubVault} from "./IHubVault.sol";
import {ILedger} from "./ILedger.sol";

/// @title Turns deposits on any chain into claims, and claims into payments on any chain.
/// @dev Invariant V1, per asset: Σ custody = claims + liquidity + insurance + fees
/// + Σ (deposited − credited) + Σ (debited − paid), in 18 decimals, to the last unit.
/// @dev Invariant V25: a payment of a claim leaves when everything that was accepted early before it is confirmed.
/// @dev Its module is the multisig of validators: no claim rests on the sequencer's word.
contract HubVault is IHubVault, MessageEndpoint {
    /// @custom:storage-location erc7201:tandem.storage.HubVault
    struct Layout {
        address ledger;
        address creditBook;
        mapping(uint32 chainId => mapping(uint16 asset => uint256)) credited;
        mapping(uint32 chainId => mapping(uint16 asset => uint256)) debited;
        address early;
        uint256 heldCount;
        mapping(uint256 place => HeldPayment) held;
    }

    /// @dev What a withdrawal of either kind says.
    struct Order {
        bytes32 account;
        uint16 asset;
        uint256 amount18;
        uint32 chainId;
        address recipient;
        bool liquidity;
    }

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.HubVault")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant LAYOUT_SLOT =
        0xc611780faf043ffcbc6ccfb528de4560cc7d16e36b9bdfaa331daddd6c8ef300;

    constructor() {
        _disableInitializers();
    }

    /// @notice Names the ledger, the credit book and the vaults on the chains.
    function initialize(Config calldata config) external initializer {
        _initEndpoint(config.endpoint);
        _layout().ledger = config.ledger;
        _layout().creditBook = config.creditBook;
        _layout().early = config.early;
    }

    /// @inheritdoc IHubVault
    function withdraw(
        bytes32 account,
        uint16 asset,
        uint256 amount18,
        uint32 chainId,
        address recipient,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external payable override nonReentrant refundsFee returns (bytes32 messageId) {
        Order memory order = Order(account, asset, amount18, chainId, recipient, false);
        _validate(order);
        ILedger(_layout().ledger).debit(account, asset, amount18);
        ICreditBook(_layout().creditBook).checkExit(account, attestation, signature);
        return _order(order);
    }

    /// @inheritdoc IHubVault
    function withdrawLiquidity(
        bytes32 account,
        uint16 asset,
        uint256 amount18,
        uint32 chainId,
        address recipient
    ) external payable override nonReentrant refundsFee returns (bytes32 messageId) {
        Order memory order = Order(account, asset, amount18, chainId, recipient, true);
        _validate(order);
        ILedger(_layout().ledger).debitLiquidity(account, asset, amount18);
        return _order(order);
    }

    /// @inheritdoc IHubVault
    function release(
        uint256 place
    ) external payable override nonReentrant refundsFee returns (bytes32 messageId) {
        Layout storage s = _layout();
        HeldPayment memory p = s.held[place];
        if (p.recipient == address(0)) revert NothingHeld(place);
        uint64 below = IEarlyMessages(s.early).confirmedBelow();
        if (below < p.until) revert NotConfirmed(below, p.until);
        delete s.held[place];
        messageId = _pay(p.chainId, p.asset, p.amount18, p.recipient);
        emit PaymentReleased(place, messageId);
    }

    /// @inheritdoc IHubVault
    function ledger() external view override returns (address) {
        return _layout().ledger;
    }

    /// @inheritdoc IHubVault
    function creditBook() external view override returns (address) {
        return _layout().creditBook;
    }

    /// @inheritdoc IHubVault
    function early() external view override returns (address) {
        return _layout().early;
    }

    /// @inheritdoc IHubVault
    function heldPayment(uint256 place) external view override returns (HeldPayment memory) {
        return _layout().held[place];
    }

    /// @inheritdoc IHubVault
    function creditedFrom(uint32 chainId, uint16 asset) external view override returns (uint256) {
        return _layout().credited[chainId][asset];
    }

    /// @inheritdoc IHubVault
    function debitedTo(uint32 chainId, uint16 asset) external view override returns (uint256) {
        return _layout().debited[chainId][asset];
    }

    /// @dev A deposit of an asset that has no token on its origin is a message from a faulty peer.
    function _apply(uint32 origin, MessageType messageType, bytes calldata body) internal override {
        bool isLiquidity = messageType == MessageType.LiquidityDeposit;
        if (!isLiquidity && messageType != MessageType.Deposit) {
            revert UnexpectedType(uint8(messageType), origin);
        }
        DepositBody memory d = abi.decode(body, (DepositBody));
        ILedger book = ILedger(_layout().ledger);
        book.token(d.asset, origin);

        _layout().credited[origin][d.asset] += d.amount18;
        if (isLiquidity) book.creditLiquidity(d.account, d.asset, d.amount18);
        else book.credit(d.account, d.asset, d.amount18);
        emit DepositCredited(origin, d.asset, d.account, d.amount18, isLiquidity);
    }

    function _validate(Order memory order) private view {
        address caller = Acting.caller(ICreditBook(_layout().creditBook).slotContext());
        if (caller != AccountIds.ownerOf(order.account)) {
            revert NotAccountOwner(caller, order.account);
        }
        if (order.amount18 == 0) revert ZeroAmount();
        if (
            order.recipient == address(0) ||
            bytes32(uint256(uint160(order.recipient))) == _peer(order.chainId)
        ) {
            revert InvalidRecipient(order.recipient);
        }
        uint8 decimals = ILedger(_layout().ledger).token(order.asset, order.chainId).decimals;
        (, bool exact) = TokenUnits.toToken(order.amount18, decimals);
        if (!exact) revert FractionOfUnit(order.amount18, decimals);
    }

    /// @dev The claim is gone already; records the payment and sends or holds it.
    function _order(Order memory o) private returns (bytes32 messageId) {
        _layout().debited[o.chainId][o.asset] += o.amount18;
        // No message of the fast way touches liquidity.
        if (o.liquidity || !_hold(o)) {
            messageId = _pay(o.chainId, o.asset, o.amount18, o.recipient);
        }
        emit WithdrawalDebited(
            o.chainId,
            o.asset,
            o.account,
            o.amount18,
            o.recipient,
            messageId,
            o.liquidity
        );
    }

    /// @dev Whatever this chain took on the sequencer's word so far may be why the claim is there (V25).
    function _hold(Order memory o) private returns (bool) {
        Layout storage s = _layout();
        uint64 until = IEarlyMessages(s.early).accepted();
        if (IEarlyMessages(s.early).confirmedBelow() == until) return false;
        uint256 place = s.heldCount++;
        s.held[place] = HeldPayment(o.chainId, o.asset, until, o.recipient, o.amount18);
        emit PaymentHeld(place, until);
        return true;
    }

    function _pay(
        uint32 chainId,
        uint16 asset,
        uint256 amount18,
        address recipient
    ) private returns (bytes32) {
        return
            _send(
                chainId,
                MessageType.Payment,
                abi.encode(PaymentBody(asset, amount18, recipient))
            );
    }

    function _layout() private pure returns (Layout storage s) {
        assembly {
            s.slot := LAYOUT_SLOT
        }
    }
}
