"""Signatures of mails (S/MIME: RFC 8551, 5652), checked against trust anchors. Pure.

Providers' programs write BER with lengths that they do not know beforehand, which no reader of DER takes: what is
needed of it is read here. Who signed is believed when his certificate leads to an anchor and names the mail's sender.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from enum import StrEnum
from itertools import islice

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

from telephony.mail.bodies import content_of, parts_of
from telephony.mail.bulky import Raw

PROVIDER = "posta-certificata@"  # from which envelopes and receipts come (D.M. 2 November 2005, annex, 6.3)
_DEEPEST, _MOST_NODES, _MOST_BYTES = 30, 20_000, 2_000_000
_SIGNED_DATA, _DIGEST_ATTRIBUTE = b"*\x86H\x86\xf7\r\x01\x07\x02", b"*\x86H\x86\xf7\r\x01\t\x04"
_HASHES: dict[bytes, tuple[str, hashes.HashAlgorithm]] = {
    b"`\x86H\x01e\x03\x04\x02\x01": ("sha256", hashes.SHA256()),
    b"`\x86H\x01e\x03\x04\x02\x02": ("sha384", hashes.SHA384()),
    b"`\x86H\x01e\x03\x04\x02\x03": ("sha512", hashes.SHA512()),
}
_SEQUENCE, _SET, _INTEGER, _OCTETS, _OID = 0x30, 0x31, 0x02, 0x04, 0x06


class Proof(StrEnum):
    """What a signature proves."""

    UNSIGNED = "unsigned"
    UNCHECKED = "unchecked"  # it fits what is signed; there are no anchors, so nobody knows whose it is
    UNTRUSTED = "untrusted"  # it fits, and is of somebody whom no anchor vouches for, or of another than the sender
    BROKEN = "broken"  # it does not fit, or cannot be read
    VALID = "valid"


@dataclass(frozen=True, slots=True)
class _Node:
    tag: int
    content: bytes
    children: tuple["_Node", ...]
    whole: bytes

    @property
    def octets(self) -> bytes:
        """What a string holds, in one piece or in several."""
        return b"".join(one.octets for one in self.children) if self.children else self.content


class _BrokenError(Exception):
    pass


def proof_of(
    raw: Raw, message: "Message[str, str]", sender: str, anchors: Sequence[x509.Certificate], at: datetime | None
) -> Proof:  # fmt: skip
    """What the signature around a whole message proves: of whom it was from at an instant."""
    if message.get_content_type() != "multipart/signed":
        return Proof.UNSIGNED
    parts, boundary = parts_of(message), message.get_boundary()
    if len(parts) != 2 or not boundary:
        return Proof.BROKEN
    try:
        signed = first_part(raw, boundary.encode("utf-8", "surrogateescape"))
        signer, others = _signer_of(signed, content_of(parts[1]))
    except (_BrokenError, InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return Proof.BROKEN
    if not anchors or at is None:
        return Proof.UNCHECKED
    named = sender.startswith(PROVIDER) and sender in _addresses(signer)
    return Proof.VALID if named and _leads_to(signer, others, anchors, at) else Proof.UNTRUSTED


def first_part(raw: Raw, boundary: bytes) -> bytes:
    """The exact bytes of a first part; the end of line before a boundary belongs to the boundary (RFC 2046, 5.1.1)."""
    said = re.finditer(b"--" + re.escape(boundary) + rb"(?:--)?[ \t]*(?:\r?\n|\Z)", raw)
    fences = list(islice((one for one in said if one.start() == 0 or raw[one.start() - 1 : one.start()] == b"\n"), 2))
    if len(fences) < 2:
        raise _BrokenError
    end = fences[1].start()
    end -= 2 if raw[max(end - 2, 0) : end] == b"\r\n" else 1
    return raw[fences[0].end() : max(end, fences[0].end())]


def _signer_of(part: bytes, signature: bytes) -> tuple[x509.Certificate, list[x509.Certificate]]:
    """Who signed a part, as it came; else with lines ended as they are on their way, which a store may change."""
    try:
        return _signer(part, signature)
    except (_BrokenError, InvalidSignature):
        if part.count(b"\n") == part.count(b"\r\n"):
            raise
        return _signer(part.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), signature)


def _signer(signed: bytes, signature: bytes) -> tuple[x509.Certificate, list[x509.Certificate]]:
    """Who signed these bytes, and the other certificates that came along. Raises when the signature does not fit."""
    if len(signature) > _MOST_BYTES:
        raise _BrokenError
    root, _ = _read(signature, 0, 0, [0])
    kind, wrapped = _some(root, 2)
    if kind.content != _SIGNED_DATA:
        raise _BrokenError
    data = _some(wrapped, 1)[0].children
    certificates = [
        x509.load_der_x509_certificate(one.whole)
        for node in data if node.tag == 0xA0 for one in node.children if one.tag == _SEQUENCE
    ]  # fmt: skip
    if not data or data[-1].tag != _SET:
        raise _BrokenError
    info = _some(data[-1], 1)[0].children
    if len(info) < 5:
        raise _BrokenError
    signer = next((one for one in certificates if _is_of(one, info[1])), None)
    digest = _HASHES.get(_some(info[2], 1)[0].content)
    if signer is None or digest is None:
        raise _BrokenError
    attributes = info[3] if info[3].tag == 0xA0 else None
    value = next((one.octets for one in info[3:] if one.tag & ~0x20 == _OCTETS), b"")
    told = signed
    if attributes is not None:
        wanted = next((_some(_some(one, 2)[1], 1)[0].octets for one in attributes.children
                       if _some(one, 1)[0].content == _DIGEST_ATTRIBUTE), b"")  # fmt: skip
        if wanted != hashlib.new(digest[0], signed).digest():
            raise _BrokenError
        told = bytes([_SET]) + attributes.whole[1:]
    _check(signer, value, told, digest[1])
    return signer, [one for one in certificates if one is not signer]


def _check(signer: x509.Certificate, signature: bytes, told: bytes, digest: hashes.HashAlgorithm) -> None:
    key = signer.public_key()
    match key:
        case rsa.RSAPublicKey():
            key.verify(signature, told, padding.PKCS1v15(), digest)
        case ec.EllipticCurvePublicKey():
            key.verify(signature, told, ec.ECDSA(digest))
        case _:
            raise _BrokenError


def _is_of(certificate: x509.Certificate, named: _Node) -> bool:
    """Whether a signer is named by his issuer and number, or by his key's identifier."""
    if named.tag == _SEQUENCE:
        issuer, number = _some(named, 2)
        serial = int.from_bytes(number.content, "big", signed=True)
        return certificate.serial_number == serial and certificate.issuer.public_bytes() == issuer.whole
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except (x509.ExtensionNotFound, ValueError):
        return False
    return found.value.digest == named.content


