"""CSV: every row with its line, every bad line named with its text, and nothing lost behind one."""

from __future__ import annotations

import random
from io import BytesIO
from typing import Any

import pytest

from batchwright.builtin.rows import CsvOptions, CsvReader
from batchwright.contracts.reader import BadLine
from batchwright.errors import ConfigError, DocumentError
from batchwright.items import Item

HEAD = b"id,name,amount\n"
READER = CsvReader(CsvOptions())


def read(data: bytes, key: str = "fruit.csv", **options: Any) -> tuple[dict[int, Any], dict[int, BadLine]]:
    """Return the rows and the bad lines by line number."""
    good: dict[int, Any] = {}
    bad: dict[int, BadLine] = {}
    for line, row in CsvReader(CsvOptions(**options)).rows(BytesIO(data), Item(key)):
        assert line not in good | bad
        if isinstance(row, BadLine):
            bad[line] = row
        else:
            good[line] = tuple(row.values())
    return good, bad


def lines(first: int, last: int) -> bytes:
    return b"".join(b"%d,fruit %d,%d\n" % (n, n, n) for n in range(first, last + 1))


def test_rows_have_the_number_of_their_first_line() -> None:
    good, bad = read(HEAD + b'1,"apple\nor ""pear"", whole",2\r\n\r\n2,"",3\n')
    assert good == {2: ("1", 'apple\nor "pear", whole', "2"), 5: ("2", "", "3")}
    assert not bad


def test_a_row_with_too_many_or_too_few_fields_is_bad_and_its_fields_are_known() -> None:
    good, bad = read(HEAD + b"1,apple\n2,pear,3,4\n3,fig,5\n")
    assert good == {4: ("3", "fig", "5")}
    assert bad[2] == BadLine("2 fields instead of 3: 1 missing", "1,apple", {"id": "1", "name": "apple"})
    assert bad[3].reason == "4 fields instead of 3: 1 too many"
    assert bad[3].text == "2,pear,3,4"


def test_a_quote_that_is_never_closed_costs_one_row() -> None:
    good, bad = read(HEAD + lines(1, 9) + b'10,"open,10\n' + lines(11, 200))
    assert [*bad] == [11]
    assert bad[11].text == '10,"open,10'
    assert bad[11].values == {"id": "10", "name": "open,10\n"}
    assert len(good) == 199


def test_a_quote_that_another_row_closes_costs_one_row() -> None:
    good, bad = read(
        HEAD + lines(1, 9) + b'10,"open,10\n' + lines(11, 49) + b'50,"a, b",50\n' + lines(51, 60)
    )
    assert [*bad] == [11]
    assert good[51] == ("50", "a, b", "50")
    assert len(good) == 59


def test_the_inside_of_a_broken_field_is_not_taken_for_rows() -> None:
    data = HEAD + b'1,"first\nsecond line\nthird "line", 3\n2,b,4\n'
    good, bad = read(data)
    assert good == {5: ("2", "b", "4")}
    assert bad[2].text == '1,"first\nsecond line\nthird "line", 3'


def test_a_quote_that_stays_open_for_too_long_is_given_up() -> None:
    good, bad = read(HEAD + b'0,"open,0\n' + lines(1, 1_000), max_row_bytes=2_000)
    assert [*bad] == [2]
    assert len(good) == 1_000


def test_a_byte_in_another_encoding_costs_its_row() -> None:
    good, bad = read(HEAD + lines(1, 9) + b"10,caf\xe9,10\n" + "11,café,11\n".encode())
    assert [*bad] == [11]
    assert bad[11].text == "10,caf\\xe9,10"
    assert "byte 7 of the line, 0xe9, is no utf-8" in bad[11].reason
    assert bad[11].values == {"id": "10", "amount": "10"}
    assert good[12] == ("11", "café", "11")


