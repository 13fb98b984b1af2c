// Measures Debian's QuantLib on the work that the risk bench measures:
// BlackCalculator with price and five Greeks, and a portfolio revaluation under 33 scenarios.
#include <ql/pricingengines/blackcalculator.hpp>
#include <ql/pricingengines/blackformula.hpp>
#include <ql/version.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <vector>

using QuantLib::Option;
using Clock = std::chrono::steady_clock;

static unsigned state;
static double random_number() {
    state = state * 1664525u + 1013904223u;
    return state / 4294967296.0;
}
static double milliseconds(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct Quote { Option::Type type; double forward, strike, volatility, years, discount; };
struct Cell { double factor, volatility; };

static double calculator_rate() {
    const int count = 1024;
    state = 11;
    std::vector<Quote> quotes;
    for (int i = 0; i < count; i++) {
        double years = 0.02 + random_number();
        Option::Type type = random_number() < 0.5 ? Option::Call : Option::Put;
        double forward = 1000 + 100000 * random_number();
        double strike = forward * (0.5 + 1.15 * random_number());
        double volatility = 0.2 + random_number();
        double rate = 0.1 * random_number();
        quotes.push_back({type, forward, strike, volatility, years, std::exp(-rate * years)});
    }
    double best = 1e9, sum = 0;
    for (int run = 0; run < 20; run++) {
        auto start = Clock::now();
        for (int repeat = 0; repeat < 20; repeat++)
            for (const Quote& q : quotes) {
                QuantLib::BlackCalculator c(q.type, q.strike, q.forward,
                                            q.volatility * std::sqrt(q.years), q.discount);
                sum += c.value() + c.deltaForward() + c.gammaForward() + c.vega(q.years) +
                       c.theta(q.forward, q.years) + c.rho(q.years);
            }
        best = std::min(best, milliseconds(start));
    }
    std::fprintf(stderr, "checksum %g\n", sum);
    return 1000.0 * 20 * count / best;
}

static double portfolio_ms(int accounts, int positions, int expiries, int strikes) {
    std::vector<Cell> cells;
    for (int i = 0; i < 33; i++) cells.push_back({0.82 + 0.01 * i, 0.7 + 0.02 * (i % 3)});
    state = 7;
    struct Position { int expiry; double strike; Option::Type type; double size; };
    std::vector<Position> held;
    for (int i = 0; i < accounts * positions; i++) {
        double strike = 60000 * (0.4 + 1.6 * int(random_number() * strikes) / strikes);
        Option::Type type = random_number() < 0.5 ? Option::Call : Option::Put;
        int expiry = int(random_number() * expiries);
        held.push_back({expiry, strike, type, random_number() - 0.5});
    }
    double best = 1e9, sum = 0;
    for (int run = 0; run < 5; run++) {
        auto start = Clock::now();
        for (int account = 0; account < accounts; account++) {
            double worst = 0;
            std::vector<double> totals(cells.size(), 0.0);
            for (int i = 0; i < positions; i++) {
                const Position& p = held[account * positions + i];
                double years = (p.expiry + 1) * 7 / 365.0;
                double root = std::sqrt(years);
                for (size_t s = 0; s < cells.size(); s++)
                    totals[s] += p.size * QuantLib::blackFormula(p.type, p.strike,
                        60000 * cells[s].factor, cells[s].volatility * root, 0.99);
            }
            for (double total : totals) worst = std::min(worst, total);
            sum += worst;
        }
        best = std::min(best, milliseconds(start));
    }
    std::fprintf(stderr, "checksum %g\n", sum);
    return best;
}

int main(int argc, char** argv) {
    if (argc != 5) return 2;
    double rate = calculator_rate();
    double ms = portfolio_ms(std::atoi(argv[1]), std::atoi(argv[2]), std::atoi(argv[3]),
                             std::atoi(argv[4]));
    std::printf("{\"version\":\"%s\",\"calculatorPerSecond\":%.0f,\"portfolioMs\":%.4f}\n",
                QL_VERSION, rate, ms);
}