def _addresses(certificate: x509.Certificate) -> set[str]:
    found = {str(one.value).lower() for one in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)}
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found |= {one.lower() for one in names.get_values_for_type(x509.RFC822Name)}
    except (x509.ExtensionNotFound, ValueError):
        pass
    return found


def _leads_to(
    signer: x509.Certificate, others: Iterable[x509.Certificate], anchors: Sequence[x509.Certificate], at: datetime
) -> bool:
    anyhow = ExtensionPolicy.permit_all()
    policy = PolicyBuilder().store(Store(list(anchors))).time(at.replace(tzinfo=None))
    policy = policy.extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=anyhow)
    try:
        policy.build_client_verifier().verify(signer, list(others))
    except (VerificationError, ValueError, UnsupportedAlgorithm):
        return False
    return True


def _some(node: _Node, least: int) -> tuple[_Node, ...]:
    if len(node.children) < least:
        raise _BrokenError
    return node.children[:least]


def _read(data: bytes, start: int, depth: int, count: list[int]) -> tuple[_Node, int]:
    """One value of BER (ITU-T X.690), with those in it; where the next one begins."""
    count[0] += 1
    if depth > _DEEPEST or count[0] > _MOST_NODES or start + 2 > len(data):
        raise _BrokenError
    tag, length, at = data[start], data[start + 1], start + 2
    if tag & 0x1F == 0x1F:
        raise _BrokenError
    if length == 0x80:
        children = []
        while data[at : at + 2] != b"\x00\x00":
            child, at = _read(data, at, depth + 1, count)
            children.append(child)
        return _Node(tag, data[start + 2 : at], tuple(children), data[start : at + 2]), at + 2
    if length & 0x80:
        size = length & 0x7F
        length, at = int.from_bytes(data[at : at + size], "big"), at + size
    end = at + length
    if end > len(data):
        raise _BrokenError
    children, inner = [], at
    if tag & 0x20:
        while inner < end:
            child, inner = _read(data, inner, depth + 1, count)
            children.append(child)
        if inner != end:
            raise _BrokenError
    return _Node(tag, data[at:end], tuple(children), data[start:end]), end
