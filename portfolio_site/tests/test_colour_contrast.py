"""WCAG 2.2 AA, held for every pair of colour tokens that meet on a page: 4.5:1 for text, 3:1 for graphics."""

import re
from pathlib import Path

import pytest
from django.conf import settings

TOKENS = (Path(settings.BASE_DIR) / "static/css/tokens.css").read_text()
PAIR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
COLOURS = {name: {"light": light, "dark": dark} for name, light, dark in PAIR.findall(TOKENS)}
THEMES = ("light", "dark")
SURFACES = ("page", "surface", "raised", "sunken", "hover")
TEXT = ("ink", "ink-2", "ink-3", "accent", "gain", "loss", "warn")
SOFT = (("accent", "accent-soft"), ("gain", "gain-soft"), ("loss", "loss-soft"), ("warn", "warn-soft"))


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str, theme: str) -> float:
    darker, lighter = sorted(luminance(COLOURS[name][theme]) for name in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def test_black_on_white_is_21_to_1() -> None:
    darker, lighter = luminance("#000000"), luminance("#ffffff")
    assert (lighter + 0.05) / (darker + 0.05) == pytest.approx(21)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("text", TEXT)
def test_text_on_every_surface(theme: str, text: str) -> None:
    assert min(contrast(text, surface, theme) for surface in SURFACES) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("text", "ground"), [*SOFT, *(("ink-2", soft) for _, soft in SOFT), ("on-accent", "accent")])
def test_text_on_its_tint(theme: str, text: str, ground: str) -> None:
    assert contrast(text, ground, theme) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("graphic", ["control", *(f"slice-{number}" for number in range(1, 9))])
def test_graphics_on_every_surface(theme: str, graphic: str) -> None:
    assert min(contrast(graphic, surface, theme) for surface in SURFACES) >= 3


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("number", range(1, 9))
def test_a_label_on_a_slice_of_the_treemap(theme: str, number: int) -> None:
    # Large text would need 3:1; ours is 12 px, so the light theme's slices must be dark enough for white.
    assert contrast("on-accent", f"slice-{number}", theme) >= 4.5
