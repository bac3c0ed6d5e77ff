"""Writes pickled files as a tool does that pickles what boto3 returns: for the test of convert.py, which needs no boto3."""
import gzip
import os
import pickle
import sys
import types
from decimal import Decimal


class Binary:
    """boto3's Binary, as far as pickle sees it."""

    def __init__(self, value):
        self.value = value


Binary.__module__ = "boto3.dynamodb.types"
for name in ("boto3", "boto3.dynamodb", "boto3.dynamodb.types"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["boto3.dynamodb.types"].Binary = Binary


class Attack:
    def __reduce__(self):
        return os.system, ("touch executed",)


def every_type(key):
    return {
        "id": key,
        "n": Decimal("12345678901234567890123456789012345678"),
        "b": Binary(b"\x00\xff"),
        "raw": bytearray(b"\x01"),
        "ss": {"x", "y"},
        "ns": {Decimal("1"), Decimal("-2.5")},
        "bs": {b"\x02"},
        "l": [None, True, "\U0001f600", [Decimal("0")]],
        "m": {"nested": {"deep": False}},
    }


def write(folder, name, *values, protocol=pickle.HIGHEST_PROTOCOL, pack=gzip.compress):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(pack(b"".join(pickle.dumps(value, protocol) for value in values)))


root = sys.argv[1]
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    folder = os.path.join(root, "resource", f"{protocol}")
    write(folder, "0x0", [every_type(f"list {protocol}")], {"Items": [every_type(f"page {protocol}")]}, protocol=protocol)
write(os.path.join(root, "resource"), "plain", every_type("one"), pack=bytes)
write(os.path.join(root, "client"), "0x0", [{"id": {"S": "client"}, "b": {"B": b"\x03"}, "l": {"L": [{"BS": [b"\x04"]}]}}])
write(os.path.join(root, "attack"), "0x0", [{"id": Attack()}])
write(os.path.join(root, "float"), "0x0", [{"id": "a", "x": 1.5}])
write(os.path.join(root, "damaged"), "0x0", "x", pack=lambda data: data[:-2])
