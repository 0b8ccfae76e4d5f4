"""The SDK: in an empty folder, with nothing but what `make sdk` made, programs are compiled, put on a disk
and run."""

import re
import subprocess

import pytest
from harness import BUILD, ROOT, Qemu

HELLO = """
#include <stdio.h>
#include <sys/utsname.h>
int main(int argc, char **argv)
{
    struct utsname name;
    uname(&name);
    printf("hello from %s, %d arguments\\n", name.sysname, argc - 1);
    return argc;
}
"""

THREADS = """
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static double sum;
static pthread_key_t key;
static void *work(void *arg)
{
    double part = 0;
    pthread_setspecific(key, (char *)arg + 5);
    for (int i = (int)(long)arg; i < 1000; i += 4)
        part += sin(i) * sin(i) + cos(i) * cos(i);
    pthread_mutex_lock(&lock);
    sum += part;
    pthread_mutex_unlock(&lock);
    return pthread_getspecific(key);
}
int main(void)
{
    pthread_t thread[4];
    long mines = 0;
    pthread_key_create(&key, NULL);
    for (long i = 0; i < 4; i++)
        if (pthread_create(&thread[i], NULL, work, (void *)i) != 0)
            return 1;
    for (int i = 0; i < 4; i++) {
        void *value;
        pthread_join(thread[i], &value);
        mines += (long)value;
    }
    char *text = strdup("done");
    printf("%.6f %ld %s\\n", sum, mines, text);
    free(text);
    return 0;
}
"""

PIE = """
#include <stdio.h>
static int twice(int x) { return 2 * x; }
static int thrice(int x) { return 3 * x; }
static int (*const functions[])(int) = {twice, thrice};
static const char *const names[] = {"twice", "thrice"};
static int numbers[] = {7, 8}, *last = &numbers[1];
int main(int argc, char **argv)
{
    printf("%s %d %s %d\\n", names[0], functions[0](*last), names[1], functions[1](numbers[0]));
    return 0;
}
"""

XV6 = """
#include "kernel/types.h"
#include "user/user.h"
int main(void)
{
    fprintf(1, "xv6 %d\\n", strlen("four"));
    exit(0);
}
"""


def run(*command, cwd):
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def sdk():
    run("make", "-s", f"BUILD={BUILD}", "sdk", cwd=ROOT)
    return BUILD.resolve() / "sdk"


def test_programs_of_ones_own(sdk, tmp_path):
    (tmp_path / "hello.c").write_text(HELLO)
    (tmp_path / "threads.c").write_text(THREADS)
    (tmp_path / "xv6prog.c").write_text(XV6)
    (tmp_path / "half.c").write_text("#include <errno.h>\nint half(int x) { errno = 0; return x / 2; }\n")
    cc = sdk / "bin/ostia-cc"
    assert run(cc, "-O2", "-Wall", "-Werror", "-o", "hello", "hello.c", cwd=tmp_path) == ""
    assert run(cc, "-O2", "-Wall", "-Werror", "-o", "threads", "threads.c", "-lm", "-lpthread",
               cwd=tmp_path) == ""
    run(cc, "-O1", "-isystem", sdk / "include/xv6", "-fno-builtin", "-o", "xv6prog", "xv6prog.c",
        cwd=tmp_path)
    run(cc, "-c", "half.c", cwd=tmp_path)
    (tmp_path / "pie.c").write_text(PIE)
    assert run(cc, "-O2", "-Wall", "-static-pie", "-o", "pie", "pie.c", cwd=tmp_path) == ""
    assert run(cc, "-O2", "-static-pie", "-o", "piethreads", "threads.c", cwd=tmp_path) == ""
    assert (tmp_path / "pie").read_bytes()[16] == 3, "it is no ET_DYN"
    (tmp_path / "broken.c").write_text("int main(void) { *(volatile int *)4 = 0; return 0; }\n")
    run(cc, "-O1", "-w", "-static-pie", "-o", "broken", "broken.c", cwd=tmp_path)
    (tmp_path / "local.c").write_text("_Thread_local int x;\nint main(void) { return x++; }\n")
    refused = subprocess.run([cc, "-o", "local", "local.c"], cwd=tmp_path, capture_output=True, text=True,
                             check=False)
    assert refused.returncode != 0 and "thread-local variables are not supported" in refused.stderr
    assert "gcc" in run(cc, "--version", cwd=tmp_path).lower()
    (tmp_path / "files/etc").mkdir(parents=True)
    (tmp_path / "files/etc/motto").write_text("a file of one's own\n")
    run(sdk / "bin/ostia-disk", "my.img", "hello", "threads", "xv6prog", "pie", "piethreads", "broken",
        "files", cwd=tmp_path)
    with Qemu(cpus=2, disk=tmp_path / "my.img") as machine:
        machine.prompt()
        assert machine.run("hello a b") == "hello from Ostia, 2 arguments\n"
        assert machine.run("threads") == "1000.000000 26 done\n"
        assert machine.run("pie") == "twice 16 thrice 21\n"
        assert machine.run("piethreads") == "1000.000000 26 done\n"
        assert re.search(r"^  #0 +[0-9a-f]+ main\+0x", machine.run("broken"), re.M)
        assert machine.run("xv6prog") == "xv6 4\n"
        assert machine.run("cat /etc/motto") == "a file of one's own\n"
