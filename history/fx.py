"""Currencies: SQL that converts, for statements that total accounts or holdings."""


def rate_sql(*, source: str, target: str, day: str) -> str:
    """An SQL expression: units of `target` per unit of `source` at the end of `day`, NULL when no rate is known.

    The arguments are SQL expressions. The newest rate up to the day counts, in whichever direction it is kept. A
    missing rate is NULL and never 1: a sum that needs it must say so.
    """
    return f"""
    CASE WHEN {source} = {target} THEN 1::numeric ELSE (
        SELECT CASE WHEN fx.base = {source} THEN fx.rate ELSE 1 / fx.rate END
        FROM history_fxrate fx
        WHERE fx.day <= {day} AND (fx.base, fx.quote) IN (({source}, {target}), ({target}, {source}))
        ORDER BY fx.day DESC LIMIT 1
    ) END"""
