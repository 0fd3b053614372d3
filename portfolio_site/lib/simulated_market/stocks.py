"""Stocks of the demo: real names at plausible prices, and a few invented ones for what goes wrong.

Splits are staggered: a window of two years always holds two forward splits and one 1:8 reverse split or more.
"""

from datetime import date
from typing import Final

from .listing import EPOCH, Listing, SplitSchedule

# symbol | name | sector | industry | exchange | price | volatility | beta | dividend yield | drift
TABLE: Final = """
GOOGL | Alphabet Inc. Class A | Technology Services | Internet Software/Services | XNAS | 295 | 0.2 | 1.1 | 0.004 | 0.05
TSLA | Tesla, Inc. | Consumer Durables | Motor Vehicles | XNAS | 430 | 0.45 | 1.7 | 0 | 0.05
AMZN | Amazon.com, Inc. | Retail Trade | Internet Retail | XNAS | 228 | 0.24 | 1.2 | 0 | 0.05
SHOP | Shopify Inc. | Technology Services | Packaged Software | XNAS | 160 | 0.4 | 1.6 | 0 | 0.05
AVGO | Broadcom Inc. | Electronic Technology | Semiconductors | XNAS | 346 | 0.3 | 1.4 | 0.008 | 0.05
NVDA | NVIDIA Corporation | Electronic Technology | Semiconductors | XNAS | 188 | 0.36 | 1.6 | 0.0003 | 0.05
NFLX | Netflix, Inc. | Technology Services | Internet Software/Services | XNAS | 480 | 0.3 | 1.2 | 0 | 0.05
AAPL | Apple Inc. | Electronic Technology | Telecommunications Equipment | XNAS | 271 | 0.2 | 1.1 | 0.005 | 0.05
HLCN | Halcyon Offshore Drilling Ltd. | Industrial Services | Contract Drilling | XNYS | 3.1 | 0.5 | 1.3 | 0 | 0.05
BRTW | Brightwater Biosciences, Inc. | Health Technology | Biotechnology | XNAS | 1.4 | 0.6 | 1.2 | 0 | 0.05
VLTM | Voltamere Motors, Inc. | Consumer Durables | Motor Vehicles | XNAS | 4.2 | 0.55 | 1.5 | 0 | 0.05
SOLX | Solvane Solar Corp. | Producer Manufacturing | Electrical Products | XNAS | 1.1 | 0.5 | 1.3 | 0 | 0.05
MSFT | Microsoft Corporation | Technology Services | Packaged Software | XNAS | 475 | 0.16 | 1 | 0.0075 | 0.12
META | Meta Platforms, Inc. | Technology Services | Internet Software/Services | XNAS | 650 | 0.28 | 1.3 | 0.003 | 0.12
AMD | Advanced Micro Devices, Inc. | Electronic Technology | Semiconductors | XNAS | 223 | 0.4 | 1.7 | 0 | 0.1
INTC | Intel Corporation | Electronic Technology | Semiconductors | XNAS | 39 | 0.32 | 1 | 0 | 0
CRM | Salesforce, Inc. | Technology Services | Packaged Software | XNYS | 260 | 0.25 | 1.2 | 0.006 | 0.05
PLTR | Palantir Technologies Inc. | Technology Services | Packaged Software | XNAS | 168 | 0.5 | 1.7 | 0 | 0.15
JPM | JPMorgan Chase & Co. | Finance | Major Banks | XNYS | 320 | 0.17 | 1.1 | 0.019 | 0.08
BAC | Bank of America Corporation | Finance | Major Banks | XNYS | 55 | 0.19 | 1.2 | 0.02 | 0.05
BRK.B | Berkshire Hathaway Inc. Class B | Finance | Multi-Line Insurance | XNYS | 497 | 0.11 | 0.8 | 0 | 0.08
V | Visa Inc. | Commercial Services | Financial Services | XNYS | 350 | 0.14 | 1 | 0.0075 | 0.05
JNJ | Johnson & Johnson | Health Technology | Pharmaceuticals: Major | XNYS | 207 | 0.12 | 0.5 | 0.025 | 0.05
PFE | Pfizer Inc. | Health Technology | Pharmaceuticals: Major | XNYS | 25 | 0.2 | 0.6 | 0.065 | -0.01
LLY | Eli Lilly and Company | Health Technology | Pharmaceuticals: Major | XNYS | 1080 | 0.26 | 0.6 | 0.006 | 0.15
UNH | UnitedHealth Group Incorporated | Health Services | Managed Health Care | XNYS | 332 | 0.26 | 0.7 | 0.026 | 0.04
XOM | Exxon Mobil Corporation | Energy Minerals | Integrated Oil | XNYS | 120 | 0.2 | 0.8 | 0.033 | 0.03
CVX | Chevron Corporation | Energy Minerals | Integrated Oil | XNYS | 152 | 0.2 | 0.8 | 0.045 | 0.03
KO | The Coca-Cola Company | Consumer Non-Durables | Beverages: Non-Alcoholic | XNYS | 70 | 0.11 | 0.5 | 0.029 | 0.04
PEP | PepsiCo, Inc. | Consumer Non-Durables | Beverages: Non-Alcoholic | XNAS | 143 | 0.13 | 0.5 | 0.039 | 0.03
PG | The Procter & Gamble Company | Consumer Non-Durables | Household Care | XNYS | 143 | 0.12 | 0.5 | 0.029 | 0.05
COST | Costco Wholesale Corporation | Retail Trade | Discount Stores | XNAS | 862 | 0.17 | 0.9 | 0.006 | 0.12
WMT | Walmart Inc. | Retail Trade | Discount Stores | XNYS | 111 | 0.15 | 0.7 | 0.009 | 0.1
HD | The Home Depot, Inc. | Retail Trade | Home Improvement Chains | XNYS | 345 | 0.17 | 1 | 0.026 | 0.05
DIS | The Walt Disney Company | Consumer Services | Media Conglomerates | XNYS | 114 | 0.22 | 1.1 | 0.013 | 0.01
BA | The Boeing Company | Electronic Technology | Aerospace & Defense | XNYS | 217 | 0.32 | 1.3 | 0 | 0.02
F | Ford Motor Company | Consumer Durables | Motor Vehicles | XNYS | 13.1 | 0.26 | 1.2 | 0.045 | 0
T | AT&T Inc. | Communications | Major Telecommunications | XNYS | 24.8 | 0.15 | 0.5 | 0.045 | 0.01
NEE | NextEra Energy, Inc. | Utilities | Electric Utilities | XNYS | 80 | 0.18 | 0.6 | 0.028 | 0.05
O | Realty Income Corporation | Finance | Real Estate Investment Trusts | XNYS | 56.4 | 0.14 | 0.7 | 0.057 | 0.01
GME | GameStop Corp. | Retail Trade | Electronics/Appliance Stores | XNYS | 20.1 | 0.75 | 0.9 | 0 | 0
PAGP | Plains GP Holdings, L.P. | Industrial Services | Oil & Gas Pipelines | XNAS | 19.2 | 0.22 | 0.9 | 0.08 | 0
ORNV | Orinova Retail Group, Inc. | Retail Trade | Specialty Stores | XNYS | 6.5 | 0.5 | 1.1 | 0 | -0.2
"""
SPLITS: Final = {
    "GOOGL": SplitSchedule(2, date(2015, 3, 10)),
    "TSLA": SplitSchedule(4, date(2015, 12, 10)),
    "AMZN": SplitSchedule(2, date(2016, 9, 10)),
    "SHOP": SplitSchedule(2, date(2017, 6, 10)),
    "AVGO": SplitSchedule(4, date(2018, 3, 10)),
    "NVDA": SplitSchedule(4, date(2018, 12, 10)),
    "NFLX": SplitSchedule(4, date(2019, 9, 10)),
    "AAPL": SplitSchedule(2, date(2020, 6, 10)),
    "HLCN": SplitSchedule(0.125, date(2016, 2, 10)),
    "BRTW": SplitSchedule(0.125, date(2017, 8, 10)),
    "VLTM": SplitSchedule(0.125, date(2019, 2, 10)),
    "SOLX": SplitSchedule(0.125, date(2020, 8, 10)),
}
LISTED_ON: Final = {"PLTR": date(2020, 9, 30)}
DELISTED_ON: Final = {"ORNV": date(2026, 2, 27)}


def _stock(line: str) -> Listing:
    symbol, name, sector, industry, exchange, *numbers = (column.strip() for column in line.split("|"))
    price, volatility, beta, dividend_yield, drift = map(float, numbers)
    return Listing(
        symbol=symbol,
        name=name,
        kind="equity",
        price=price,
        sector=sector,
        industry=industry,
        exchange=exchange,
        drift=drift,
        volatility=volatility,
        beta=beta,
        dividend_yield=dividend_yield,
        split=SPLITS.get(symbol),
        listed_on=LISTED_ON.get(symbol, EPOCH),
        delisted_on=DELISTED_ON.get(symbol),
    )


STOCKS: Final = tuple(_stock(line) for line in TABLE.strip().splitlines())
