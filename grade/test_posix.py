"""The table of POSIX's functions says what is so."""

import re

import posix_table as posix
import pytest


@pytest.fixture(scope="module")
def table():
    return posix.status()


def test_the_page_is_true(table):
    """docs/posix.md is what the headers and libc are: `python3 grade/posix_table.py` writes it anew."""
    assert (posix.ROOT / "docs/posix.md").read_text() == posix.page(table)


def test_the_probe_can_tell(table):
    """It finds what is there, and does not find what is not."""
    assert table["stdio.h"]["fopen"] == "yes" and table["stdio.h"]["printf"] == "partial"
    assert table["stdio.h"]["gets"] == "no" and table["sys/socket.h"]["socket"] == "no"
    assert table["sys/select.h"]["FD_SET"] == "yes"


def test_every_note_is_of_a_function_that_is_here(table):
    here = {name for rows in table.values() for name, what in rows.items() if what != "no"}
    assert not set(posix.PARTIAL) - here
    assert all(re.fullmatch(r"\w+", name) for name in here)
