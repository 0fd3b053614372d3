"""Brokers' activity files, read row by row into the vocabulary of the ledger. Pure: no database, no network.

`text` finds the encoding, `table` the delimiter and the rows, `styles` how dates and numbers are written, `layouts`
what the columns of each broker mean. `reading.read` puts them together.
"""

from .reading import Options, Question, Reading, kind_of, read
from .rows import Draft, Instrument, LeftOut, Line, Refusal
from .text import Unreadable

__all__ = [
    "Draft",
    "Instrument",
    "LeftOut",
    "Line",
    "Options",
    "Question",
    "Reading",
    "Refusal",
    "Unreadable",
    "kind_of",
    "read",
]
