"""Tests of lab ipc: the in-guest cases. Each program is the first task of a system without servers."""

from lab.plugin import guest_tests

test_guest = guest_tests("ipc")
