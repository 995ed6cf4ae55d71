"""What a file is, by what is in it, whatever its name says. Pure."""

import io
import re
import zipfile
from enum import StrEnum


class FileKind(StrEnum):
    PDF = "pdf"
    IMAGE = "image"
    DOCUMENT = "document"  # of an office program
    SIGNED = "signed"  # a signed envelope (CAdES, .p7m)
    ARCHIVE = "archive"
    MESSAGE = "message"  # another e-mail
    TEXT = "text"
    MARKUP = "markup"  # HTML, XML: it may run in a browser
    PROGRAM = "program"
    OTHER = "other"


_STARTS = (
    (b"%PDF-", FileKind.PDF), (b"\x89PNG\r\n\x1a\n", FileKind.IMAGE), (b"\xff\xd8\xff", FileKind.IMAGE),
    (b"GIF87a", FileKind.IMAGE), (b"GIF89a", FileKind.IMAGE), (b"II*\x00", FileKind.IMAGE),
    (b"MM\x00*", FileKind.IMAGE), (b"BM", FileKind.IMAGE), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileKind.DOCUMENT),
    (b"{\\rtf", FileKind.DOCUMENT), (b"Rar!", FileKind.ARCHIVE), (b"7z\xbc\xaf\x27\x1c", FileKind.ARCHIVE),
    (b"\x1f\x8b", FileKind.ARCHIVE), (b"BZh", FileKind.ARCHIVE), (b"MZ", FileKind.PROGRAM),
    (b"\x7fELF", FileKind.PROGRAM), (b"#!", FileKind.PROGRAM), (b"\xca\xfe\xba\xbe", FileKind.PROGRAM),
)  # fmt: skip
_SIGNED_DATA = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"  # 1.2.840.113549.1.7.2, RFC 5652
_OFFICE = re.compile(r"(?:\[Content_Types\]\.xml|mimetype|word/|xl/|ppt/)")
_MARKUP = re.compile(rb"\s*(?:<\?xml|<!doctype|<html|<svg|<script|<body|<head)", re.IGNORECASE)
_MESSAGE = re.compile(
    rb"(?:return-path|received|from|date|subject|message-id|mime-version|delivered-to|x-trasporto):\s", re.IGNORECASE
)
_ENDINGS = {
    FileKind.PDF: {"pdf"}, FileKind.SIGNED: {"p7m", "p7s", "p7c"}, FileKind.MESSAGE: {"eml", "txt"},
    FileKind.IMAGE: {"png", "jpg", "jpeg", "jfif", "gif", "tif", "tiff", "bmp"},
    FileKind.DOCUMENT: {"doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "odg", "rtf", "msg"},
    FileKind.ARCHIVE: {"zip", "7z", "rar", "gz", "tgz", "bz2"},
    FileKind.MARKUP: {"htm", "html", "xml", "svg", "xhtml"}, FileKind.TEXT: {"txt", "csv", "ics", "vcf", "log", "md"},
}  # fmt: skip
# What a machine runs when it is opened, whatever it holds.
_RUNS = frozenset(
    {
        "exe", "com", "scr", "pif", "bat", "cmd", "vbs", "vbe", "js", "jse", "wsf", "wsh", "hta", "ps1", "msi", "msp",
        "jar", "lnk", "reg", "dll", "cpl", "iso", "img", "docm", "xlsm", "pptm",
    }
)  # fmt: skip
_HEAD = 4_096


def kind_of(content: bytes) -> FileKind:
    """By the first bytes; of an archive by the names in it."""
    head = content[:_HEAD]
    if head.startswith(b"PK\x03\x04"):
        return _of_archive(content)
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[:1] == b"\x30" and _SIGNED_DATA in head[:32]:
        return FileKind.SIGNED
    if _MARKUP.match(head.removeprefix(b"\xef\xbb\xbf")):
        return FileKind.MARKUP
    if _MESSAGE.match(head):
        return FileKind.MESSAGE
    if b"\x00" not in head and sum(byte < 9 for byte in head) == 0:
        return FileKind.TEXT
    return FileKind.OTHER


def doubtful(name: str, kind: FileKind) -> bool:
    """Whether a file is to be handled with care: a program, or not what its name says."""
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if kind is FileKind.PROGRAM or ending in _RUNS:
        return True
    known = {one for endings in _ENDINGS.values() for one in endings}
    return ending in known and ending not in _ENDINGS.get(kind, set())


def shown(kind: FileKind) -> bool:
    """Whether a browser may show it without running anything of it."""
    return kind in {FileKind.PDF, FileKind.IMAGE}


def _of_archive(content: bytes) -> FileKind:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [one.filename for one in archive.infolist()[:200]]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError):
        return FileKind.ARCHIVE
    return FileKind.DOCUMENT if any(_OFFICE.match(one) for one in names) else FileKind.ARCHIVE
