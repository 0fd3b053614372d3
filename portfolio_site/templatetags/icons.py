"""Our own line icons on a 16-unit grid, inline so that they take the colour of the text and cost no request."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

PATHS = {
    "overview": '<path d="M2 11.5l3.5-4 3 2.5L14 3.5"/><path d="M10.5 3.5H14V7"/>',
    "holdings": '<path d="M8 2l6 3-6 3-6-3z"/><path d="M2 8l6 3 6-3M2 11l6 3 6-3"/>',
    "transactions": '<path d="M3 5.5h10M10.5 3L13 5.5 10.5 8M13 10.5H3M5.5 8L3 10.5 5.5 13"/>',
    "connections": '<path d="M6.5 9.5l3-3M7 4.5l1-1a3.2 3.2 0 014.5 4.5l-1 1M9 11.5l-1 1A3.2 3.2 0 013.5 8l1-1"/>',
    "settings": (
        '<circle cx="8" cy="8" r="2"/>'
        '<path d="M8 2v1.5M8 12.5V14M14 8h-1.5M3.5 8H2M12.2 3.8l-1 1M4.8 11.2l-1 1M12.2 12.2l-1-1M4.8 4.8l-1-1"/>'
    ),
    "eye": '<path d="M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8z"/><circle cx="8" cy="8" r="2"/>',
    "eye-off": (
        '<path d="M2.5 2.5l11 11M6.3 3.8A6.6 6.6 0 018 3.5c4 0 6.5 4.5 6.5 4.5a12 12 0 01-1.8 2.3M9.9 12.2a6 '
        '6 0 01-1.9.3C4 12.5 1.5 8 1.5 8a12 12 0 012.6-3"/>'
    ),
    "theme": '<circle cx="8" cy="8" r="5.5"/><path d="M8 2.5v11a5.5 5.5 0 000-11z" fill="currentColor"/>',
    "chevron": '<path d="M4 6l4 4 4-4"/>',
    "check": '<path d="M3 8.5l3.2 3.2L13 4.8"/>',
    "close": '<path d="M4 4l8 8M12 4l-8 8"/>',
    "plus": '<path d="M8 3v10M3 8h10"/>',
    "performance": '<path d="M2.5 2.5v11h11"/><path d="M4.5 11c2-6 3.5 1 5-3s2-4 4-4.5"/>',
    "income": '<path d="M2.5 13.5h11M4.5 13.5v-4M8 13.5v-7M11.5 13.5v-10"/><path d="M2.5 6l3-3 2 1.5"/>',
    "tax": (
        '<path d="M4 2h6l2.5 2.5V14H4z"/><path d="M6.3 11.2l4-5"/>'
        '<circle cx="6.6" cy="7" r=".7"/><circle cx="10" cy="10.4" r=".7"/>'
    ),
    "undo": '<path d="M6 3.5L3 6.5l3 3"/><path d="M3 6.5h6a3.5 3.5 0 010 7H7"/>',
    "redo": '<path d="M10 3.5l3 3-3 3"/><path d="M13 6.5H7a3.5 3.5 0 000 7h2"/>',
    "arrow-down": '<path d="M8 3v10M4 9l4 4 4-4"/>',
    "warning": '<path d="M8 2.2l6.3 11.3H1.7z"/><path d="M8 6.5v3M8 11.5v.01"/>',
    "info": '<circle cx="8" cy="8" r="6"/><path d="M8 7.5V11M8 5v.01"/>',
    "clock": '<circle cx="8" cy="8" r="6"/><path d="M8 4.5V8l2.3 1.5"/>',
    "refresh": (
        '<path d="M13.5 8a5.5 5.5 0 01-9.7 3.5M2.5 8a5.5 5.5 0 019.7-3.5"/><path d="M12.5 2v2.7H9.8M3.5 14v-2.7h2.7"/>'
    ),
    "table": '<rect x="2" y="3" width="12" height="10" rx="1.5"/><path d="M2 6.5h12M2 9.8h12M6.5 6.5V13"/>',
    "donut": '<circle cx="8" cy="8" r="5.8"/><circle cx="8" cy="8" r="2.5"/><path d="M8 2.2v3.3M10.2 9.2l2.8 1.7"/>',
    "treemap": '<rect x="2" y="2.5" width="12" height="11" rx="1.5"/><path d="M8.5 2.5v11M8.5 7.5H14"/>',
    "search": '<circle cx="7" cy="7" r="4.5"/><path d="M10.5 10.5L14 14"/>',
    "filter": '<path d="M2.5 4.5h11M4.5 8h7M6.5 11.5h3"/>',
    "bank": '<path d="M2 6.5L8 3l6 3.5zM3.5 6.5V12M6.5 6.5V12M9.5 6.5V12M12.5 6.5V12M2 13h12"/>',
    "lock": '<rect x="3.5" y="7" width="9" height="6.5" rx="1.5"/><path d="M5.5 7V5a2.5 2.5 0 015 0v2"/>',
    "sign-out": '<path d="M6.5 13.5h-3a1 1 0 01-1-1v-9a1 1 0 011-1h3M10.5 11l3-3-3-3M13.5 8h-7"/>',
    "file": '<path d="M4 2h5l3.5 3.5V14H4z"/><path d="M9 2v3.5h3.5M8.2 8v4M6.2 10l2-2 2 2"/>',
    "mail": '<rect x="2" y="3.5" width="12" height="9" rx="1.5"/><path d="M2.5 5L8 9l5.5-4"/>',
}


@register.simple_tag
def icon(name: str, css_class: str = "") -> SafeString:
    """The icon of that name, hidden from screen readers: the words beside it speak."""
    return format_html(
        '<svg class="icon {}" viewBox="0 0 16 16" aria-hidden="true">{}</svg>', css_class, mark_safe(PATHS[name])
    )


@register.simple_tag
def monogram(name: str, color: str = "", css_class: str = "") -> SafeString:
    """An institution's initial on its own colour, where it has one; white or black, whichever can be read."""
    fill = color if _is_hex(color) else "#5c6675"
    return format_html(
        '<svg class="monogram {}" viewBox="0 0 28 28" aria-hidden="true">'
        '<rect width="28" height="28" rx="6" fill="{}"/>'
        '<text x="14" y="18.2" fill="{}">{}</text></svg>',
        css_class,
        fill,
        "#ffffff" if _luminance(fill) < 0.3 else "#15181e",
        name[:1].upper(),
    )


def _is_hex(color: str) -> bool:
    return len(color) == 7 and color[0] == "#" and all(c in "0123456789abcdefABCDEF" for c in color[1:])


def _luminance(color: str) -> float:
    """Relative luminance of `#rrggbb`, 0 to 1 (WCAG 2.2)."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
