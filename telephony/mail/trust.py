"""The certificates that signatures of certified mail have to lead to, as somebody keeps them in a file."""

from pathlib import Path

from cryptography.x509 import Certificate, load_pem_x509_certificates


def anchors_in(path: Path | None) -> tuple[Certificate, ...]:
    """The certificates of a PEM file; none where there is no file. Raises `ValueError` for one that holds none."""
    return () if path is None else tuple(load_pem_x509_certificates(path.read_bytes()))
