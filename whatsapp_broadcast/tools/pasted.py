"""Rows out of what people paste or upload: text, CSV in any encoding, or XLSX."""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timezone

import chardet
import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from ..engine.consents import keyword_key

#: Bytes of a file, or characters of a text.
MAX_SIZE = 32 * 1024 * 1024
MAX_ROWS = 300_000
MAX_COLUMNS = 50
#: Characters of a cell; more is no value of a message, but a quote left open.
MAX_CELL = 5000
#: What a workbook may unpack to.
MAX_UNPACKED = 200 * 1024 * 1024
#: Rows that are looked at to tell what the columns are.
SAMPLE = 50

_SEPARATORS = "\t;|,"
_BOMS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_BROKEN_BOOK = (
    zipfile.BadZipFile, zlib.error, InvalidFileException, OSError, EOFError,
    KeyError, ValueError, SyntaxError, IndexError, TypeError, AttributeError,
    NotImplementedError, RuntimeError,
)  # fmt: skip
#: What cannot be stored, and marks of direction that phones are copied with.
_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e"
                        r"\u2066-\u2069\ufeff\ud800-\udfff]")  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_PHONE = re.compile(r"\s*(\+|00)?[\d\s().\-/]{6,25}\s*\Z")
_FORMULA = re.compile(r"\s*[=+\-@]")
#: How Excel shows a phone that it took for a large number.
_SCIENTIFIC = re.compile(r"\s*\d([.,]\d+)?E\+?\d+\s*\Z", re.IGNORECASE)

#: Words of headers in en, es, pt, fr, de, ar and he, by what the column is used for.
_WORDS = {
    "phone": "phone, telephone, mobile, cell, cell phone, number, whatsapp, tel, "
    "phone number, mobile number, mobile phone, whatsapp number, to, "
    "teléfono, telefono, móvil, movil, celular, número, numero, número de teléfono, "
    "numero de telefono, telefone, telemóvel, número de telefone, "
    "téléphone, portable, numéro, numéro de téléphone, "
    "telefon, telefonnummer, handy, handynummer, mobil, mobilnummer, nummer, "
    "rufnummer, هاتف, الهاتف, رقم الهاتف, رقم, جوال, الجوال, موبايل, "
    "טלפון, נייד, מספר, מספר טלפון, סלולרי",
    "name": "name, full name, contact, contact name, customer, client, "
    "nombre, nombre completo, contacto, cliente, nome, nome completo, contato, "
    "nom, nom complet, vollständiger name, kunde, kontakt, "
    "اسم, الاسم, الاسم الكامل, العميل, שם, שם מלא, לקוח",
    "consent": "consent, opt in, optin, opted in, consentimiento, acepta, "
    "consentimento, aceita, consentement, accord, einwilligung, zustimmung, "
    "موافقة, الموافقة, הסכמה",
    "consent_source": "consent source, source of consent, opt in source, "
    "origen del consentimiento, fuente del consentimiento, origem do consentimento, "
    "source du consentement, quelle der einwilligung, مصدر الموافقة, מקור ההסכמה",
}
_USES = {
    keyword_key(word): use for use, words in _WORDS.items() for word in words.split(",")
}


class PasteError(ValueError):
    """What was given cannot be read; ``args`` are a code and its details."""


# === ROWS === #


