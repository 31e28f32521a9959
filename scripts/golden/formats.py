"""Writes crates/data/tests/files/formats.zip: tables as numpy, pandas, pyarrow and openpyxl write them.

    pip install numpy==2.4.6 pandas==3.1.1 pyarrow==26.0.1 openpyxl==3.1.5
    python scripts/golden/formats.py

For each table NAME.EXTENSION there is NAME.csv beside it, with the same cells: the reader of each
format is held to what the reader of CSV files makes of that. The zip's times are fixed; openpyxl's and
pyarrow's files may differ in a few bytes of metadata from run to run.
"""

import datetime
import io
import json
import pathlib
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

OUT = pathlib.Path(__file__).parents[2] / "crates/data/tests/files/formats.zip"

members = {}


def cell(value):
    """A value as a CSV cell; `None` and NaN are missing."""
    if value is None or value is pd.NaT or value is pd.NA:
        return ""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value)).lower()
    if isinstance(value, (np.datetime64, datetime.datetime, datetime.date)):
        return "" if pd.isna(value) else str(value).replace("T", " ")
    if isinstance(value, (float, np.floating)):
        return "" if np.isnan(value) else repr(float(value))
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, bytes):
        value = value.decode()
    return '"' + str(value).replace('"', '""') + '"'


def csv(rows, header=None):
    lines = [] if header is None else [",".join(cell(name) for name in header)]
    lines += [",".join(cell(value) for value in row) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def add(name, extension, content, expected):
    members[f"{name}.{extension}"] = content
    members[f"{name}.csv"] = expected


# --- numpy ---------------------------------------------------------------------------------------


def npy(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=version)
    return out.getvalue()


def flat(array):
    """The rows of an array, flattened."""
    return array.reshape(array.shape[0], -1)


def numbers(kind):
    """Three rows of two numbers, the extremes among them."""
    kind = np.dtype(kind)
    if kind.kind == "b":
        return np.array([[True, False], [False, True], [True, True]])
    if kind.kind == "f":
        info = np.finfo(kind)
        values = [0.1, -1.5, np.nan, info.max, info.smallest_subnormal, -0.0]
    else:
        info = np.iinfo(kind)
        values = [info.min, info.max, 1, 100, 0, 17]
    return np.array(values, kind).reshape(3, 2)


for kind in ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]:
    for order in "<>":
        for layout in "CF":
            array = np.asarray(numbers(kind).astype(order + kind), order=layout)
            name = f"{kind}_{'little' if order == '<' else 'big'}_{layout}"
            add(name, "npy", npy(array), csv(flat(numbers(kind))))

words = np.array([["ab", "Ärger"], ["", "x y"], ["grün", "🦀"]])
ascii_words = np.array([[b"ab", b"c"], [b"", b"x y"], [b"no", b"yes"]])
for order in "<>":
    array = words.astype(order + "U5")
    add(f"unicode_{'little' if order == '<' else 'big'}", "npy", npy(array), csv(words))
add("unicode_F", "npy", npy(np.asfortranarray(words)), csv(words))
add("bytes", "npy", npy(ascii_words), csv(ascii_words))

random = np.random.default_rng(1)
tall = random.integers(-800, 800, size=(4100, 2)) / 8
for layout in "CF":
    add(f"tall_{layout}", "npy", npy(np.asarray(tall.astype("f4"), order=layout)),
        csv(tall.astype("f4")))
cube = random.integers(0, 256, size=(4, 2, 3), dtype="u1")
four = random.integers(-9, 9, size=(3, 2, 2, 3)).astype("i2")
for layout in "CF":
    add(f"images_{layout}", "npy", npy(np.asarray(cube, order=layout)), csv(flat(cube)))
    add(f"four_{layout}", "npy", npy(np.asarray(four, order=layout)), csv(flat(four)))
add("one_dimension", "npy", npy(np.array([1.5, 2.0, -3.0])), csv([[1.5], [2.0], [-3.0]]))
for version in [(2, 0), (3, 0)]:
    add(f"version_{version[0]}", "npy", npy(tall[:2], version), csv(tall[:2]))

record = np.array(
    [(1.5, -2, "a", True), (np.nan, 3, "bc", False)],
    dtype=[("weight", "<f8"), ("count", ">i2"), ("größe", "<U2"), ("ok", "?")],
)
record_header = ["weight", "count", "größe", "ok"]
add("record", "npy", npy(record, (3, 0)), csv(record.tolist(), record_header))
aligned = np.array([(1, 2.5), (3, 4.5)], dtype=np.dtype([("a", "u1"), ("b", "<f4")], align=True))
add("aligned", "npy", npy(aligned), csv(aligned.tolist(), ["a", "b"]))

