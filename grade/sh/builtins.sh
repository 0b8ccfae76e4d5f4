# Builtins (XCU 2.14, and those of XCU 3 that are here).
#### echo
echo; echo a b; echo -n x; echo y; echo 'a\tb\n' 'c\\d' 'e\101' 'f\0101'; echo 'stop\c' more; echo next
#### printf
printf '%s %s\n' a b; printf '%d %i %x %X %o %u\n' 10 11 255 255 8 9; printf '%5d|%-5d|%05d\n' 42 42 42; printf '%c%c\n' abc d
#### printf_repeats
printf '%s-%s\n' a b c; printf '%s\n' 1 2 3; printf 'no arguments\n' ; printf '<%s>\n'
#### printf_escapes
printf 'a\tb\\c\101\n'; printf '%b|%s\n' 'x\ty' 'x\ty'; printf '%b' 'one\n\0102\n'; printf '%%|%5s|%-5s|%.2s\n' ab cd efg
#### printf_stars
printf '%*d|%-*d|%.*s\n' 5 42 5 42 2 abc
#### printf_numbers
printf '%d %d %d\n' 0x10 010 "'A"; printf '%d\n' abc 2>/dev/null; echo $?; printf '%d\n' 12x 2>/dev/null; echo $?; printf '%+d % d %#x %#o\n' 5 5 255 8
#### printf_b_stops
printf '%b%s\n' 'a\c' b; echo; printf '%s\n' next
#### test_strings
test a; echo $?; test ''; echo $?; test; echo $?; [ a = a ]; echo $?; [ a != a ]; echo $?; [ -n x ]; echo $?; [ -z x ]; echo $?; [ -z '' ]; echo $?
#### test_numbers
[ 1 -eq 1 ]; echo $?; [ 1 -ne 1 ]; echo $?; [ 2 -gt 1 ]; echo $?; [ 2 -ge 3 ]; echo $?; [ -1 -lt 0 ]; echo $?; [ 5 -le 5 ]; echo $?
#### test_files
: > f; mkdir d; echo x > g; for a in -e -f -d -s; do for b in f d g none; do test $a $b && echo $a $b; done; done; [ -r f ] && [ -w f ] && echo rw
#### test_links
: > f; ln -s f l; ln -s none m; [ -h l ] && echo h; [ -L m ] && echo L; [ -e m ] || echo dangling; [ -f l ] && echo follows; [ f -ef l ] && echo same
#### test_logic
[ ! a = b ]; echo $?; [ ! -z '' ]; echo $?; [ a -a b ]; echo $?; [ '' -o b ]; echo $?; [ \( a = a \) ]; echo $?; [ a = a -a b = c ]; echo $?; [ ! a = b -a c ]; echo $?
#### test_odd
[ -n ]; echo $?; [ = ]; echo $?; [ ! ]; echo $?; [ -f = -f ]; echo $?; [ '(' = '(' ]; echo $?; [ ! = ! ]; echo $?
#### test_wrong
[ 1 -eq x ] 2>/dev/null; echo $?; [ a 2>/dev/null; echo $?; [ a b c d e ] 2>/dev/null; echo $?
#### colon_true_false
: a b; echo $?; true x; echo $?; false y; echo $?
#### cd
mkdir -p a/b; here=$(pwd); cd a; cd b; cd ..; [ "$(pwd)" = "$here/a" ] && echo yes; cd "$here"; cd a/b && cd - > /dev/null; [ "$PWD" = "$here" ] && echo back; cd none 2>/dev/null; [ $? -ne 0 ] && echo failed
#### cd_logical
mkdir -p r/s; ln -s r/s l; here=$(pwd); cd l; [ "$(pwd)" = "$here/l" ] && echo l; [ "$(pwd -P)" = "$here/l" ] || echo p; cd ..; [ "$(pwd)" = "$here" ] && echo up; cd -P l; [ "${PWD%/r/s}" != "$PWD" ] && echo physical
#### cd_home_and_oldpwd
mkdir h; HOME=$(pwd)/h; old=$PWD; cd; [ "$PWD" = "$HOME" ] && echo home; [ "$OLDPWD" = "$old" ] && echo old
#### cdpath
mkdir -p p/q; CDPATH=$(pwd)/p; cd q > out 2>&1; [ "${PWD##*/}" = q ] && echo found
#### read
printf 'a b c\n' | { read x y; echo "$x|$y"; }; printf 'a\n' | { read x y; echo "$x|$y|"; }; printf '  a  b  \n' | { read x; echo "<$x>"; }
#### read_ifs
echo a:b:c | { IFS=: read x y; echo "$x|$y"; }; echo a::c | { IFS=: read x y z; echo "$x|$y|$z"; }; echo ' a : b ' | { IFS=: read x y; echo "<$x|$y>"; }
#### read_backslash
printf 'a\\b c\\\nd\n' | { read x y; echo "$x|$y"; }; printf 'a\\b\\\n' | { read -r x; echo "$x" | cat; }; printf 'a\\ b c\n' | { read x y; echo "$x|$y"; }
#### read_end_of_file
printf 'no newline' | { read x; echo "$? $x"; }; : | { read x; echo "$? <$x>"; }; printf 'a\nb' | while read x || [ -n "$x" ]; do echo "<$x>"; done
#### read_trailing_delimiters
echo 'a:b:' | { IFS=: read x y; echo "<$x|$y>"; }; echo 'a:b:c:' | { IFS=: read x y; echo "<$x|$y>"; }; echo 'a  ' | { read x y; echo "<$x|$y>"; }
#### read_leaves_the_rest
printf '1\n2\n3\n' > f; { read x; cat; } < f; echo $x
#### set_positional
set -- a 'b c'; echo $# "$2"; set -- -x; echo $1; set x y; echo $1 $2; set --; echo $#
#### set_options
set -o errexit; case $- in *e*) echo e;; esac; set +o errexit; case $- in *e*) ;; *) echo no;; esac; set -fu; case $- in *f*) echo f;; esac
#### set_lists
x_test='a b'; set | grep '^x_test='
#### errexit
set -e; false || true; if false; then :; fi; ! true; false && true; echo still; false; echo not
#### errexit_subshell
set -e; (false; echo not) || echo caught; (exit 3); echo not
#### errexit_function
set -e; f() { false; echo in; }; f || echo no; if f; then echo yes; fi; f; echo not
#### errexit_pipeline
set -e; false | true; echo a; true | false; echo not
#### errexit_substitution
set -e; x=$(false) || echo caught; echo $(false) a; x=$(exit 4); echo not
#### xtrace
{ set -x; echo a; set +x; } 2> f; cat f; x=1; PS4='> '; { set -x; y=$x; : $y 'b c'; set +x; } 2> f; cat f
#### noexec
sh -n -c 'echo no; exit 3'; echo $?; sh -n -c 'if' 2>/dev/null; echo $?
#### verbose
printf 'echo a\necho b\n' > s; sh -v s 2>&1 | cat
#### shift_too_far
set -- a; (shift 2; echo not) 2>/dev/null; echo $?
#### eval
x='echo $y'; y=5; eval $x; eval 'a=1; echo $a'; eval; echo $?; eval false; echo $?; eval 'for i in 1 2; do' 'echo $i; done'; eval '(exit 3)'; echo $?
#### eval_flow
for i in 1 2 3; do eval '[ $i = 2 ] && break'; echo $i; done; f() { eval 'return 4'; echo no; }; f; echo $?
#### dot
echo 'x=sourced; echo $x; f() { echo f; }' > lib; . ./lib; echo $x; f; echo 'return 3; echo no' > lib2; . ./lib2; echo $?
#### dot_path
mkdir p; echo 'echo by path' > p/lib3; PATH=$(pwd)/p:$PATH; . lib3
#### dot_missing
. ./none_such; echo not
#### exit
(exit); echo $?; (false; exit); echo $?; (exit 300); echo $?; f() { exit 5; }; (f; echo no); echo $?; exit 6; echo not
#### exec_keeps_variables
x=1; export x; exec sh -c 'echo $x'
#### command
echo() { printf 'mine\n'; }; echo a; command echo b; command -v echo; command -v if; command -v no_such; echo $?; command no_such 2>/dev/null; command echo $?
#### command_keeps_the_shell
command . ./none 2>/dev/null; command echo still; command export 1x 2>/dev/null; command echo alive
#### command_v
command -v cat | grep -c /cat; command -v :; command -v export; f() { :; }; command -v f
#### type
type if; type :; f() { :; }; type f; type cd; type no_such >/dev/null 2>&1; echo $?
#### alias
alias e='echo aliased'; eval 'e x'; alias e; unalias e; eval 'e x' 2>/dev/null; echo $?; alias none 2>/dev/null; echo $?
#### alias_recursion
alias echo='echo E'; eval 'echo a'; alias x='y ' y='echo ' z=zed; eval 'x z'
#### alias_over_lines
alias b='echo begin; '
b echo in
alias if2='if true; then'
if2 echo yes; fi
#### umask
umask 022; umask; umask -S; umask 077; umask; umask u=rwx,g=rx,o=; umask; umask g+w; umask; (umask 0); umask; umask 9 2>/dev/null; [ $? -ne 0 ] && echo wrong
#### wait
sleep 0 & a=$!; (exit 3) & b=$!; wait $b; echo $?; wait $a; echo $?; wait; echo $?; wait 99999; echo $?
#### wait_many
for i in 1 2 3 4 5; do (exit $i) & p="$p $!"; done; for i in $p; do wait $i; echo $?; done
#### getopts
set -- -a -b val -cd rest; while getopts ab:cd o; do echo "$o ${OPTARG:-none} "; done; shift $((OPTIND-1)); echo $1 $OPTIND
#### getopts_silent
set -- -x -b; while getopts :ab: o; do echo "$o $OPTARG"; done; echo $OPTIND
#### getopts_forms
f() { OPTIND=1; while getopts n:v o "$@"; do echo "$o=${OPTARG-}"; done; shift $((OPTIND-1)); echo "rest: $*"; }; f -n5 -v a b; f -vn 5 -- -v; f - -v; f
#### getopts_wrong
set -- -z; getopts a o 2>/dev/null; echo "$? $o"
#### kill_status
sleep 100 & kill $!; wait $!; echo $?; kill -l 9; kill -l 143; kill 99999 2>/dev/null; [ $? -ne 0 ] && echo none; kill -0 $$; echo $?
#### ulimit
ulimit -c 0; ulimit -c; ulimit -H -c 0; ulimit -Hc; ulimit -t 100; ulimit -t; sh -c 'ulimit -St; ulimit -c'
ulimit -v unlimited; ulimit -v; ulimit -f 10; ulimit; ulimit -a | grep -c '^[a-z]*(*[a-z]*)* *[0-9u]'> /dev/null
(ulimit -c x) 2> /dev/null || echo wrong
(ulimit -Z) 2> /dev/null || echo wrong
#### times
times | grep -c m
#### pwd_and_variables
cd /; echo $PWD; pwd; cd /dev; pwd; cd ..; pwd; cd ./dev/.././dev; pwd
#### unset_many
a=1; b=2; unset a b c; echo "<$a$b>" $?
#### export_p
export zz_test='a b'; export -p | grep zz_test; readonly yy_test=1; readonly -p | grep yy_test
#### trap_exit
trap 'echo bye $?' EXIT; echo a; (exit 3)
#### trap_exit_status
trap 'echo bye; exit 7' EXIT; exit 2
#### trap_exit_kept
trap 'echo bye $?' 0; exit 4
#### trap_exit_subshell
trap 'echo outer' EXIT; (echo in); (trap 'echo inner' EXIT; echo b); echo c
#### trap_reset
trap 'echo no' EXIT; trap - EXIT; echo a; trap 'echo no2' 0; trap 0; echo b
#### trap_lists
trap 'echo "a b"' EXIT; trap; trap - EXIT; trap '' USR1; trap
#### trap_ignore
trap '' USR1; kill -USR1 $$; echo alive; sh -c 'kill -USR1 $$; echo inherits'
#### trap_wrong
trap 'x' NOSUCH 2>/dev/null; echo $?
