"""Job control at the shell's prompt: states, the ports of jobs' tasks, deaths that are told."""

import re

import pytest
from console import SLEEP, begin, keys
from harness import Qemu


@pytest.fixture(scope="module", name="console", params=[1, 4], ids=["1cpu", "4cpu"])
def console_fixture(request):
    """A machine at its prompt."""
    with Qemu(cpus=request.param) as machine:
        machine.prompt()
        yield machine


def job_line(machine):
    """What jobs -l says of the one job there is: state, pid, task port."""
    rows = keys(machine, "jobs -l\n")
    found = re.fullmatch(r"\[1\] \+ (\d+) \(task port 0x([0-9a-f]+)\) (\S+(?: \(\w+\))?) +(.*)",
                         "".join(rows[1:-1])) # as wide as the terminal, or wider
    assert found, rows
    return found.group(3), int(found.group(1)), int(found.group(2), 16), found.group(4)


def shell_rights(machine):
    """The shell's own rights: name -> what it is."""
    rows = keys(machine, "ports $$\n")
    return {int(row.split()[0], 16): row for row in rows[2:-1]}


def end_job(machine):
    """Ends %1, and lets that be told."""
    keys(machine, "kill -9 %1; wait %1\n")


def test_jobs_show_task_ports(console):
    """jobs -l shows each job's task port: it is a send right of the shell's, with a dead-name request."""
    shell_rights(console) # after its first job the shell has all the rights that it keeps
    before = shell_rights(console)
    keys(console, "sleep 1000 &\n")
    state, pid, port, text = job_line(console)
    assert (state, text) == ("Running", "sleep 1000")
    right = shell_rights(console)[port]
    assert "send" in right and "(dn)" in right and right.endswith("task")
    assert str(pid) in keys(console, "jobs -p\n")
    end_job(console)
    # The kernel tells the proc server first, perhaps; and the shell may still be in the fork of `ports`.
    for _ in range(20):
        after = shell_rights(console)
        if port not in after and len(after) <= len(before) + 1: # the port that deaths are told to
            break
    assert port not in after
    assert len(after) <= len(before) + 1


def test_stop_and_go_on(console):
    """^Z stops what runs in the foreground, bg and fg make it go on, ^C ends it."""
    begin(console, SLEEP, "ready\n")
    console.type("\x1a")
    console.expect(r"\[1\] \+ Stopped +" + re.escape(SLEEP) + r"\n\$ $")
    assert job_line(console)[0] == "Stopped"
    assert keys(console, "bg\n")[1] == f"[1] {SLEEP} &"
    assert job_line(console)[0] == "Running"
    console.type("fg\n")
    console.expect(re.escape(f"fg\n{SLEEP}\n"))
    wait_for_child(console)
    console.type("\x03")
    console.expect(r"\n\$ $")
    assert keys(console, "echo $?\n")[1] == "130"
    assert keys(console, "jobs\n") == ["$ jobs", "$"]


def wait_for_child(machine):
    """Waits until the shell has gone on from what it has just shown: a few instructions."""
    begin = machine.guest_time()
    machine.until(lambda: machine.guest_time() - begin >= 2, 30, "two seconds")


def test_death_is_told(console):
    """The end of a job in the background is told before a prompt, with its status."""
    keys(console, "(exit 3) &\n")
    keys(console, "sleep 1\n")
    rows = keys(console, "sleep 0.1 &\n") + keys(console, "sleep 1\n") + keys(console, "\n")
    told = " ".join(rows)
    assert re.search(r"\[1\] . Done\(3\) +\(exit 3\)", console.output)
    assert re.search(r"\[1\] . Done +sleep 0.1", told)
    assert keys(console, "jobs\n") == ["$ jobs", "$"]


def test_kill_and_wait(console):
    """kill %1 ends a job, wait %1 tells how it ended."""
    keys(console, "sleep 1000 &\n")
    rows = keys(console, "kill %1; wait %1; echo $?\n")
    assert "143" in rows
    assert keys(console, "wait %1; echo $?\n")[1:3] == ["127", "$"]
    assert keys(console, "kill %1\n")[1] == "sh: kill: %1: no such job"
    assert keys(console, "(exit 7) & wait %1; echo $?\n")[2] == "7"


