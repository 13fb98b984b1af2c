// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMessageEndpoint} from "../messaging/IMessageEndpoint.sol";
import {MarginAttestation} from "../types/Margin.sol";

/// @notice Where an account stands; set by the liquidation module.
enum AccountState {
    Healthy,
    /// Initial margin is short: reduce only.
    Restricted,
    /// Maintenance margin is close: top up or reduce.
    Call,
    /// A part is for sale.
    Auction,
    Insolvent
}

/// @title Portfolios as the hub knows them, and the risk capacity that it leased to spokes.
/// @dev Invariant V2: after every grant and check, I(known portfolio) ≥ Σ (credit − used) ≥ 0.
/// @dev Invariant V4: credit on the hub = leased on the spoke + Grants and Returns on their way.
/// @dev Invariant V6: no grant raises credit above a cap.
interface ICreditBook is IMessageEndpoint {
    /// @notice The rollup where a protocol lives.
    struct ProtocolHome {
        uint32 protocolId;
        uint32 chainId;
    }

    struct SpokeCap {
        uint32 chainId;
        uint256 cap18;
    }

    /// @notice Rules of leases.
    struct Rules {
        /// Longest lease in seconds.
        uint32 maxLeaseS;
        /// Most credit of one account on all spokes, USD × 10^18.
        uint256 accountCap18;
        /// Most credit of all accounts, USD × 10^18.
        uint256 totalCap18;
    }

    struct Config {
        EndpointConfig endpoint;
        address ledger;
        address slotContext;
        address marginVerifier;
        /// Sets states and moves portfolios; zero until there is one.
        address liquidation;
        Rules rules;
        SpokeCap[] spokeCaps;
        ProtocolHome[] protocols;
    }

    error NotAccountOwner(address caller, bytes32 account);
    error ZeroAmount();
    error InitialMarginShortfall(bytes32 account, uint256 shortfall18, uint8 worstScenario);
    error TooManyPositions(bytes32 account, uint256 positions, uint256 limit);
    error StateForbids(bytes32 account, AccountState state);
    error LeaseTooLong(uint40 expiryS, uint256 latestS);
    error LeaseInPast(uint40 expiryS, uint256 nowS);
    error AccountCapExceeded(bytes32 account, uint256 wanted18, uint256 cap18);
    error SpokeCapExceeded(uint32 chainId, uint256 wanted18, uint256 cap18);
    error TotalCapExceeded(uint256 wanted18, uint256 cap18);
    /// @notice Credit would exceed the collateral's value after haircuts.
    error CollateralShortfall(bytes32 account, uint256 credit18, uint256 collateral18);
    /// @notice A guardian may only lower a cap.
    error CapNotLower(uint256 given, uint256 current);
    /// @notice A spoke reported an instrument of a protocol that lives elsewhere.
    error ForeignInstrument(uint256 instrument, uint32 origin, uint32 home);
    error ProtocolAlreadySet(uint32 protocolId, uint32 chainId);
    /// @notice A spoke reported more use than it has free credit.
    error UseExceedsCredit(bytes32 account, uint256 used18, int256 free18);
    /// @notice A spoke returned more than it has.
    error ReturnExceedsCredit(bytes32 account, uint256 returned18, int256 credit18);
    error PositionOutOfRange(bytes32 account, uint256 instrument, int256 size18);
    error FractionOutOfRange(uint256 fraction18);
    error SameAccount(bytes32 account);

    event CreditGranted(
        bytes32 indexed account,
        uint32 indexed chainId,
        uint256 amount18,
        uint40 expiryS,
        bytes32 messageId
    );
    event CreditReturned(
        bytes32 indexed account,
        uint32 indexed chainId,
        uint256 credit18,
        uint256 used18
    );
    event CreditUsed(bytes32 indexed account, uint32 indexed chainId, uint256 used18);
    event CreditRecalled(
        bytes32 indexed account,
        uint32 indexed chainId,
        uint256 amount18,
        bytes32 messageId
    );
    event PositionChanged(
        bytes32 indexed account,
        uint256 indexed instrument,
        int256 change18,
        int256 size18
    );
    event MarginChecked(
        bytes32 indexed account,
        bytes32 positionsHash,
        int256 initial18,
        uint256 reserved18
    );
    event StateSet(bytes32 indexed account, AccountState state);
    event PortfolioReassigned(bytes32 indexed from, bytes32 indexed to, uint256 fraction18);
    event RulesSet(Rules rules);
    event SpokeCapSet(uint32 indexed chainId, uint256 cap18);
    event ProtocolHomeSet(uint32 indexed protocolId, uint32 indexed chainId);
    event LiquidationSet(address liquidation);