def test_a_file_in_another_encoding_is_read_where_it_is_said() -> None:
    good, bad = read(HEAD + b"10,caf\xe9,10\n", encoding="cp1252")
    assert (good, bad) == ({2: ("10", "café", "10")}, {})
    with pytest.raises(ConfigError, match=r"klingon is no encoding that is known"):
        CsvOptions(encoding="klingon")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_says_the_encoding(encoding: str) -> None:
    good, bad = read("id,name\r\n1,größer\r\n2,b\r\n".encode(encoding))
    assert (good, bad) == ({2: ("1", "größer"), 3: ("2", "b")}, {})


def test_nul_and_line_separators_are_part_of_a_field() -> None:
    good, bad = read("id,name\n1,a\0b\n2,a\u2028\x0bb\n".encode())
    assert (good, bad) == ({2: ("1", "a\0b"), 3: ("2", "a\u2028\x0bb")}, {})


def test_lines_may_end_with_a_carriage_return_alone() -> None:
    good, bad = read((HEAD + lines(1, 20_000)).replace(b"\n", b"\r"))
    assert len(good) == 20_000
    assert good[20_001] == ("20000", "fruit 20000", "20000")
    assert not bad


def test_the_mark_at_the_end_of_an_old_file_is_no_row() -> None:
    assert read(HEAD + b"1,a,2\n\x1a") == ({2: ("1", "a", "2")}, {})


def test_a_field_of_megabytes_is_read() -> None:
    good, _ = read(HEAD + b'1,"' + b"x\n" * 1_000_000 + b'",2\n2,b,3\n')
    assert len(good[2][1]) == 2_000_000
    assert good[1_000_003] == ("2", "b", "3")


@pytest.mark.parametrize(
    ("delimiter", "key"), [(";", "a.csv"), ("\t", "a.tsv.gz"), ("|", "a.csv"), ("\t", "a.csv")]
)
def test_the_delimiter_is_found(delimiter: str, key: str) -> None:
    data = f'id{delimiter}"name, or{delimiter} so"\n1{delimiter}1,5\n2{delimiter}2,5\n'
    assert read(data.encode(), key) == ({2: ("1", "1,5"), 3: ("2", "2,5")}, {})


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"', "\ufeffsep=;"])
def test_a_first_line_that_tells_excel_the_delimiter_is_taken_at_its_word(first: str, end: str) -> None:
    text = end.join([first, "id;a,b;c,d", "1;2,3;4", "5;6", ""])
    good, bad = read(text.encode())
    assert good == {3: ("1", "2,3", "4")}
    assert bad[4].reason == "2 fields instead of 3: 1 missing"
    assert READER.sample(BytesIO(text.encode())).names == ("id", "a,b", "c,d")
    assert READER.described(BytesIO(text.encode()), Item("a.csv")).startswith("csv, delimiter ';', encoding")


def test_it_gives_way_to_the_options_and_names_a_tab_too() -> None:
    assert read(b"sep=;\nid|n\n1|2;3\n", delimiter="|")[0] == {3: ("1", "2;3")}
    assert read(b"sep=\t\nid\tn\n1\t2,3\n")[0] == {3: ("1", "2,3")}
    assert read(b"sep=;\n1;2\n", columns=("id", "n"))[0] == {2: ("1", "2")}
    assert read("sep=;\nid;n\n1;2\n".encode("utf-16"))[0] == {3: ("1", "2")}


def test_it_alone_is_no_file_of_rows() -> None:
    with pytest.raises(DocumentError, match="it is empty"):
        READER.sample(BytesIO(b"sep=;\n"))


def test_a_column_called_sep_is_one() -> None:
    assert read(b"sep,n\nsep=;,2\n")[0] == {2: ("sep=;", "2")}


def test_a_delimiter_that_could_be_two_has_to_be_said() -> None:
    with pytest.raises(DocumentError, match=r"may be separated by ';' or '\|'; say which"):
        read(b"a;b|c\n1;2|3\n")
    assert read(b"a;b|c\n1;2|3\n", delimiter=";")[0] == {2: ("1", "2|3")}


