"""Keys and signatures, as docs/format.md ("The signature") reads them."""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from .limits import NoVerdict

PEM = re.compile(rb"[ \t\r\n]*-----BEGIN (PUBLIC KEY|RSA PUBLIC KEY)-----[ \t]*\r?\n([A-Za-z0-9+/=\s]*?)" rb"-----END \1-----[ \t\r\n]*")
RSA_OID = bytes.fromhex("06092a864886f70d010101") + b"\x05\x00"
EC_OID = bytes.fromhex("06072a8648ce3d0201") + bytes.fromhex("06082a8648ce3d030107")
SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

@dataclass
class Key:
    kind: str               # rsa or p256
    numbers: tuple          # (n, e), or (x, y)
    fingerprint: str

class DerError(ValueError):
    pass

def der(data, tag, at=0):
    """One DER value at `at`: its content and the position after it."""
    if at + 2 > len(data) or data[at] != tag: raise DerError("tag")
    length, begin = data[at + 1], at + 2
    if length >= 0x80:
        count = length & 0x7F
        raw = data[begin:begin + count]
        if not 1 <= count <= 4 or len(raw) != count or raw[0] == 0: raise DerError("length")
        length, begin = int.from_bytes(raw, "big"), begin + count
        if length < 0x80: raise DerError("length")
    if begin + length > len(data): raise DerError("cut")
    return data[begin:begin + length], begin + length

def whole(data, tag):
    content, end = der(data, tag)
    if end != len(data): raise DerError("tail")
    return content

def integer(data, at):
    """A DER integer that is not negative, in its shortest form."""
    raw, end = der(data, 2, at)
    if not raw or raw[0] & 0x80 or (raw[0] == 0 and len(raw) > 1 and not raw[1] & 0x80): raise DerError("integer")
    return int.from_bytes(raw, "big"), end

def two_integers(data):
    content = whole(data, 0x30)
    first, at = integer(content, 0)
    second, end = integer(content, at)
    if end != len(content): raise DerError("tail")
    return first, second

def encode(tag, content):
    length = len(content)
    if length < 0x80: return bytes([tag, length]) + content
    raw = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(raw)]) + raw + content

def parse_key(pem):
    """Reads a key file. Raises ValueError unless it is one RSA or P-256 public key of an accepted strength."""
    match = PEM.fullmatch(pem)
    if not match: raise ValueError("not one PEM block with a public key")
    try:
        data = base64.b64decode(b"".join(match[2].split()), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if match[1] == b"RSA PUBLIC KEY":
        spki = encode(0x30, encode(0x30, RSA_OID) + encode(3, b"\0" + data))
    else:
        spki = data
    content = whole(spki, 0x30)
    algorithm, at = der(content, 0x30)
    bits, end = der(content, 3, at)
    if end != len(content) or bits[:1] != b"\0": raise DerError("key")
    fingerprint = hashlib.sha256(spki).hexdigest()
    if algorithm == RSA_OID: return Key("rsa", check_rsa(*two_integers(bits[1:])), fingerprint)
    if algorithm == EC_OID: return Key("p256", check_p256(bits[1:]), fingerprint)
    raise ValueError("neither RSA nor P-256")

def check_rsa(n, e):
    if not 2048 <= n.bit_length() <= 8192 or n % 2 == 0 or e % 2 == 0 or not 65537 <= e < n: raise ValueError("a weak RSA key")
    return n, e

def check_p256(point):
    if len(point) != 65 or point[0] != 4: raise ValueError("not an uncompressed P-256 point")
    x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
    if x >= P or y >= P or (y * y - (x * x * x - 3 * x + B)) % P: raise ValueError("not a point of P-256")
    return x, y

def load_key(pem, where):
    try:
        return parse_key(pem)
    except ValueError as error:
        raise NoVerdict("key", f"{where}: {error}") from error

def verifies(key, archive, signature):
    """Is this a signature over the message SHA-256(archive)?"""
    message = hashlib.sha256(archive).digest()
    if key.kind == "rsa":
        n, e = key.numbers
        size = (n.bit_length() + 7) // 8
        value = int.from_bytes(signature, "big")
        if len(signature) != size or value >= n: return False
        info = SHA256_PREFIX + hashlib.sha256(message).digest()
        return pow(value, e, n).to_bytes(size, "big") == b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info
    try:
        r, s = two_integers(signature)
    except DerError:
        return False
    if not (0 < r < N and 0 < s < N): return False
    try:
        ec.EllipticCurvePublicNumbers(*key.numbers, ec.SECP256R1()).public_key().verify(signature, message, ec.ECDSA(hashes.SHA256()))
        return True
    except InvalidSignature:
        return False