    /// @notice Leases capacity to a spoke; the account's owner only.
    /// @param attestation About the current portfolio: I ≥ Σ free credit + amount must hold.
    function grant(
        bytes32 account,
        uint32 chainId,
        uint256 amount18,
        uint40 expiryS,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external payable returns (bytes32 messageId);

    /// @notice Reverts unless I ≥ Σ free credit ≥ 0 for the portfolio on the books: the last leg of a joint bundle.
    function checkAfter(
        bytes32 account,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external;

    /// @notice As {checkAfter}, for an exit: besides, the account is healthy and collateral covers free credit.
    function checkExit(
        bytes32 account,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external;

    /// @notice Reverts unless the margin verifier takes the attestation for the portfolio on the books, and with
    /// {TooManyPositions} above 128 positions. No margin rule.
    function requireAttested(
        bytes32 account,
        MarginAttestation calldata attestation,
        bytes calldata signature
    ) external view;

    /// @notice Asks a spoke to give free capacity back: the owner, the liquidation module, or anybody unless the
    /// account is healthy.
    function recall(
        bytes32 account,
        uint32 chainId,
        uint256 amount18
    ) external payable returns (bytes32 messageId);

    /// @notice Sets an account's state; liquidation module only.
    function setState(bytes32 account, AccountState state) external;

    /// @notice Moves a fraction of every position and claim, each rounded towards zero, and tells the spokes;
    /// liquidation module only. Coin beyond the messages' fees stays here to pay for later ones.
    /// @param fraction18 (0, 10^18].
    function reassign(bytes32 from, bytes32 to, uint256 fraction18) external payable;

    /// @notice Replaces the rules; governance only.
    function setRules(Rules calldata newRules) external;

    /// @notice Sets the caps of one account and of all: governance freely, the guardian only lower.
    function setCaps(uint256 accountCap18, uint256 totalCap18) external;

    /// @notice Sets a spoke's cap: governance freely, the guardian only lower.
    function setSpokeCap(uint32 chainId, uint256 cap18) external;
    function addProtocol(uint32 protocolId, uint32 chainId) external;
    function setLiquidation(address liquidation) external;

    function ledger() external view returns (address);
    function slotContext() external view returns (address);
    function marginVerifier() external view returns (address);
    function liquidation() external view returns (address);
    function rules() external view returns (Rules memory);
    function spokeCap(uint32 chainId) external view returns (uint256);
    function protocolHome(uint32 protocolId) external view returns (uint32 chainId);

    function state(bytes32 account) external view returns (AccountState);

    /// @notice Credit leased to an account on a chain, used or not, USD × 10^18.
    function credit(bytes32 account, uint32 chainId) external view returns (uint256);

    /// @notice The part of it that Reports said is used. Below zero while a Return overtook its Report.
    function usedCredit(bytes32 account, uint32 chainId) external view returns (int256);

    /// @notice Σ (credit − used) over all chains: what initial margin must cover, USD × 10^18.
    function reserved(bytes32 account) external view returns (uint256);

    /// @notice Σ credit over all chains.
    function creditOf(bytes32 account) external view returns (uint256);
    function creditOnSpoke(uint32 chainId) external view returns (uint256);
    function creditTotal() external view returns (uint256);
    function leaseExpiryS(bytes32 account, uint32 chainId) external view returns (uint40);

    /// @notice Size of a position, contracts × 10^18, signed.
    function position(bytes32 account, uint256 instrument) external view returns (int256);
    function positionCount(bytes32 account) external view returns (uint256);

    /// @notice The portfolio on the books: instruments ascending, then assets ascending, zeros left out.
    function portfolio(
        bytes32 account
    )
        external
        view
        returns (
            uint256[] memory instruments,
            int256[] memory sizes18,
            uint16[] memory assets,
            int256[] memory claims18
        );

    /// @notice keccak256(abi.encode(account, instruments, sizes18, assets, claims18)) of {portfolio}.
    function positionsHash(bytes32 account) external view returns (bytes32);
}
