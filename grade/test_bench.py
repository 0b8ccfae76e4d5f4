"""No figure of docs/performance.md has grown beyond what is recorded there (make bench-record records anew).

The programs run as for "make bench", which see: a few seconds in all. A figure that has become much lower is
told in a warning. With another compiler than the record's no figure can fail here: a warning has the
differences. Nor can any in a build with DEBUG=1 or UBSAN=1."""

import warnings

import bench
import pytest

SYSTEMS, ROWS = bench.table()
RECORDED = [name for name, row in ROWS.items() if row.record]


@pytest.fixture(scope="module")
def figures():
    """What "make bench" measures now."""
    if "=" in bench.compiler():
        pytest.skip(f"the record is not of a build with {bench.compiler()}")
    return bench.measure()


@pytest.mark.parametrize("name", RECORDED)
def test_figure_keeps_its_record(name, figures):
    """A figure is not above its record by more than is allowed."""
    row = ROWS[name]
    assert name in figures, f"{name} is recorded in {bench.PAGE.name}, but nothing measures it any more"
    change = row.change(figures[name])
    words = f"{name}: {figures[name]:,}, recorded {row.record:,} ({change:+.1f} %)"
    if bench.compiler() != bench.recorded_with():
        pytest.skip(f"{words}; recorded with {bench.recorded_with()}, built with {bench.compiler()}")
    assert change <= row.allowed, (
        f"{words}, {row.allowed} % are allowed. If it has to be: make bench-record BENCH={name}, and say "
        "why in the commit")


def test_figures_have_records(figures):
    """Whatever is measured has a row in the table, and so a record to keep; what is better than that by far
    is told."""
    missing = [name for name in figures if name not in ROWS]
    assert not missing, f"docs/{bench.PAGE.name} has no row for {', '.join(missing)}"
    built = bench.compiler()
    new = [f"{name} is new" for name in figures if name not in RECORDED]
    apart = [f"{name} {change:+.0f} %" for name in figures if name in RECORDED
             and abs(change := ROWS[name].change(figures[name])) > ROWS[name].allowed]
    if built != bench.recorded_with():
        warnings.warn(f"with {built}, instead of {bench.recorded_with()}: {', '.join(apart)}")
    elif new or apart:
        warnings.warn("make bench-record: " + ", ".join(new + apart))


def test_table_is_whole():
    """Each row has a cell for each system, and says what is measured."""
    assert SYSTEMS and RECORDED
    for name, row in ROWS.items():
        assert len(row.others) == len(SYSTEMS) and row.cells[1], name
        assert row.cells[2] == "" or row.record, f"{name}: {row.cells[2]} is no number"


def test_record_is_kept(tmp_path, monkeypatch):
    """Recording changes a figure's cell and the compiler's name, nothing else; a cell keeps its own
    allowance; some figures alone are not recorded with another compiler."""
    page = tmp_path / "performance.md"
    page.write_text("Recorded with `GCC 1.0`.\n\n| figure | what it is | Ostia | seL4 |\n|---|---|---|---|\n"
                    "| `one` | first | 100 | 7 |\n| `two` | second | 1,000 ± 5 % | |\n\nEnd\n\n"
                    "| figure | elsewhere |\n|---|---|\n| `one` | 100 |\n")
    monkeypatch.setattr(bench, "PAGE", page)
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    monkeypatch.setattr(bench, "compiler", lambda: "GCC 1.0")
    before = page.read_text()
    bench.record({"one": 90})
    assert page.read_text() == before.replace("| 100 |", "| 90 |", 1)
    bench.record({"one": 90, "two": 2000})
    assert "| `two` | second | 2,000 ± 5 % | |" in page.read_text()
    _, rows = bench.table()
    assert (rows["one"].allowed, rows["two"].allowed, rows["two"].record) == (3, 5, 2000)
    assert rows["one"].change(93) == pytest.approx(3.33, 0.01) and rows["two"].change(1900) == -5
    monkeypatch.setattr(bench, "compiler", lambda: "GCC 2.0")
    with pytest.raises(SystemExit, match="record all"):
        bench.record({"one": 80})
    with pytest.raises(SystemExit, match="no row for three"):
        bench.record({"one": 80, "two": 1, "three": 3})
    bench.record({"one": 80, "two": 1500})
    assert "`GCC 2.0`" in page.read_text() and "| 80 | 7 |" in page.read_text()
