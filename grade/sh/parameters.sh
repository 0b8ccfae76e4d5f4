# Parameters and the forms of ${} (XCU 2.5, 2.6.2).
#### default
unset x; e=; v=1; echo "${x-d}" "${e-d}" "${v-d}" "${x:-d}" "${e:-d}" "${v:-d}"
#### assign_default
unset x; e=; echo "${x=d}" "${e=d}" "$x" "$e"; unset x; echo ${x:=q} ${e:=r} $x $e
#### alternative
unset x; e=; v=1; echo "<${x+a}>" "<${e+a}>" "<${v+a}>" "<${x:+a}>" "<${e:+a}>" "<${v:+a}>"
#### error
(unset x; echo ${x?}; echo not) 2>/dev/null; echo $?
(e=; echo ${e:?words}; echo not) 2>/dev/null; echo $?
(e=; echo "<${e?words}>")
#### error_message
unset x; (: ${x?it is not there}) 2>&1 | grep -c 'it is not there'
#### error_ends_the_script
echo a; : ${nothing?}; echo b
#### length
x=hello; e=; unset u; echo ${#x} ${#e} ${#u}; set -- a b c; echo ${#} ${##} ${#1}
#### suffix
x=a/b/c.tar.gz; echo ${x%/*} ${x%%/*} ${x%.*} ${x%%.*} ${x%none} ${x%%} ${x%}
#### prefix
x=a/b/c.tar.gz; echo ${x#*/} ${x##*/} ${x#*.} ${x##*.} ${x#none} ${x#}
#### pattern_of_a_value
x=a.b.c; p='.*'; echo ${x%$p} ${x%"$p"} ${x%%$p} "${x%$p}" "${x%"$p"}"
#### pattern_quotes
x='a*b*c'; echo ${x%'*'*} ${x#*\*} "${x%'*'*}" "${x##*'*'}"
#### pattern_brackets
x=file123; echo ${x%[0-9]} ${x%%[0-9]*} ${x##*[!0-9]} ${x#????}
#### pattern_all
x=abc; echo "<${x%*}>" "<${x%%*}>" "<${x#*}>" "<${x##*}>"
#### nested
a=; b=; c=found; echo ${a:-${b:-${c:-none}}} "${a:-"${b:-$c}"}"
#### word_with_command
unset x; echo ${x:-$(echo a b)} "${x:-`echo c`}" ${x:-$((1+2))}
#### word_not_used_is_not_run
x=1; echo ${x:-$(echo ran >&2)} ${x:=${y?}}; unset z; echo "<${z:+$(echo ran >&2)}>"
#### word_splits
unset x; set -- ${x:-a b c}; echo $#; set -- "${x:-a b c}"; echo $#; set -- ${x:-"a b" c}; echo $#
#### many_positional
set -- a b c d e f g h i j k l; echo $1 $10 ${10} ${11} $11 ${12}
#### at_and_star
set -- "a b" c; for i in "$@"; do echo "<$i>"; done; for i in "$*"; do echo "<$i>"; done
for i in $@; do echo "<$i>"; done; for i in $*; do echo "<$i>"; done
#### at_without_parameters
set --; set -- "$@"; echo $#; set -- "$*"; echo $#; set -- $@ $*; echo $#
#### at_with_pieces
set -- 1 2 3; for i in "a$@b"; do echo "<$i>"; done; for i in a$*b; do echo "<$i>"; done
#### star_and_ifs
set -- a b c; IFS=-+; echo "$*"; IFS=; echo "$*"; unset IFS; echo "$*"
#### at_in_assignment
set -- a b; x=$*; y="$@"; z="$*"; echo "$x|$y|$z"
#### at_default
set --; echo "${1-one}"; set -- x; echo "${@-none}" "${1-one}" "${@:+some}"
#### special
true; echo $?; false; echo $?; set -- a b; echo $#; (exit 7); echo $?
#### zero
echo ${0##*/} | grep -c .
#### dollar_dollar
[ "$$" = "$(echo $$)" ] && (echo "x$$x") | grep -q "x$$x" && echo same
#### bang
sleep 0 & p=$!; wait $p; echo $? $((p > 0))
#### dash_flags
set -e; case $- in *e*) echo on;; *) echo off;; esac; set +e; case $- in *e*) echo on;; *) echo off;; esac
#### unset_positional
set -- a; echo "<$2>" "<${2-no}>" "<${2+yes}>"
#### shift
set -- a b c d; shift; echo $1 $#; shift 2; echo $1 $#; shift 0; echo $1 $#
#### assignment_forms
x=a y=$x; echo $x $y; z=; echo "<$z>"; w="a b"; v=$w; echo "$v"; u=$(echo 1 2); echo "$u"
#### assignment_with_equals
x=a=b=c; echo $x; y='='; echo $y
#### assignment_status
x=$(exit 3); echo $?; y=1; echo $?; z=$(false) w=$(true); echo $?
#### before_a_command
x=1; x=2 sh -c 'echo $x'; echo $x; y=3 true; echo "<$y>"
#### before_a_special_builtin
x=1; x=2 :; echo $x; x=3 eval 'echo $x'; echo $x
#### before_a_function
f() { echo in $x; }; x=1; x=2 f; x=3; f
#### not_an_assignment
1x=2 2>/dev/null; echo $?; "x"=3 2>/dev/null; echo $?; echo x=4
#### export
x=1; export x; sh -c 'echo $x'; export y=2; sh -c 'echo $y'; z=3; sh -c 'echo "<$z>"'
#### export_then_set
export x; x=5; sh -c 'echo $x'
#### readonly
readonly x=1; (x=2) 2>/dev/null; echo $?; echo $x; (unset x) 2>/dev/null; echo $?
#### readonly_ends_the_script
readonly x=1; echo a; x=2; echo b
#### unset
x=1; unset x; echo "<${x-no}>"; f() { echo f; }; unset -f f; f 2>/dev/null; echo $?; x=2; unset -v x; echo "<$x>"
#### nounset
set -u; x=1; echo $x ${y-ok} ${y:+no}; echo $y; echo not
#### nounset_positional
set -u; set -- a; echo $1; echo "$@" "$*" $#; (echo $2) 2>/dev/null; echo $?
#### ppid
case $PPID in [0-9]*) echo number;; esac
#### long_values
x=0123456789; i=0; while [ $i -lt 6 ]; do x=$x$x; i=$((i+1)); done; echo ${#x}; y=${x%9*}; echo ${#y}
