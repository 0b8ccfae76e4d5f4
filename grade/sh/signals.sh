# Signals: traps, and how those end that are not trapped (XCU trap, kill, 2.11).
#### trap
trap 'echo sig' USR1; kill -USR1 $$; echo after $?
#### trap_exits
trap 'echo sig; exit 3' TERM; kill $$; echo not
#### trap_names
trap 'echo a' TERM; kill -TERM $$; trap 'echo b' 15; kill -15 $$; trap - TERM; trap
#### trap_keeps_the_status
f() { kill -USR1 $$; return 4; }; trap 'true' USR1; (exit 5); kill -USR1 $$; f; echo $?
#### trap_several
trap 'echo one' USR1; trap 'echo two' USR2; kill -USR1 $$; kill -USR2 $$; kill -USR1 $$
#### trap_in_a_loop
n=0; trap 'n=$((n+1))' USR1; for i in 1 2 3; do kill -USR1 $$; done; echo $n
#### trap_in_a_function
f() { trap 'echo from f' USR1; }; f; kill -USR1 $$; g() { kill -USR1 $$; echo g; }; g
#### trap_that_traps
trap 'trap "echo second" USR1; echo first' USR1; kill -USR1 $$; kill -USR1 $$
#### trap_is_not_inherited
trap 'echo mine' USR1; (kill -USR1 $(sh -c 'echo $PPID'); echo not); echo $?
#### trap_of_a_subshell
(trap 'echo inner' USR1; kill -USR1 $(sh -c 'echo $PPID'); echo in); echo out
#### trap_by_another
trap 'echo told; trap - USR1; exit 6' USR1; (kill -USR1 $$); while :; do sleep 0; done
#### trap_before_exit_trap
trap 'echo exit $?' EXIT; trap 'echo term; exit 2' TERM; kill $$; echo not
#### exit_trap_not_of_a_signal
sh -c 'trap "echo exit" EXIT; kill -KILL $$'; echo $?
#### default_ends
sh -c 'kill -TERM $$; echo not'; echo $?; sh -c 'kill -HUP $$'; echo $?; (kill -KILL $(sh -c 'echo $PPID')); echo $?
#### reset_ends
sh -c 'trap "echo no" TERM; trap - TERM; kill $$; echo not'; echo $?
#### ignored_is_inherited
trap '' TERM; sh -c 'kill $$; echo alive; trap "echo no" TERM; kill $$; echo still'; echo $?
#### pipe_ends_the_writer
while :; do echo y; done | { read x; echo $x; }; echo $?
#### wait_of_one_that_was_ended
sleep 100 & kill -TERM $!; wait $!; echo $?; sleep 100 & kill -9 $!; wait $!; echo $?
#### return_in_a_trap_of_a_function
trap 'echo t' USR1; f() { kill -USR1 $$; echo in f; return 2; }; f; echo $?
#### background_ignores_interrupts
sh -c 'kill -INT $$; echo alive' & wait $!; echo $?
#### asynchronous
p=$$; trap 'got=1' USR1; (kill -USR1 $p) & wait; while [ -z "$got" ]; do sleep 0; done; echo got
