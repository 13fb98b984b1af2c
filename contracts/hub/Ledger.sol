// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {ILedger} from "./ILedger.sol";

/// @title Claims of accounts, liquidity of providers, insurance and fees, by asset in 18 decimals.
/// @dev Invariant: each total is the sum of its parts, after every call.
/// @dev Invariant: moving changes no total but from claims to insurance or fees and back; only modules that may
/// mint change the sum of claims, liquidity, insurance and fees.
contract Ledger is ILedger, Initializable {
    /// @dev Amounts in 18 decimals.
    struct Book {
        int256 totalClaims;
        uint256 totalLiquidity;
        uint256 insurance;
        uint256 fees;
        mapping(bytes32 account => int256) claims;
        mapping(bytes32 account => uint256) liquidity;
    }

    struct Entry {
        bool known;
        uint16 underlying;
        uint16 haircut4;
        uint128 collateralCap18;
        uint32[] chains;
        mapping(uint32 chainId => TokenConfig) tokens;
    }

    struct Permission {
        bool mayMint;
        bool mayMove;
    }

    /// @custom:storage-location erc7201:tandem.storage.Ledger
    struct Layout {
        address governance;
        uint16[] assetIds;
        mapping(uint16 asset => Entry) entries;
        mapping(uint16 asset => Book) books;
        mapping(address module => Permission) permissions;
    }

    uint16 private constant NUMERAIRE = 1;
    uint256 private constant ASSETS_MAX = 32;
    uint16 private constant FULL_HAIRCUT4 = 10_000;
    uint8 private constant DECIMALS_MAX = 18;

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.Ledger")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant LAYOUT_SLOT =
        0x30b52097204c990c823fca13ca54144bbe331933554c4932d33f4da8536f9000;

    constructor() {
        _disableInitializers();
    }

    modifier onlyGovernance() {
        address expected = _layout().governance;
        if (msg.sender != expected) revert Unauthorised(msg.sender, expected);
        _;
    }

    modifier onlyMinter() {
        if (!_layout().permissions[msg.sender].mayMint) revert NotWriter(msg.sender);
        _;
    }

    modifier onlyMover() {
        if (!_layout().permissions[msg.sender].mayMove) revert NotWriter(msg.sender);
        _;
    }

    /// @notice Names governance, the modules that write, and the assets.
    function initialize(Config calldata config) external initializer {
        _layout().governance = config.governance;
        for (uint256 i = 0; i < config.writers.length; ++i) {
            _setWriter(config.writers[i]);
        }
        for (uint256 i = 0; i < config.assets.length; ++i) {
            _addAsset(config.assets[i]);
        }
    }

    /// @inheritdoc ILedger
    function credit(bytes32 account, uint16 asset, uint256 amount18) external override onlyMinter {
        int256 change = _positive(amount18);
        Book storage b = _book(asset);
        b.totalClaims += change;
        _changeClaim(b, asset, account, change);
    }

    /// @inheritdoc ILedger
    function debit(bytes32 account, uint16 asset, uint256 amount18) external override onlyMinter {
        _take(asset, account, amount18);
    }

    /// @inheritdoc ILedger
    function creditLiquidity(
        bytes32 account,
        uint16 asset,
        uint256 amount18
    ) external override onlyMinter {
        int256 change = _positive(amount18);
        Book storage b = _book(asset);
        b.totalLiquidity += amount18;
        uint256 liquidity18 = b.liquidity[account] + amount18;
        b.liquidity[account] = liquidity18;
        emit LiquidityChanged(account, asset, change, liquidity18);
    }

    /// @inheritdoc ILedger
    function debitLiquidity(
        bytes32 account,
        uint16 asset,
        uint256 amount18
    ) external override onlyMinter {
        int256 change = _positive(amount18);
        Book storage b = _book(asset);
        uint256 had = b.liquidity[account];
        if (amount18 > had) revert InsufficientLiquidity(account, asset, had, amount18);
        b.totalLiquidity -= amount18;
        b.liquidity[account] = had - amount18;
        emit LiquidityChanged(account, asset, -change, had - amount18);
    }

    /// @inheritdoc ILedger
    function move(
        uint16 asset,
        bytes32 from,
        bytes32 to,
        int256 amount18
    ) external override onlyMover {
        Book storage b = _book(asset);
        if (asset != NUMERAIRE) {
            if (amount18 <= 0) revert ZeroAmount();
            _requireClaim(b, asset, from, uint256(amount18));
        }
        _changeClaim(b, asset, from, -amount18);
        _changeClaim(b, asset, to, amount18);
    }

    /// @inheritdoc ILedger
    function settleCash(
        bytes32[] calldata accounts,
        int256[] calldata changes18
    ) external override onlyMover {
        if (accounts.length != changes18.length) {
            revert LengthMismatch(accounts.length, changes18.length);
        }
        Book storage b = _book(NUMERAIRE);
        int256 sum;
        for (uint256 i = 0; i < accounts.length; ++i) {
            sum += changes18[i];
            if (changes18[i] != 0) _changeClaim(b, NUMERAIRE, accounts[i], changes18[i]);
        }
        if (sum != 0) revert CashNotBalanced(sum);
    }

    /// @inheritdoc ILedger
    function payInsurance(
        uint16 asset,
        bytes32 from,
        uint256 amount18
    ) external override onlyMover {
        _take(asset, from, amount18);
        Book storage b = _book(asset);
        b.insurance += amount18;
        emit InsuranceChanged(asset, int256(amount18), b.insurance);
    }

    /// @inheritdoc ILedger
    function payFee(uint16 asset, bytes32 from, uint256 amount18) external override onlyMover {
        _take(asset, from, amount18);
        _book(asset).fees += amount18;
        emit FeePaid(from, asset, amount18);
    }

    /// @inheritdoc ILedger
    function drawInsurance(uint16 asset, bytes32 to, uint256 amount18) external override onlyMover {
        int256 change = _positive(amount18);
        Book storage b = _book(asset);
        if (amount18 > b.insurance) revert InsufficientInsurance(asset, b.insurance, amount18);
        b.insurance -= amount18;
        b.totalClaims += change;
        emit InsuranceChanged(asset, -change, b.insurance);
        _changeClaim(b, asset, to, change);
    }

    /// @inheritdoc ILedger
    function addAsset(AssetConfig calldata config) external override onlyGovernance {
        _addAsset(config);
    }

    /// @inheritdoc ILedger
    function addToken(uint16 asset, TokenConfig calldata config) external override onlyGovernance {
        _addToken(_entry(asset), asset, config);
    }

    /// @inheritdoc ILedger
    function setWriter(Writer calldata writer) external override onlyGovernance {
        _setWriter(writer);
    }

    /// @inheritdoc ILedger
    function setCollateral(
        uint16 asset,
        uint16 haircut4,
        uint128 collateralCap18
    ) external override onlyGovernance {
        _setCollateral(_entry(asset), asset, haircut4, collateralCap18);
    }

    /// @inheritdoc ILedger
    function governance() external view override returns (address) {
        return _layout().governance;
    }

    /// @inheritdoc ILedger
    function claim(bytes32 account, uint16 asset) external view override returns (int256) {
        return _layout().books[asset].claims[account];
    }

    /// @inheritdoc ILedger
    function totalClaims(uint16 asset) external view override returns (int256) {
        return _layout().books[asset].totalClaims;
    }

    /// @inheritdoc ILedger
    function liquidity(uint16 asset, bytes32 account) external view override returns (uint256) {
        return _layout().books[asset].liquidity[account];
    }

    /// @inheritdoc ILedger
    function totalLiquidity(uint16 asset) external view override returns (uint256) {
        return _layout().books[asset].totalLiquidity;
    }

    /// @inheritdoc ILedger
    function insurance(uint16 asset) external view override returns (uint256) {
        return _layout().books[asset].insurance;
    }

    /// @inheritdoc ILedger
    function fees(uint16 asset) external view override returns (uint256) {
        return _layout().books[asset].fees;
    }

    /// @inheritdoc ILedger
    function claimsOf(
        bytes32 account
    ) external view override returns (uint16[] memory assets, int256[] memory claims18) {
        Layout storage s = _layout();
        uint256 length = s.assetIds.length;
        assets = new uint16[](length);
        claims18 = new int256[](length);
        uint256 count;
        for (uint256 i = 0; i < length; ++i) {
            int256 amount = s.books[s.assetIds[i]].claims[account];
            if (amount == 0) continue;
            assets[count] = s.assetIds[i];
            claims18[count++] = amount;
        }
        assembly {
            mstore(assets, count)
            mstore(claims18, count)
        }
    }

    /// @inheritdoc ILedger
    function assetIds() external view override returns (uint16[] memory) {
        return _layout().assetIds;
    }

    /// @inheritdoc ILedger
    function assetConfig(uint16 asset) external view override returns (AssetConfig memory config) {
        Entry storage e = _entry(asset);
        config = AssetConfig(
            asset,
            e.underlying,
            e.haircut4,
            e.collateralCap18,
            new TokenConfig[](e.chains.length)
        );
        for (uint256 i = 0; i < e.chains.length; ++i) {
            config.tokens[i] = e.tokens[e.chains[i]];
        }
    }

    /// @inheritdoc ILedger
    function token(
        uint16 asset,
        uint32 chainId
    ) external view override returns (TokenConfig memory config) {
        config = _layout().entries[asset].tokens[chainId];
        if (config.token == address(0)) revert UnknownToken(asset, chainId);
    }

    /// @dev Takes a claim out of circulation; the caller puts it elsewhere.
    function _take(uint16 asset, bytes32 account, uint256 amount18) private {
        int256 change = _positive(amount18);
        Book storage b = _book(asset);
        _requireClaim(b, asset, account, amount18);
        b.totalClaims -= change;
        _changeClaim(b, asset, account, -change);
    }

    function _changeClaim(Book storage b, uint16 asset, bytes32 account, int256 change18) private {
        int256 claim18 = b.claims[account] + change18;
        b.claims[account] = claim18;
        emit ClaimChanged(account, asset, change18, claim18);
    }

    function _requireClaim(
        Book storage b,
        uint16 asset,
        bytes32 account,
        uint256 needed18
    ) private view {
        int256 claim18 = b.claims[account];
        if (claim18 < 0 || uint256(claim18) < needed18) {
            revert InsufficientClaim(account, asset, claim18, needed18);
        }
    }

    function _positive(uint256 amount18) private pure returns (int256) {
        if (amount18 == 0 || amount18 > type(uint128).max) revert AmountOutOfRange(amount18);
        return int256(amount18);
    }

    function _addAsset(AssetConfig calldata config) private {
        Layout storage s = _layout();
        uint16 asset = config.asset;
        Entry storage e = s.entries[asset];
        if (e.known) revert AssetAlreadySet(asset);
        if (asset == 0 || (asset == NUMERAIRE) != (config.underlying == 0))
            revert InvalidAsset(asset);
        uint256 length = s.assetIds.length;
        if (length == ASSETS_MAX) revert TooManyAssets(length + 1, ASSETS_MAX);

        s.assetIds.push(asset);
        for (; length > 0 && s.assetIds[length - 1] > asset; --length) {
            (s.assetIds[length - 1], s.assetIds[length]) = (asset, s.assetIds[length - 1]);
        }
        e.known = true;
        e.underlying = config.underlying;
        _setCollateral(e, asset, config.haircut4, config.collateralCap18);
        for (uint256 i = 0; i < config.tokens.length; ++i) {
            _addToken(e, asset, config.tokens[i]);
        }
    }

    function _addToken(Entry storage e, uint16 asset, TokenConfig calldata config) private {
        if (e.tokens[config.chainId].token != address(0)) {
            revert TokenAlreadySet(asset, config.chainId);
        }
        if (config.token == address(0) || config.decimals > DECIMALS_MAX)
            revert InvalidAsset(asset);
        e.chains.push(config.chainId);
        e.tokens[config.chainId] = config;
        emit TokenSet(asset, config.chainId, config.token, config.decimals);
    }

    function _setCollateral(
        Entry storage e,
        uint16 asset,
        uint16 haircut4,
        uint128 collateralCap18
    ) private {
        if (haircut4 > FULL_HAIRCUT4) revert InvalidAsset(asset);
        e.haircut4 = haircut4;
        e.collateralCap18 = collateralCap18;
        emit AssetSet(asset, e.underlying, haircut4, collateralCap18);
    }

    function _setWriter(Writer calldata writer) private {
        _layout().permissions[writer.module] = Permission(writer.mayMint, writer.mayMove);
        emit WriterSet(writer.module, writer.mayMint, writer.mayMove);
    }

    function _entry(uint16 asset) private view returns (Entry storage e) {
        e = _layout().entries[asset];
        if (!e.known) revert UnknownAsset(asset);
    }

    function _book(uint16 asset) private view returns (Book storage) {
        if (!_layout().entries[asset].known) revert UnknownAsset(asset);
        return _layout().books[asset];
    }

    function _layout() private pure returns (Layout storage s) {
        assembly {
            s.slot := LAYOUT_SLOT
        }
    }
}