days = np.array(["2024-01-31", "NaT", "1969-12-31"], "M8[D]")
times = np.array(["2024-01-31T12:34:56", "2024-02-01T00:00:00"], "M8[ns]")
midnights = np.array(["2024-01-31", "2024-02-01"], "M8[s]")
add("days", "npy", npy(days), csv([[day] for day in days]))
add("times", "npy", npy(times), csv([["2024-01-31 12:34:56"], ["2024-02-01 00:00:00"]]))
add("midnights", "npy", npy(midnights), csv([["2024-01-31"], ["2024-02-01"]]))


def npz(save=np.savez, **arrays):
    out = io.BytesIO()
    save(out, **arrays)
    return out.getvalue()


add("alone", "npz", npz(arr_0=tall[:5]), csv(tall[:5]))
labels = np.array([3, 1, 2, 0])
joined = csv([[*row, label] for row, label in zip(flat(cube), labels)])
add("images_and_labels", "npz", npz(images=cube, labels=labels), joined)
add("packed", "npz", npz(np.savez_compressed, X=flat(cube), y=labels, other=tall[:1]), joined)
add("kinds", "npz", npz(data=flat(cube), target=np.array(["ab", "b", "ab", "b"])),
    csv([[*row, label] for row, label in zip(flat(cube), ["ab", "b", "ab", "b"])]))
parts = dict(x_train=cube[:3], y_train=labels[:3], x_test=cube[3:], y_test=labels[3:])
add("parts", "npz", npz(np.savez_compressed, **parts), csv(
    [[*row, label] for row, label in zip(flat(cube[:3]), labels[:3])]))

# what is refused has no CSV beside it
members["objects.npy"] = npy(np.array([1, "a", None], dtype=object))
members["complex.npy"] = npy(np.array([1 + 2j]))
members["single.npy"] = npy(np.array(3.0))
members["nested.npy"] = npy(np.zeros(2, dtype=[("a", "f4", (2,))]))
members["unclear.npz"] = npz(a=cube, b=labels)
members["unequal.npz"] = npz(X=cube, y=labels[:2])

# --- pandas ---------------------------------------------------------------------------------------

people = pd.DataFrame({
    "weight": [1.5, np.nan, 0.1, -2e-7, 1e300],
    "count": [1, 2, 3, -4, 500],
    "name": ["Ann", "Bob \"B\"", None, "Zoë, 🦀", "two\nlines"],
    "smokes": [True, False, None, True, False],
    "born": ["2024-01-31", "1999-12-31", None, "2000-02-29", "1970-01-01"],
    "code": ["007", "7", "x", None, "07"],
    "größe": [1.0, 2.0, 3.0, 4.5, 5.25],
})
people_csv = csv(people.astype(object).where(people.notna(), None).values.tolist(), people.columns)


def lines(frame, **options):
    text = frame.to_json(orient="records", double_precision=15, **options)
    return text.encode()


add("lines", "jsonl", lines(people, lines=True), people_csv)
add("lines_unicode", "jsonl", lines(people, lines=True, force_ascii=False), people_csv)
add("list", "json", lines(people), people_csv)
add("list_indented", "json", lines(people, indent=2), people_csv)
sparse = [{"a": 1}, {"b": "x", "a": 2.5}, {}, {"c": True, "b": None}]
add("sparse", "jsonl", "\n".join(json.dumps(row) for row in sparse).encode(), csv(
    [[1, None, None], [2.5, "x", None], [None] * 3, [None, None, True]], ["a", "b", "c"]))
mixed = [{"a": row} for row in range(5000)] + [{"a": "many"}]
add("mixed", "jsonl", "\n".join(json.dumps(row) for row in mixed).encode(),
    csv([[row["a"]] for row in mixed], ["a"]))

# --- Excel ----------------------------------------------------------------------------------------


