"""Names that reach a terminal or a log: escape sequences, line breaks, bidi marks, secrets.

They are in file names, options, headers, cells, Arrow's types, artifacts and addresses. Whatever is
printed for people shows them escaped, in one line, and no secret.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import children
from cases import Case
from materials import TRAIN
from verdicts import snapshot

from cali_reg.runtime import fingerprinted_json
from parts.json_mutants import places

TEXTS = (
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b31m",
    "two\nlines",
    "two\r\nlines",
    "over\rwritten",
    "\x0b\x0c\x1c\x1d\x1e\x85",
    "separated\u2028lines\u2029",
    "\u202egpj.exe",
    "\u2066isolated\u2069",
    "\u200bzero\u200dwidth\ufeff",
    "\x7f\x08\x08\x08",
    "\U000e0041\U000e007f",
    "\udcff\udc80",  # bytes that are not UTF-8, as Python gets them from the system
    "e\u0301" * 60,
    "x" * 240,
    "%s %n {0} {name}",
    "$(id) `id` ; id",
    "cali-reg: ok\ncali-reg",
    "",
)
_SECRET = "SWORDFISH"  # noqa: S105
_ADDRESSES = (
    "http://user:{}@127.0.0.1:9/x.csv",
    "https://127.0.0.1:9/x.parquet?X-Amz-Signature={}",
    "s3://KEY:{}@bucket/x.parquet?endpoint_override=127.0.0.1:9&scheme=http",
    "s3://bucket/x.parquet?secret_key={}&endpoint_override=127.0.0.1:9&scheme=http",
    "gs://user:{}@bucket/x.csv?endpoint_override=127.0.0.1:9&retry_limit_seconds=1",
    "hdfs://user:{}@127.0.0.1:9/x.csv",
    "ftp://user:{}@127.0.0.1/x.csv",
    "s3://KEY:{}@/x.csv",
    "s3://KEY:{}@bucket/*.csv",
    "tcp://user:{}@127.0.0.1:9",
)
Words = tuple[object, ...]
_M = ("--artifacts", "m")


def _usable(text: str) -> str:
    """Return a text that can be a name or an option; there is no NUL, and no empty one."""
    return text.replace("\0", "").replace("/", "_") or " "


def _csv(path: Path, header: str, cell: str = "Bern") -> Path:
    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    rows = "".join(f"{k % 6},{quoted(cell)},{k},{k * k % 7}\n" for k in range(30))
    text = f"x,town,y,{quoted(header)}\n{rows}"
    path.write_bytes(text.encode(errors="surrogateescape"))
    return path


def _missing_file(case: Case, text: str) -> Words:
    return ("train", "--artifacts", "new", *TRAIN, "--data", _usable(text) + ".csv")


def _bad_file(case: Case, text: str) -> Words:
    suffix = case.random.choice((".csv", ".parquet", ".arrow", ".csv.gz"))
    (case.folder / (_usable(text) + suffix)).write_bytes(b"a\n\xff\x00\n" * 9)
    return ("predict", "./" + _usable(text) + suffix, *_M)


def _good_file(case: Case, text: str) -> Words:
    path = _csv(case.folder / (_usable(text) + ".csv"), "price", "nowhere")
    return ("predict", path, *_M, "--on-error", "skip")


def _folder_of_rows(case: Case, text: str) -> Words:
    (case.folder / _usable(text)).mkdir()
    return ("train", "--artifacts", "new", *TRAIN, "--data", "./" + _usable(text))


def _artifacts(case: Case, text: str) -> Words:
    command = case.random.choice(("predict", "quantize", "verify", "update", "train"))
    name = "./" + _usable(text)
    if case.random.random() < 0.5:
        case.copy_model(name=_usable(text))
    rows = case.materials.rows["csv"][0]
    more = {"update": ("--add", rows), "train": ("--data", rows, *TRAIN)}
    return (command, "--artifacts", name, *more.get(command, ()))


def _out(case: Case, text: str) -> Words:
    (case.folder / _usable(text)).mkdir()
    name = case.random.choice(("", "/x.csv", "/no/x.gz"))
    return ("predict", case.materials.more, *_M, "--out", "./" + _usable(text) + name)


def _option(case: Case, text: str) -> Words:
    rows = case.materials.rows["csv"][0]
    name = case.random.choice(("--target", "--features", "--categorical", "--test-size", "--dask"))
    options = {"--target": "price", name: text}
    words = [word for pair in options.items() for word in pair]
    return ("train", "--artifacts", "new", "--data", rows, *words)


def _other_option(case: Case, text: str) -> Words:
    option = case.random.choice(("--keep", "--precision", "--interval", "--unseen", "--nothing"))
    return ("predict", case.materials.more, *_M, f"{option}={text}")


def _target(case: Case, text: str) -> Words:
    path, name = _csv(case.folder / "x.csv", text), text
    return ("train", "--artifacts", "new", "--data", path, "--target", name, "--features", "x,y")


def _header(case: Case, text: str) -> Words:
    path = _csv(case.folder / "x.csv", text)
    return ("train", "--artifacts", "new", "--data", path, "--target", "x")


def _twice(case: Case, text: str) -> Words:
    path = _csv(case.folder / "x.csv", f'a","{text}","{text}'.replace("\r", ""))
    return ("predict", path, *_M)


def _cell(case: Case, text: str) -> Words:
    path = _csv(case.folder / "x.csv", "price", text)
    command = case.random.choice(
        (
            ("predict", path, *_M),
            ("predict", path, *_M, "--on-error", "skip"),
            ("predict", path, *_M, "--unseen", "baseline", "--out", "x.csv"),
            ("train", "--artifacts", "new", "--data", path, "--target", "town"),
            ("train", "--artifacts", "new", "--data", path, *TRAIN),
        )
    )
    return tuple(command)


def _type_name(case: Case, text: str) -> Words:
    """Name a type, or its time zone."""
    path = case.folder / case.random.choice(("x.parquet", "x.arrow"))
    kind = case.random.choice(("zone", "field", "extension", "metadata"))
    children.call(partial(_write_typed, path, kind, text.encode(errors="replace").decode()))
    return case.random.choice(
        (
            ("train", "--artifacts", "new", "--data", path, "--target", "price"),
            ("predict", path, *_M),
            ("predict", path, *_M, "--keep", "id", "--out", "x.csv"),
        )
    )


def _write_typed(path: Path, kind: str, text: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    class Extension(pa.ExtensionType):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(pa.int64(), text or "x")

        def __arrow_ext_serialize__(self) -> bytes:
            return text.encode()

    columns = {"x": pa.array(range(9)), "town": pa.array(["Bern"] * 9), "y": pa.array(range(9))}
    odd = {
        "zone": lambda: pa.array(range(9), pa.timestamp("us", tz=text or "UTC")),
        "field": lambda: pa.array([{text: k} for k in range(9)]),
        "extension": lambda: pa.ExtensionArray.from_storage(Extension(), pa.array(range(9))),
        "metadata": lambda: pa.array(["x"] * 9),
    }[kind]()
    columns |= {"id": odd, "price": pa.array(range(9)), "x": odd}
    table = pa.table(columns).replace_schema_metadata({"key": text, "pandas": text})
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(table, path)
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)


def _json_field(case: Case, text: str) -> Words:
    """Put the text into a field of an artifact, and seal it again."""
    name = case.random.choice(("model.json", "model.json", "moments.json", "quantized.json"))
    path = case.folder / "m" / name
    body = json.loads(path.read_bytes())
    kind, version = body.pop("format").split("/")[1], body.pop("version")
    del body["fingerprint"]
    texts = [(inner, key) for inner, key in places(body) if isinstance(inner[key], str)]
    container, key = case.random.choice(texts)
    old, new = container[key], text.encode(errors="replace").decode()
    for other, other_key in texts:  # so that names still agree, and the text gets far
        if other[other_key] == old:
            other[other_key] = new
    path.write_bytes(fingerprinted_json.dump(kind, version, body)[0])
    return _reading(case)


def _json_head(case: Case, text: str) -> Words:
    """Name the format, the version or the fingerprint of an artifact so."""
    path = case.folder / "m" / case.random.choice(("model.json", "quantized.json"))
    body = json.loads(path.read_bytes())
    body[case.random.choice(("format", "version", "fingerprint", text))] = text
    path.write_text(json.dumps(body, sort_keys=True, indent=1) + "\n")
    return _reading(case)


def _reading(case: Case) -> Words:
    rows = case.materials.rows["csv"][0]
    return case.random.choice(
        (
            ("predict", *_M),
            ("predict", rows, *_M),
            ("quantize", *_M),
            ("verify", *_M, "--data", rows),
            ("verify", *_M, "--trust-moments"),
            ("update", *_M, "--add", rows),
        )
    )


def _address(case: Case, text: str) -> Words:
    address = _ADDRESSES[TEXTS.index(text) % len(_ADDRESSES)].format(_SECRET)
    if address.startswith("tcp:"):
        rows = case.materials.rows["csv"][0]
        return ("train", "--artifacts", "new", "--data", rows, *TRAIN, "--dask", "local:" + address)
    return case.random.choice(
        (
            ("predict", address, *_M),
            ("train", "--artifacts", "new", "--data", address, *TRAIN),
            ("predict", case.materials.more, *_M, "--out", address),
            ("predict", "--artifacts", address),
        )
    )


def _special_artifact(case: Case, text: str) -> Words:
    """Put something that is no regular file where an artifact should be."""
    name = ("model.json", "quantized.json", "moments.json")[TEXTS.index(text) % 3]
    path = case.folder / "m" / name
    path.unlink()
    kind = ("fifo", "folder", "zeros", "loop", "none", "unreadable", "terminal")[
        TEXTS.index(text) % 7
    ]
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "unreadable":
        path.touch(0)
    elif kind != "none":
        path.symlink_to({"zeros": "/dev/zero", "loop": name, "terminal": "/dev/tty"}[kind])
    return _reading(case)


def _special_rows(case: Case, text: str) -> Words:
    """Put something that is no regular file where rows should be."""
    suffix = (".csv", ".parquet", ".arrow", ".csv.gz")[TEXTS.index(text) % 4]
    path = case.folder / ("x" + suffix)
    kind = ("fifo", "folder", "zeros", "loop", "link")[TEXTS.index(text) % 5]
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
        (path / ("x" + suffix)).symlink_to(path)
    else:
        path.symlink_to({"zeros": "/dev/zero", "loop": path.name, "link": "/etc"}[kind])
    return case.random.choice(
        (
            ("predict", path, *_M),
            ("train", "--artifacts", "new", "--data", path, *TRAIN),
            ("update", *_M, "--add", path),
        )
    )


_PLACES: tuple[Callable[[Case, str], Words], ...] = (
    *(_missing_file, _bad_file, _good_file, _folder_of_rows, _artifacts, _out, _option),
    *(_other_option, _target, _header, _twice, _cell, _type_name, _type_name, _json_field),
    *(_json_field, _json_field, _json_head, _address, _special_artifact, _special_rows),
)
COUNT, QUICK = len(_PLACES) * len(TEXTS) * 3, len(_PLACES) * len(TEXTS)


def case(case: Case) -> None:
    """Put one text into one place, and run a command that meets it."""
    text = TEXTS[case.number // len(_PLACES) % len(TEXTS)]
    place = _PLACES[case.number % len(_PLACES)]
    case.label = f"({place.__name__.strip('_')} {text[:40]!a})"
    case.group = place.__name__
    case.copy_model()
    words = place(case, text)
    copies = words[0] in ("predict", "export") and len(words) > 3  # data, not a report
    outcome = case.run(*words, is_report=not copies)
    if _SECRET.encode() in outcome.out + outcome.err:
        case.fail("secret", words, repr(outcome.err[-300:]))
    if outcome.code and "new" in {Path(name).parts[0] for name in snapshot(case.folder)}:
        case.fail("torn", words, f"exit code {outcome.code}, and files were written")
