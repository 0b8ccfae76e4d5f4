"""The machine that makes labs and grades them: `python3 -m lab` (see labs/README.md).

manifest.py reads labs/NAME/lab.toml; cfunc.py finds functions in C; generate.py makes starters; build.py
builds a submission in a private copy; guestrun.py and state.py run it and say how it ended; witness.py sees
for itself what a test program reports; plugin.py is what test_NAME.py uses; run.py puts a grading together;
report.py writes it in each form; batch.py grades a class; mutants.py proves the tests; stress.py grades the
same a hundred times on a busy machine; doctor.py looks at the tools.
"""
