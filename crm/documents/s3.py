"""The store on a server that speaks S3: Amazon's, or an S3-compatible one in the ente's own data centre."""

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from crm.documents.store import StoreError

TIMEOUT = urllib3.Timeout(connect=3, read=15)
GONE = frozenset({"NoSuchKey", "NoSuchObject"})
FOR_GOOD = GONE | {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "NoSuchBucket"}


class S3Store:
    """A bucket, which exists already. Contents stand under `ente/digest`."""

    def __init__(self, url: str, *, bucket: str, access_key: str, secret_key: str, region: str | None = None) -> None:
        parts = urlsplit(url)
        retries = urllib3.Retry(total=2, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504))
        self._client = Minio(
            parts.netloc, access_key=access_key, secret_key=secret_key, secure=parts.scheme == "https",
            region=region or "us-east-1", http_client=urllib3.PoolManager(timeout=TIMEOUT, retries=retries, maxsize=8),
        )  # fmt: skip
        self._bucket = bucket

    def put(self, ente_id: int, sha256: str, source: Path) -> None:
        """Upload; the object appears whole or not at all."""
        try:
            self._client.fput_object(self._bucket, _key(ente_id, sha256), str(source))
        except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _explained(error) from error

    def read(self, ente_id: int, sha256: str, *, most: int) -> bytes:
        """Download."""
        try:
            answer = self._client.get_object(self._bucket, _key(ente_id, sha256))
            try:
                contents = answer.read(most + 1)
            finally:
                answer.close()
                answer.release_conn()
        except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _explained(error) from error
        if hashlib.sha256(contents).hexdigest() != sha256:
            raise StoreError("the contents are not those announced", permanent=True)
        return contents

    def delete(self, ente_id: int, sha256: str) -> None:
        """Remove."""
        try:
            self._client.remove_object(self._bucket, _key(ente_id, sha256))
        except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _explained(error) from error


def _key(ente_id: int, sha256: str) -> str:
    return f"{ente_id}/{sha256}"


def _explained(error: Exception) -> StoreError:
    if isinstance(error, S3Error):
        return StoreError(f"S3 says {error.code}", permanent=error.code in FOR_GOOD)
    return StoreError(f"S3: {type(error).__name__}", permanent=False)
