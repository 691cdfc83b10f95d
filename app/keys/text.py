"""The text of a key: ``kf_<id>_<secret><checksum>``, and the digest that is kept of it.

The prefix and the checksum let secret scanners recognise a leaked key without asking anybody. The secret has
256 random bits, so its digest needs no salt and no slow hash.
"""

import hashlib
import re
import secrets
import string
import zlib

_DIGITS = string.digits + string.ascii_letters
_SECRET_LENGTH = 43  # 62**43 > 2**256
_CHECKSUM_LENGTH = 6  # 62**6 > 2**32
_KEY = re.compile(rf"kf_([0-9a-z]+)_([0-9A-Za-z]{{{_SECRET_LENGTH}}})([0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})")


def new_key_text(key_id: str) -> str:
    """Return the text of a new key; ``key_id`` is the row's identifier, ``key_<ulid>``."""
    body = f"kf_{key_id.removeprefix('key_')}_{_base62(secrets.randbits(256), _SECRET_LENGTH)}"
    return body + _checksum(body)


def is_well_formed(text: str) -> bool:
    """Tell whether ``text`` can be a key at all, so that anything else costs no query."""
    return (
        _KEY.fullmatch(text) is not None and _checksum(text[:-_CHECKSUM_LENGTH]) == text[-_CHECKSUM_LENGTH:]
    )


def digest_of(secret: str) -> str:
    """Return what is stored of a key, a code or a cookie: its SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    characters = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        characters.append(_DIGITS[digit])
    return "".join(reversed(characters))
