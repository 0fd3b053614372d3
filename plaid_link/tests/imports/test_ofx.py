"""OFX statements: the broker's own ids, signs and totals."""

from decimal import Decimal

import pytest

from plaid_link.sources import ofx
from plaid_link.sources.csv import Draft, Options, Unreadable
from plaid_link.tests.imports.sample import TODAY, sample

D = Decimal


def _drafts(data: bytes) -> list[Draft]:
    told = ofx.read(data, options=Options(), today=TODAY, most_rows=100)
    return [line for line in told.lines if isinstance(line, Draft)]


def test_a_statement_is_read_with_its_ids_and_its_totals() -> None:
    found = {row.external_id: row for row in _drafts(sample("fidelity.qfx"))}
    # TRNAMT and the TOTALs of the file, with the ledger's sign.
    told = {"F1000": "-9900.00", "F1001": "2404.95", "F1002": "-839.98", "F1003": "-2.50", "F1004": "3.25"}
    assert {key: row.amount for key, row in found.items()} == {f"ofx-{key}": D(value) for key, value in told.items()}
    bought = found["ofx-F1001"]
    assert (bought.type, bought.quantity, bought.fees) == ("buy", 10, D("4.95"))
    assert bought.instrument
    assert (bought.instrument.ticker, bought.instrument.cusip) == ("AAPL", "037833100")
    assert found["ofx-F1002"].quantity == -4
    assert found["ofx-F1004"].subtype == "dividend reinvestment"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"OFXHEADER:100\n\n<OFX></OFX>", "Only investment accounts"),
        (b"OFXHEADER:100\n\nnothing", "cannot be read"),
        (b"OFXHEADER:100\n\n<OFX>\0</OFX>", "NUL"),
        (sample("fidelity.qfx").split(b"<BUYSTOCK>")[0] + b"</INVTRANLIST></INVSTMTRS></OFX>", "no transactions"),
    ],
)
def test_a_statement_that_cannot_be_read_says_why(data: bytes, message: str) -> None:
    assert ofx.is_ofx(data)
    with pytest.raises(Unreadable, match=message):
        _drafts(data)


def test_a_csv_is_no_ofx() -> None:
    assert not ofx.is_ofx(sample("fidelity.csv"))


def test_a_bond_is_a_bond_and_priced_by_one_of_par() -> None:
    """25,000 of par at 99.5 are 24,875; the statement quotes per 100, as OFX asks for of debt."""
    bond = (
        b"<BUYDEBT><INVBUY><INVTRAN><FITID>F9<DTTRADE>20250110120000<MEMO>BOUGHT</INVTRAN><SECID><UNIQUEID>912810TM0"
        b"<UNIQUEIDTYPE>CUSIP</SECID><UNITS>25000<UNITPRICE>99.5<COMMISSION>0<TOTAL>-24875.00<SUBACCTSEC>CASH"
        b"<SUBACCTFUND>CASH</INVBUY></BUYDEBT>\n<BUYSTOCK>"
    )
    found = {row.external_id: row for row in _drafts(sample("fidelity.qfx").replace(b"<BUYSTOCK>", bond, 1))}
    told = found["ofx-F9"]
    assert told.instrument
    assert (told.instrument.type, told.instrument.cusip) == ("fixed income", "912810TM0")
    assert (told.price, told.amount) == (D("0.995"), 24875)
