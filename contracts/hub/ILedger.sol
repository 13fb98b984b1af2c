// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Claims of accounts, liquidity of providers, insurance and fees, by asset in 18 decimals.
/// @dev Invariant: each total is the sum of its parts, after every call.
/// @dev A claim in the numéraire (asset 1) may be negative: that is debt inside margin. All others are not.
interface ILedger {
    /// @notice An asset as margin and the ledger see it.
    struct AssetConfig {
        uint16 asset;
        /// Underlying whose spot prices it; 0 for the numéraire.
        uint16 underlying;
        /// Part of its value that backs no credit, × 10^4.
        uint16 haircut4;
        /// Most that counts as collateral of one account, in 18 decimals.
        uint128 collateralCap18;
        TokenConfig[] tokens;
    }

    /// @notice Where the asset is a token.
    struct TokenConfig {
        uint32 chainId;
        address token;
        uint8 decimals;
    }

    /// @notice A module and what it may do.
    struct Writer {
        address module;
        /// May create claims from deposits and destroy them for payments.
        bool mayMint;
        /// May move claims between accounts, and to and from insurance.
        bool mayMove;
    }

    struct Config {
        address governance;
        Writer[] writers;
        AssetConfig[] assets;
    }

    error Unauthorised(address caller, address expected);
    /// @notice The caller may not mint or may not move.
    error NotWriter(address caller);
    error UnknownAsset(uint16 asset);
    error AssetAlreadySet(uint16 asset);
    error InvalidAsset(uint16 asset);
    error UnknownToken(uint16 asset, uint32 chainId);
    error TokenAlreadySet(uint16 asset, uint32 chainId);
    error TooManyAssets(uint256 given, uint256 limit);
    /// @notice Moves of other assets than the numéraire are positive.
    error ZeroAmount();
    /// @notice Amounts lie between 1 and 2^128 − 1.
    error AmountOutOfRange(uint256 amount18);
    /// @notice Changes of cash must sum to zero (V16).
    error CashNotBalanced(int256 sum18);
    error LengthMismatch(uint256 accounts, uint256 changes);
    error InsufficientClaim(bytes32 account, uint16 asset, int256 claim18, uint256 needed18);
    error InsufficientLiquidity(
        bytes32 account,
        uint16 asset,
        uint256 available18,
        uint256 needed18
    );
    error InsufficientInsurance(uint16 asset, uint256 available18, uint256 needed18);

    event AssetSet(
        uint16 indexed asset,
        uint16 underlying,
        uint16 haircut4,
        uint128 collateralCap18
    );
    event TokenSet(uint16 indexed asset, uint32 indexed chainId, address token, uint8 decimals);
    event WriterSet(address indexed module, bool mayMint, bool mayMove);
    event ClaimChanged(
        bytes32 indexed account,
        uint16 indexed asset,
        int256 change18,
        int256 claim18
    );
    event LiquidityChanged(
        bytes32 indexed account,
        uint16 indexed asset,
        int256 change18,
        uint256 liquidity18
    );
    event FeePaid(bytes32 indexed account, uint16 indexed asset, uint256 amount18);
    event InsuranceChanged(uint16 indexed asset, int256 change18, uint256 insurance18);

    /// @notice Creates a claim from tokens that were locked; minting modules only.
    function credit(bytes32 account, uint16 asset, uint256 amount18) external;

    /// @notice Destroys a claim for tokens that shall be paid; minting modules only. Never below zero.
    function debit(bytes32 account, uint16 asset, uint256 amount18) external;

    function creditLiquidity(bytes32 account, uint16 asset, uint256 amount18) external;
    function debitLiquidity(bytes32 account, uint16 asset, uint256 amount18) external;

    /// @notice Moves a claim; moving modules only. In the numéraire `from` may fall below zero.
    /// @param amount18 May be negative in the numéraire: then debt moves.
    function move(uint16 asset, bytes32 from, bytes32 to, int256 amount18) external;

    /// @notice Changes the numéraire claims of accounts; moving modules only. The changes sum to zero.
    function settleCash(bytes32[] calldata accounts, int256[] calldata changes18) external;

    /// @notice Moves a claim into insurance; moving modules only.
    function payInsurance(uint16 asset, bytes32 from, uint256 amount18) external;

    /// @notice Moves a claim into the fees of the pool; moving modules only.
    function payFee(uint16 asset, bytes32 from, uint256 amount18) external;

    /// @notice Pays a claim out of insurance; moving modules only.
    function drawInsurance(uint16 asset, bytes32 to, uint256 amount18) external;

    function addAsset(AssetConfig calldata config) external;
    function addToken(uint16 asset, TokenConfig calldata config) external;
    function setWriter(Writer calldata writer) external;
    function setCollateral(uint16 asset, uint16 haircut4, uint128 collateralCap18) external;

    function governance() external view returns (address);
    function claim(bytes32 account, uint16 asset) external view returns (int256);
    function totalClaims(uint16 asset) external view returns (int256);
    function liquidity(uint16 asset, bytes32 account) external view returns (uint256);
    function totalLiquidity(uint16 asset) external view returns (uint256);
    function insurance(uint16 asset) external view returns (uint256);
    function fees(uint16 asset) external view returns (uint256);

    /// @notice Non-zero claims of an account, by ascending asset.
    function claimsOf(
        bytes32 account
    ) external view returns (uint16[] memory assets, int256[] memory claims18);

    /// @notice All assets, ascending.
    function assetIds() external view returns (uint16[] memory);

    /// @notice An asset's entry. Reverts with {UnknownAsset}.
    function assetConfig(uint16 asset) external view returns (AssetConfig memory);

    /// @notice The token of an asset on a chain. Reverts with {UnknownToken}.
    function token(uint16 asset, uint32 chainId) external view returns (TokenConfig memory);
}
