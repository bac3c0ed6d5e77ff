#!/usr/bin/env python3
"""Converts an archive of pickled DynamoDB items into one that Ferry restores. docs/migrating.md says why and how.

It needs Python 3.8 and nothing else. It reads and writes local folders; it calls no service.
"""
import argparse
import base64
import bz2
import datetime
import gzip
import hashlib
import io
import json
import os
import pickle
import sys
import zlib
from decimal import Decimal

FILE_BYTES_MAX = 1024**3
LINES_PER_FILE = 100_000


class Refused(Exception):
    """A file that cannot be converted, with the reason."""


class Binary:
    """Stands in for boto3's Binary, which holds bytes as `value`."""

    value = b""

    def __init__(self, value=b""):
        self.__setstate__({"value": value})

    def __setstate__(self, state):
        if set(state) != {"value"} or not isinstance(state["value"], (bytes, bytearray)):
            raise Refused("a Binary holds something other than bytes")
        self.value = bytes(state["value"])

    def __eq__(self, other):
        return isinstance(other, Binary) and other.value == self.value

    def __hash__(self):
        return hash(self.value)


def _encode(text, encoding):
    """Protocols 0 to 2 write bytes as text in latin1. The real function knows many other codecs."""
    if not isinstance(text, str) or encoding != "latin1":
        raise Refused("bytes are encoded in an unusual way")
    return text.encode("latin1")


def _bytearray(value=b"", encoding="latin1"):
    """The real function, given a number, makes as many zeros."""
    return bytearray(value if isinstance(value, bytes) else _encode(value, encoding))


def _reconstruct(cls, base, state):
    """Protocols 0 and 1 write an instance in this form."""
    if cls is not Binary or base is not object or state is not None:
        raise Refused("an instance of another class than Binary")
    return Binary()


class ItemUnpickler(pickle.Unpickler):
    """Creates boto3's item types and nothing else: a pickle may name any function, and pickle.load would call it."""

    ALLOWED = {
        ("decimal", "Decimal"): Decimal,
        ("boto3.dynamodb.types", "Binary"): Binary,
        ("builtins", "set"): set,
        ("builtins", "frozenset"): frozenset,
        ("builtins", "bytearray"): _bytearray,
        ("_codecs", "encode"): _encode,
        ("copyreg", "_reconstructor"): _reconstruct,
        ("builtins", "object"): object,
    }
    # Names in pickles of Python 2.
    MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg"}

    def find_class(self, module, name):
        found = self.ALLOWED.get((self.MODULES.get(module, module), name))
        if found is None:
            raise Refused(f"it names {module}.{name}, which is not a type of an item: the file may have been changed")
        return found

    def persistent_load(self, pid):
        raise Refused("it refers to an object outside")


def read_items(path):
    """The items of one file: one list of them or one page of a Scan after the other."""
    data = io.BytesIO(decompressed(path))
    end = len(data.getbuffer())
    items = []
    try:
        while data.tell() < end:
            value = ItemUnpickler(data).load()
            items.extend(value["Items"] if isinstance(value, dict) and "Items" in value else as_list(value))
    except Refused:
        raise
    except Exception as error:  # A damaged pickle can fail in any way.
        raise Refused(f"it is not a pickle of items: {type(error).__name__}: {error}") from error
    return items


def as_list(value):
    return [value] if isinstance(value, dict) else value


def decompressed(path):
    with open(path, "rb") as file:
        head = file.read(3)
    opener = gzip.open if head[:2] == b"\x1f\x8b" else bz2.open if head == b"BZh" else open
    with opener(path, "rb") as file:
        data = file.read(FILE_BYTES_MAX + 1)
    if data[:1] == b"\x78":
        unzip = zlib.decompressobj()
        data = unzip.decompress(data, FILE_BYTES_MAX + 1)
    if len(data) > FILE_BYTES_MAX:
        raise Refused(f"it holds more than {FILE_BYTES_MAX} bytes")
    return data


def typed(value):
    """A value of boto3's resource interface as DynamoDB JSON."""
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, (int, Decimal)):
        return {"N": number(value)}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, (bytes, bytearray, Binary)):
        return {"B": binary(value)}
    if isinstance(value, (set, frozenset)):
        return typed_set(value)
    if isinstance(value, (list, tuple)):
        return {"L": [typed(one) for one in value]}
    if isinstance(value, dict):
        return {"M": {name: typed(one) for name, one in value.items()}}
    raise Refused(f"a value has the type {type(value).__name__}, which DynamoDB does not have")


def typed_set(values):
    if values and all(isinstance(one, str) for one in values):
        return {"SS": sorted(values)}
    if values and all(isinstance(one, (int, Decimal)) and not isinstance(one, bool) for one in values):
        return {"NS": sorted(number(one) for one in values)}
    if values and all(isinstance(one, (bytes, bytearray, Binary)) for one in values):
        return {"BS": sorted(binary(one) for one in values)}
    raise Refused("a set is empty, or its values have several types")


