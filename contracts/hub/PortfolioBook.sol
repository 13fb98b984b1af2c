// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {PositionSet, Positions} from "../libraries/PositionSet.sol";
import {ICreditBook} from "./ICreditBook.sol";
import {ILedger} from "./ILedger.sol";

/// @title Positions as the hub knows them, and the one order in which a portfolio is hashed.
abstract contract PortfolioBook is ICreditBook {
    using PositionSet for Positions;

    /// @custom:storage-location erc7201:tandem.storage.PortfolioBook
    struct PortfolioLayout {
        address ledger;
        mapping(bytes32 account => Positions) positions;
    }

    /// @dev Above this, margin is not attested: `positionsPerAccount` of the SDK's limits. Reports are taken
    /// nevertheless, since what happened on a spoke has happened.
    uint256 internal constant POSITIONS_MAX = 128;

    // keccak256(abi.encode(uint256(keccak256("tandem.storage.PortfolioBook")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant PORTFOLIO_SLOT =
        0x98813fbbad8448b5389d343cac3728140396f1b452ce5c228b4bf96d85702500;

    /// @inheritdoc ICreditBook
    function ledger() external view override returns (address) {
        return address(_ledger());
    }

    /// @inheritdoc ICreditBook
    function position(bytes32 account, uint256 instrument) external view override returns (int256) {
        return _portfolios().positions[account].sizeOf(instrument);
    }

    /// @inheritdoc ICreditBook
    function positionCount(bytes32 account) external view override returns (uint256) {
        return _positionCount(account);
    }

    /// @inheritdoc ICreditBook
    function portfolio(
        bytes32 account
    )
        external
        view
        override
        returns (
            uint256[] memory instruments,
            int256[] memory sizes18,
            uint16[] memory assets,
            int256[] memory claims18
        )
    {
        (instruments, sizes18) = _sorted(account);
        (assets, claims18) = _ledger().claimsOf(account);
    }

    /// @inheritdoc ICreditBook
    function positionsHash(bytes32 account) external view override returns (bytes32) {
        return _positionsHash(account);
    }

    function _setLedger(address ledger_) internal {
        _portfolios().ledger = ledger_;
    }

    function _changePosition(bytes32 account, uint256 instrument, int256 change18) internal {
        if (change18 == 0) return;
        (int256 size18, bool fits) = _portfolios().positions[account].change(instrument, change18);
        if (!fits) revert PositionOutOfRange(account, instrument, size18);
        emit PositionChanged(account, instrument, change18, size18);
    }

    function _positionsHash(bytes32 account) internal view returns (bytes32) {
        (uint256[] memory instruments, int256[] memory sizes18) = _sorted(account);
        (uint16[] memory assets, int256[] memory claims18) = _ledger().claimsOf(account);
        return keccak256(abi.encode(account, instruments, sizes18, assets, claims18));
    }

    function _positionCount(bytes32 account) internal view returns (uint256) {
        return _portfolios().positions[account].instruments.length;
    }

    function _ledger() internal view returns (ILedger) {
        return ILedger(_portfolios().ledger);
    }

    /// @dev Instruments ascending, with their sizes.
    function _sorted(
        bytes32 account
    ) internal view returns (uint256[] memory instruments, int256[] memory sizes18) {
        Positions storage set = _portfolios().positions[account];
        instruments = set.instruments;
        Arrays.sort(instruments);
        sizes18 = new int256[](instruments.length);
        for (uint256 i = 0; i < instruments.length; ++i) {
            sizes18[i] = set.sizeOf(instruments[i]);
        }
    }

    function _portfolios() private pure returns (PortfolioLayout storage s) {
        assembly {
            s.slot := PORTFOLIO_SLOT
        }
    }
}