def rows_of_file(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield (place, cells) of a file's rows: of XLSX's first sheet, else of text.

    :raise PasteError: if it cannot be read; also while rows are read
    """
    if len(content) > MAX_SIZE:
        raise PasteError("too_large")
    if content.startswith(b"PK\x03\x04"):
        return _checked(_rows_of_book(content))
    if content.startswith(_OLD_EXCEL):
        raise PasteError("old_excel")
    return rows_of_text(decode(content))


def rows_of_text(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a text: a number a line, or cells between separators."""
    if len(text) > MAX_SIZE:
        raise PasteError("too_large")
    return _checked(_rows_of_lines(text))


def decode(content: bytes) -> str:
    """Return a file's text, in whatever encoding it was saved."""
    for bom, encoding in _BOMS.items():
        if content.startswith(bom):
            return _decoded(content, encoding)
    head = content[:4000]
    if b"\x00" in head:
        # Half of the bytes of UTF-16 without its mark are zero, on one side.
        sides = head[0::2].count(0), head[1::2].count(0)
        if max(sides) * 4 > len(head) and min(sides) * 20 < len(head):
            return _decoded(
                content, "utf-16-be" if sides[0] > sides[1] else "utf-16-le"
            )
        raise PasteError("binary")
    try:
        return _decoded(content, "utf-8")
    except PasteError as error:
        if error.args != ("encoding",):
            raise
    guess = chardet.detect(content[:100_000])
    encoding = guess["encoding"] if (guess["confidence"] or 0) > 0.5 else None
    return _decoded(content, encoding or "cp1252", errors="replace")


def _decoded(content, encoding, errors="strict"):
    try:
        text = content.decode(encoding, errors)
    except (UnicodeError, LookupError):
        raise PasteError("encoding") from None
    if len(_CONTROL.findall(text[:4000])) * 50 > len(text[:4000]):
        raise PasteError("binary")
    return text


def _rows_of_lines(text):
    lines = [line for line in text[:100_000].splitlines() if line.strip()][:SAMPLE]
    # A quote that never ends would swallow all that follows.
    quoting = csv.QUOTE_NONE if text.count('"') % 2 else csv.QUOTE_MINIMAL
    reader = csv.reader(
        io.StringIO(text.replace("\x00", ""), newline=""),
        delimiter=_separator(lines),
        quoting=quoting,
    )
    try:
        for row in reader:
            if len(lines) == 1 and len(row) > 1 and all(map(looks_like_phone, row)):
                yield from ([cell] for cell in row)
            else:
                yield row
    except csv.Error:
        raise PasteError("cell", reader.line_num) from None


def _separator(lines):
    found = {char: sum(char in line for line in lines) for char in _SEPARATORS}
    best = max(found, key=found.get, default=",")
    return best if found[best] * 2 >= len(lines) else ","


def _rows_of_book(content):
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(info.file_size for info in packed.infolist()) > MAX_UNPACKED:
                raise PasteError("unpacked")
        book = openpyxl.load_workbook(
            io.BytesIO(content), read_only=True, data_only=True, keep_links=False
        )
        sheet = book.worksheets[0]
        # What the file says about its size may be wrong.
        sheet.reset_dimensions()
        for row in sheet.iter_rows(max_col=MAX_COLUMNS + 1, values_only=True):
            yield [_text(value) for value in row]
    except PasteError:
        raise
    except _BROKEN_BOOK:
        raise PasteError("workbook") from None


def _text(value):
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time.min:
        value = value.date()
    return "" if value is None else str(value)


def _checked(rows):
    """Yield (place, cells) of rows that hold something, clean and within the limits."""
    count = 0
    for place, row in enumerate(rows, start=1):
        cells = [clean(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        count += 1
        if count > MAX_ROWS + 1:
            raise PasteError("too_many")
        if max(map(len, cells)) > MAX_CELL:
            raise PasteError("cell", place)
        if len(cells) > MAX_COLUMNS:
            raise PasteError("columns", place)
        yield place, cells


def clean(text: str) -> str:
    """Return a cell without what cannot be stored or seen."""
    return _INVISIBLE.sub("", text).strip()


def harmless(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; phones stay."""
    return f"'{text}" if _FORMULA.match(text) and not _PHONE.match(text) else text


# === WHAT COLUMNS ARE === #


def looks_like_phone(text: str) -> bool:
    """Tell whether a cell may be a phone, however it is written."""
    if _SCIENTIFIC.match(text):
        return True
    return bool(_PHONE.match(text)) and sum(map(str.isdigit, text)) >= 6


def is_scientific(text: str) -> bool:
    """Tell whether Excel cut a phone to something like 4.917E+11."""
    return bool(_SCIENTIFIC.match(text))


def has_header(rows: list[list[str]]) -> bool:
    """Tell whether the first of some rows names the columns."""
    if not rows or any(map(looks_like_phone, rows[0])):
        return False
    return len(rows) > 1 or any(use_of(cell) for cell in rows[0])


def use_of(header: str) -> str | None:
    """Return what a column of this name is used for, if its name tells."""
    return _USES.get(keyword_key(header))


def uses(header: list[str], rows: list[list[str]], width: int) -> list[str]:
    """Return a use for each column: ``phone name consent consent_source variable``.

    The phones are in a column that is named so, else in the one with most of them;
    a list without any has no ``phone``.
    """
    found = ["variable"] * width
    for position, name in enumerate(header):
        use = use_of(name)
        if use and use not in found:
            found[position] = use
    counts = [
        sum(looks_like_phone(row[position]) for row in rows if position < len(row))
        for position in range(width)
    ]
    if "phone" not in found and any(counts):
        found[counts.index(max(counts))] = "phone"
    return found


def names(header: list[str], width: int, generic) -> list[str]:
    """Return a different name for each column.

    :param generic: makes the name of one that has none, from its place
    """
    found = []
    for position in range(width):
        given = header[position][:100] if position < len(header) else ""
        name = base = given or generic(position + 1)
        again = 1
        while name in found:
            again += 1
            name = f"{base} ({again})"
        found.append(name)
    return found


# === CONSENT === #

_YES = {
    keyword_key(word)
    for word in "yes y true 1 x ok si sí sim oui ja wahr verdadero vrai نعم כן".split()
}
_NO = {
    keyword_key(word)
    for word in "no n false 0 não nao non nein falsch falso faux لا לא".split()
} | {""}


def consent_at(text: str, now: datetime) -> datetime | bool | None:
    """Return since when somebody consents: ``now`` for a yes, False for a no.

    :return: naive UTC; None if the text says neither, or a time that is to come
    """
    word = keyword_key(text)
    if word in _YES or word in _NO:
        return now if word in _YES else False
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if at.tzinfo:
        at = at.astimezone(timezone.utc).replace(tzinfo=None)
    return at if at <= now else None


# === PLAN === #


@dataclass(frozen=True)
class Plan:
    """What each column of a file is: ``names`` and ``uses`` go by place.

    ``source``: evidence of consents whose row names none.
    """

    names: list[str]
    uses: list[str]
    has_header: bool
    source: str = ""

    def cell(self, cells: list[str], use: str) -> str:
        """Return what a row says of the one column with a use."""
        place = self.uses.index(use) if use in self.uses else len(cells)
        return cells[place] if place < len(cells) else ""

    def values(self, cells: list[str]) -> dict[str, str]:
        """Return what a row holds for variables, by the names of the columns."""
        return {
            name: cells[place] if place < len(cells) else ""
            for place, (name, use) in enumerate(zip(self.names, self.uses, strict=True))
            if use == "variable"
        }

    @property
    def columns(self) -> list[str]:
        """Return the names of the columns for variables."""
        pairs = zip(self.names, self.uses, strict=True)
        return [name for name, use in pairs if use == "variable"]


@dataclass(frozen=True)
class Look:
    """What all rows have in common: the first of them, the widest's cells, how many."""

    sample: list[list[str]]
    width: int
    count: int


def look_at(rows: Iterator[tuple[int, list[str]]]) -> Look:
    """Read all rows once, and keep the first.

    :raise PasteError: if there are none, or they cannot be read
    """
    sample, width, count = [], 0, 0
    for _place, row in rows:
        count += 1
        width = max(width, len(row))
        if count <= SAMPLE:
            sample.append(row)
    if not count:
        raise PasteError("empty")
    return Look(sample, width, count)


def plan_of(look: Look, generic: Callable[[int], str]) -> Plan:
    """Return what the columns probably are."""
    is_named = has_header(look.sample)
    header, rest = (look.sample[0], look.sample[1:]) if is_named else ([], look.sample)
    return Plan(
        names(header, look.width, generic),
        uses(header, rest, look.width),
        is_named,
    )