def number(value):
    if isinstance(value, Decimal) and not value.is_finite():
        raise Refused(f"a number is {value}")
    return str(value)


def binary(value):
    raw = value.value if isinstance(value, Binary) else bytes(value)
    return base64.b64encode(raw).decode("ascii")


def low_level(attribute):
    """A value of boto3's client interface, {"S": "a"}, as DynamoDB JSON: only its binary differs."""
    ((kind, value),) = attribute.items()
    if kind == "B":
        return {kind: binary(value)}
    if kind == "BS":
        return {kind: [binary(one) for one in value]}
    if kind == "L":
        return {kind: [low_level(one) for one in value]}
    if kind == "M":
        return {kind: {name: low_level(one) for name, one in value.items()}}
    return {kind: value}


def line_of(item, client):
    if not isinstance(item, dict) or not all(isinstance(name, str) for name in item):
        raise Refused("an entry is not an item")
    encode = low_level if client else typed
    text = json.dumps({"Item": {name: encode(value) for name, value in item.items()}}, ensure_ascii=False)
    return (text + "\n").encode("utf-8")


def md5(data):
    return base64.b64encode(hashlib.md5(data).digest()).decode("ascii")


def put(out, name, data):
    path = os.path.join(out, *name.split("/"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "xb") as file:
        file.write(data)


def convert(source, out, bucket, prefix, client, keys):
    """Writes the archive. The summary is last: without it there is no archive. Returns the number of items and of files."""
    listed = []
    lines = []
    total = 0

    def close():
        body = gzip.compress(b"".join(lines), mtime=0)
        name = f"0x0000/0x{len(listed):08x}.json.gz"
        put(out, name, body)
        etag = hashlib.md5(body).hexdigest()
        key = f"{prefix}/{name}"
        listed.append({"itemCount": len(lines), "md5Checksum": md5(body), "etag": etag, "dataFileS3Key": key})
        lines.clear()

    for path in sorted(os.path.join(folder, name) for folder, _, names in os.walk(source) for name in names):
        try:
            for item in read_items(path):
                lines.append(line_of(item, client))
                total += 1
                if len(lines) == LINES_PER_FILE:
                    close()
        except Refused as error:
            raise Refused(f"{path}: {error}") from error
    if lines or not listed:
        close()
    if keys:
        schema = [dict(zip(("name", "type"), one.split(":"))) for one in keys.split(",")]
        put(out, "table.json", json.dumps({"format-version": 1, "keys": schema}).encode())
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    files = "".join(json.dumps(one) + "\n" for one in listed).encode()
    # Without `ferry`: two workers of the older tool may have written one item twice, so Ferry must check the keys of all lines.
    summary = {
        "version": "2020-06-30",
        "exportArn": "",
        "startTime": now,
        "endTime": now,
        "tableArn": "",
        "tableId": "",
        "exportTime": now,
        "s3Bucket": bucket,
        "s3Prefix": prefix,
        "s3SseAlgorithm": "AES256",
        "s3SseKmsKeyId": None,
        "manifestFilesS3Key": f"{prefix}/manifest-files.json",
        "billedSizeBytes": 0,
        "itemCount": total,
        "outputFormat": "DYNAMODB_JSON",
        "exportType": "FULL_EXPORT",
    }
    put(out, "manifest-files.json", files)
    put(out, "manifest-files.md5", md5(files).encode())
    text = json.dumps(summary, indent=2).encode()
    put(out, "manifest-summary.json", text)
    put(out, "manifest-summary.md5", md5(text).encode())
    return total, len(listed)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", help="the folder with the pickled files, and nothing else")
    parser.add_argument("out", help="the folder of the new archive; it must not exist")
    parser.add_argument("--bucket", required=True, help="the bucket for the new archive")
    parser.add_argument("--prefix", required=True, help="its prefix there, without a slash at its end")
    parser.add_argument("--keys", help="the table's keys, hash first: id:S or id:S,sort:N")
    parser.add_argument("--client", action="store_true", help='the items have boto3\'s client form: {"id": {"S": "a"}}')
    options = parser.parse_args()
    if os.path.exists(options.out):
        parser.error(f"{options.out} exists already")
    try:
        items, files = convert(
            options.source, options.out, options.bucket, options.prefix.rstrip("/"), options.client, options.keys
        )
    except Refused as error:
        print(f"convert.py: {error}", file=sys.stderr)
        return 1
    print(f"{items} items in {files} files; now: aws s3 cp --recursive {options.out} s3://{options.bucket}/{options.prefix}/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
