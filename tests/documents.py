"""The documentation as data: its files, fenced blocks, shell commands, tables and what stands in backticks."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

CHECKOUT = Path(__file__).resolve().parents[1]
RUNBOOKS = CHECKOUT / "docs" / "runbooks"
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
ASSIGNMENT = re.compile(r"[A-Z_]+=.*")


@dataclass(frozen=True, slots=True)
class Command:
    """One line of a shell block: where it stands, `NAME=value` before it, and the words."""

    document: str
    environment: tuple[str, ...]
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.document}: {' '.join(self.words)[:60]}"


def documents() -> list[Path]:
    """Every page that somebody reads."""
    return [CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]


def named(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of one language, without their indentation."""
    return [dedent(body) for _, kind, body in FENCE.findall(path.read_text()) if kind == language]


def prose(path: Path) -> str:
    """The page without its fenced blocks, on one line, as a reader sees it wrapped."""
    return " ".join(FENCE.sub("", path.read_text()).split())


def backticked() -> Iterator[tuple[str, str]]:
    """(page, text) of everything in single backticks."""
    for path in documents():
        yield from ((named(path), text) for text in re.findall(r"`([^`]+)`", prose(path)))


def commands() -> list[Command]:
    """Every command of every shell block."""
    found = []
    for path in documents():
        for block in blocks(path, "sh"):
            lines = block.replace("\\\n", " ").splitlines()
            found += [_command(named(path), words) for line in lines if (words := shlex.split(line, comments=True))]
    return found


def _command(document: str, words: list[str]) -> Command:
    start = next(number for number, word in enumerate(words) if not ASSIGNMENT.fullmatch(word))
    return Command(document, tuple(words[:start]), tuple(words[start:]))


def table_under(path: Path, header: str) -> list[list[str]]:
    """The cells of the table whose header row starts with `header`, backticks left out."""
    lines = path.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {header}"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().replace("`", "") for cell in line.strip("|").split("|")])
    return rows
