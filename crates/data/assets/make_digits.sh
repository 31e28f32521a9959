#!/bin/sh
# Makes digits.csv.gz from the file optdigits.tes of UCI's "Optical Recognition of Handwritten
# Digits" (https://archive.ics.uci.edu/dataset/80): puts a header above it and packs it.
#
#   ./make_digits.sh optdigits.tes
set -eu
here=$(dirname "$0")
header=$(for row in 0 1 2 3 4 5 6 7; do
    for column in 0 1 2 3 4 5 6 7; do
        printf 'p%s_%s,' "$row" "$column"
    done
done)
{ printf '%sdigit\n' "$header"; tr -d '\r' <"$1"; } | gzip -9n >"$here/digits.csv.gz"
