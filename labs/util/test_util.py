"""Tests of lab util: the in-guest cases. labs/util/tests/ has the programs; each plays the shell, or the other
side of a message, for the program under test."""

from lab.plugin import guest_tests

test_guest = guest_tests("util")
