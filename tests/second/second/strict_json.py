"""One JSON value in UTF-8: no byte order mark, duplicate keys, trailing text, infinite numbers or lone surrogates."""

import json
import math

DEPTH = 127

def reject(_):
    raise ValueError("not a JSON number")

def finite(text):
    value = float(text)
    if math.isinf(value): raise ValueError("a number out of range")
    return value

def whole(text):
    return int(text) if len(text) < 300 else finite(text)

def unique(pairs):
    result = {}
    for key, value in pairs:
        if key in result: raise ValueError("a duplicate key")
        result[key] = value
    return result

def check_depth(text):
    depth, quoted, escaped = 0, False, False
    for letter in text:
        if quoted:
            if escaped:
                escaped = False
            elif letter == "\\":
                escaped = True
            elif letter == '"':
                quoted = False
        elif letter == '"':
            quoted = True
        elif letter in "[{":
            depth += 1
            if depth > DEPTH: raise ValueError("nested too deeply")
        elif letter in "]}":
            depth -= 1

def loads(data):
    """Raises ValueError for anything else."""
    text = data.decode("utf-8")
    if text.startswith("\ufeff"): raise ValueError("a byte order mark")
    check_depth(text)
    value = json.loads(text, object_pairs_hook=unique, parse_constant=reject, parse_float=finite, parse_int=whole)
    json.dumps(value, ensure_ascii=False).encode("utf-8")   # lone surrogates cannot be encoded
    return value