def test_two_columns_of_one_name_are_refused_and_a_nameless_one_gets_a_name() -> None:
    with pytest.raises(DocumentError, match="columns 1 and 3 are both called a"):
        read(b"a,b,a\n1,2,3\n")
    assert CsvReader(CsvOptions()).sample(BytesIO(b"a, b,\n1,2,3\n")).names == ("a", "b", "column_3")


def test_a_file_without_names_gets_them_from_the_options() -> None:
    assert read(b"1,2\n3,4\n", columns=("a", "b"))[0] == {1: ("1", "2"), 2: ("3", "4")}


def test_an_empty_file_has_no_columns() -> None:
    with pytest.raises(DocumentError, match="it is empty"):
        read(b"")


def test_whatever_the_bytes_every_line_is_in_a_row_or_named(seed: int) -> None:
    pick = random.Random(seed)
    pieces = [
        b"1,2,3\n",
        b'"',
        b'4,"5\n6",7\n',
        b"8,9\n",
        b"\xff",
        b'a,"b',
        b"\r",
        b"\n",
        b'""',
        b"\x00",
        b",",
        b"10,11,12\n",
    ]
    for _ in range(300):
        body = b"".join(pick.choices(pieces, k=pick.randrange(1, 30)))
        good, bad = read(HEAD + body, max_row_bytes=1_024)
        numbers = sorted(good | bad)
        text = b" ".join(
            [
                *(",".join(row).encode() for row in good.values()),
                *(line.text.encode() for line in bad.values()),
            ]
        )
        assert numbers == sorted(set(numbers))
        for digit in (b"10,11,12", b"8,9"):
            assert text.count(digit) == body.count(digit), body


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("length", [300_000, 524_288 - 20, 1_000_000])
def test_a_line_that_is_too_long_costs_that_line(end: bytes, encoding: str, length: int) -> None:
    if end == b"\r" and encoding == "utf-16":
        pytest.skip("such a file is one line to begin with")
    text = end.decode().join([HEAD.decode().strip(), "1,a,1", f"2,{'x' * length},2", "3,c,3", "4,d,4", ""])
    good, bad = read(text.encode(encoding), max_row_bytes=65_536)
    assert good == {2: ("1", "a", "1"), 4: ("3", "c", "3"), 5: ("4", "d", "4")}
    assert bad[3].reason == "it is longer than 65,536 bytes; shorten it, or raise max_row_bytes"
    assert bad[3].values == {"id": "2"}
    assert len(bad[3].text) <= 65_537


def test_a_key_that_is_too_long_is_not_known() -> None:
    good, bad = read(HEAD + b"k" * 600_000 + b",b,1\n3,c,3\n", max_row_bytes=65_536)
    assert good == {3: ("3", "c", "3")}
    assert bad[2].values == {}


def test_a_quoted_field_that_is_too_long_swallows_no_row_behind_it() -> None:
    long = b'2,"' + b"x" * 600_000 + b'",2\n'
    good, bad = read(HEAD + b"1,a,1\n" + long + b'3,"c",3\n4,d,4\n', max_row_bytes=65_536)
    assert good == {2: ("1", "a", "1"), 4: ("3", "c", "3"), 5: ("4", "d", "4")}
    assert [*bad] == [3]


def test_a_file_that_is_one_long_line_has_no_columns() -> None:
    with pytest.raises(DocumentError, match="names of its columns can't be read: it is longer than"):
        CsvReader(CsvOptions(max_row_bytes=65_536)).sample(BytesIO(b"x" * 600_000))


@pytest.mark.parametrize("name", ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"])
def test_wide_characters_without_a_mark_are_named(name: str) -> None:
    with pytest.raises(DocumentError, match=f"it is {name}; convert it"):
        read((HEAD + b"1,a,1\n").decode().encode(name))