def xlsx(rows, at=(1, 1), others=()):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Data"
    for row, values in enumerate(rows, at[0]):
        for column, value in enumerate(values, at[1]):
            if value is not None:
                sheet.cell(row, column, value)
    for name in others:
        book.create_sheet(name).append(["something", "else"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


day = datetime.date
header = ["weight", "name", "ok", "born", "count", "code"]
rows = [
    [1.5, "Ann", True, day(2024, 1, 31), 1, "007"],
    [None, 'Bob "B"', False, day(1999, 12, 31), 2, 7],
    [-2e-7, "Zoë, 🦀", True, None, 3, "x"],
    [0.1, None, None, day(1970, 1, 1), -4, None],
]
add("sheet", "xlsx", xlsx([header] + rows), csv(rows, header))
add("sheet_offset", "xlsx", xlsx([header] + rows, (4, 3), ["Notes"]), csv(rows, header))
stamps = [[datetime.datetime(2024, 1, 31, 12, 34, 56), 1], [datetime.datetime(2024, 2, 1), 2]]
add("sheet_times", "xlsx", xlsx([["at", "y"]] + stamps), csv(stamps, ["at", "y"]))
plain = [[5.5, 1], [4.5, 0], [5.5, 1]]
add("sheet_no_header", "xlsx", xlsx(plain), csv(plain))
gaps = [["a", "b"], [1, 2], [None, None], [3, None], [None, 4]]
add("sheet_gaps", "xlsx", xlsx(gaps), csv([[1, 2], [3, None], [None, 4]], ["a", "b"]))
late = [[row] for row in range(5000)] + [["many"]]
add("sheet_mixed", "xlsx", xlsx([["a"]] + late), csv(late, ["a"]))
members["empty.xlsx"] = xlsx([])
members["far.xlsx"] = xlsx([["a", "b"]] + [[1, 2]] * 5000 + [[None] * 16383 + [1]])

# --- Parquet --------------------------------------------------------------------------------------

stamp = datetime.datetime
columns = {
    **{kind: pa.array([1, None, 3], getattr(pa, kind)())
       for kind in ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]},
    "float32": pa.array([0.5, float("nan"), None], pa.float32()),
    "float64": pa.array([0.1, -1e300, None], pa.float64()),
    "bool": pa.array([True, None, False]),
    "text": pa.array(["a", None, "Zoë, 🦀"]),
    "large": pa.array(["b", "", "c"], pa.large_string()),
    "levels": pa.array(["x", "y", None]).dictionary_encode(),
    "numbers": pa.array([7, None, 7]).dictionary_encode(),
    "day": pa.array([datetime.date(2024, 1, 31), None, datetime.date(1969, 12, 31)]),
    "second": pa.array([stamp(2024, 1, 31, 12, 34, 56), None, stamp(1999, 1, 1)], pa.timestamp("s")),
    "milli": pa.array([stamp(2024, 1, 31), None, stamp(1999, 1, 1)], pa.timestamp("ms")),
    "micro": pa.array([stamp(2024, 1, 31), None, stamp(1999, 1, 1)], pa.timestamp("us")),
    "nano": pa.array([stamp(2024, 1, 31), None, stamp(1999, 1, 1)], pa.timestamp("ns", "UTC")),
    "decimal": pa.array(["1.25", None, "-0.10"]).cast(pa.decimal128(9, 2)),
    "none": pa.nulls(3),
}
table = pa.table(columns)


def as_cell(value, name):
    if name in ("milli", "micro", "nano") and value is not None:
        return value.date()
    if name == "decimal" and value is not None:
        return float(value)
    return value.as_py() if isinstance(value, pa.Scalar) else value


values = [[as_cell(value, name) for name, value in row.items()] for row in table.to_pylist()]
table_csv = csv(values, table.column_names)


def parquet(table, **options):
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out, **options)
    return out.getvalue()


for compression in ["none", "snappy", "zstd", "lz4"]:
    add(f"types_{compression}", "parquet", parquet(table, compression=compression), table_csv)
add("types_groups", "parquet", parquet(table, row_group_size=2, data_page_version="2.0"), table_csv)
out = io.BytesIO()
people.to_parquet(out)
add("pandas", "parquet", out.getvalue(), people_csv)
many = pa.table({"a": pa.array(range(9000)), "b": pa.array([str(i % 7) + "x" for i in range(9000)])})
add("many", "parquet", parquet(many), csv(many.to_pandas().values.tolist(), ["a", "b"]))
members["nested.parquet"] = parquet(pa.table({"a": [1], "inner": [[1, 2]]}))
members["binary.parquet"] = parquet(pa.table({"blob": [b"ab"]}))
members["empty.parquet"] = parquet(pa.table({"a": pa.array([], pa.int32())}))
members["constant.parquet"] = parquet(pa.table({"a": pa.nulls(90_000_000, pa.int8())}))


OUT.parent.mkdir(exist_ok=True)
with zipfile.ZipFile(OUT, "w", zipfile.ZIP_DEFLATED) as archive:
    for name, content in members.items():
        info = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(info, content)
print(f"{OUT}: {len(members)} files, {OUT.stat().st_size} bytes")