def test_naming_jobs(console):
    """%1, %%, %+, %-, %text and %?text name jobs."""
    keys(console, "sleep 1001 &\n")
    keys(console, "sleep 1002 | cat &\n")
    keys(console, "cat /dev/null | sleep 1003 &\n")
    for spec, text in (("%1", "sleep 1001"), ("%2", "sleep 1002 | cat"), ("%%", "sleep 1003"),
                       ("%+", "sleep 1003"), ("%-", "sleep 1002 | cat"), ("%cat", "sleep 1003"),
                       ("%?1002", "sleep 1002 | cat")):
        assert keys(console, f"jobs {spec}\n")[1].endswith(text), spec
    for spec in ("%1", "%2", "%3"):
        keys(console, f"kill -9 {spec}\n")
    keys(console, "wait\n")
    assert keys(console, "jobs\n") == ["$ jobs", "$"]


def test_pipeline_is_one_job(console):
    """Each process of a pipeline has its port, and all end together."""
    keys(console, "sleep 1000 | cat | cat &\n")
    row = keys(console, "jobs -l\n")
    assert len(re.findall("task port", " ".join(row))) == 3
    assert "143" in keys(console, "kill %1; wait %1; echo $?\n")


def test_ports_of_a_job(console):
    """ports %1 lists what the job's processes hold: as ports with their numbers do."""
    keys(console, "sleep 1000 &\n")
    _, pid, port, _ = job_line(console)
    rows = keys(console, "ports %1\n")
    assert rows[1] == f"%1: process {pid}, task port 0x{port:x}"
    assert rows[2].split()[:3] == ["NAME", "RIGHTS", "REFS"]
    assert rows[3:] == keys(console, f"ports {pid}\n")[2:]
    assert any(row.endswith("task") for row in rows)
    end_job(console)
    assert keys(console, "ports %1\n")[1] == "sh: ports: %1: no such job"


def test_stopped_jobs_are_not_forgotten(console):
    """Who leaves while a job is stopped is told, once."""
    keys(console, "sh\n")
    begin(console, SLEEP, "ready\n")
    console.type("\x1a")
    console.expect(r"Stopped +" + re.escape(SLEEP) + r"\n\$ $")
    assert keys(console, "exit\n")[1] == "There are stopped jobs."
    keys(console, "kill -9 %1\n")
    console.type("exit\n")
    console.expect(r"\$ $")


def test_a_shell_below_keeps_the_terminal(console):
    """What a shell's own job is given, the shell above does not take back: however late it comes to run
    again, having used much of the processor."""
    for _ in range(3):
        keys(console, "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done\n")
        console.type(f"sh\n{SLEEP}\n")
        console.expect("\nready\n")
        console.type("\x1a")
        console.expect(r"Stopped +" + re.escape(SLEEP) + r"\n\$ $")
        keys(console, "kill -9 %1; wait %1\n")
        console.type("exit\n")
        console.expect(r"\$ $")


def test_exec_gives_the_ports_back(console):
    """What takes the shell's place finds none of its rights to jobs."""
    keys(console, "sh\n")
    keys(console, "sleep 1000 &\n")
    assert "(dn)" in " ".join(keys(console, "ports $$\n"))
    pid = keys(console, "echo $!\n")[1]
    console.type("exec ports\n")
    console.expect("exec ports\n")
    begin = console.position
    console.expect(r"\n\$ $")
    assert "(dn)" not in console.output[begin:]
    keys(console, f"kill -9 {pid}\n")


def test_interrupt_of_the_shell(console):
    """^C ends what the shell itself is at: a loop, and a read; the status is 130."""
    for command in ("while :; do :; done", "read x", "wait"):
        if command == "wait":
            keys(console, "sleep 1000 &\n")
        begin(console, f"echo so; {command}", "so\n")
        wait_for_child(console)
        console.type("\x03")
        console.expect(r"\n\$ $")
        assert keys(console, "echo $?\n")[1] == "130", command
    end_job(console)
