"""Check digits of security identifiers."""


def cusip_of(base: str) -> str:
    """Eight digits with the ninth: modulus 10, double add double (ANSI X9.6)."""
    total = sum(_digit_sum(int(digit) * (1 + position % 2)) for position, digit in enumerate(base))
    return f"{base}{-total % 10}"


def isin_of(base: str) -> str:
    """Country and national number with the check digit: Luhn over the letters as numbers from 10 (ISO 6166)."""
    digits = "".join(str(int(character, 36)) for character in base)
    total = sum(_digit_sum(int(digit) * (2 - position % 2)) for position, digit in enumerate(reversed(digits)))
    return f"{base}{-total % 10}"


def _digit_sum(number: int) -> int:
    return number // 10 + number % 10
