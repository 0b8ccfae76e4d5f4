# Command substitution, arithmetic, splitting, file names (XCU 2.6).
#### substitution
echo $(echo a b) "$(echo 'a  b')" x$(echo y)z
#### trailing_newlines
x=$(printf 'a\n\n\n'); echo "<$x>"; x=$(printf '\n\na\n'); echo "<$x>"; x=$(printf '\n\n'); echo "<$x>"
#### substitution_status
x=$(false); echo $?; echo $(false); echo $?; $(exit 4); echo $?
#### substitution_is_a_subshell
x=1; y=$(x=2; echo $x); echo $x $y; (cd /; :); z=$(cd / && pwd); echo $z
#### substitution_command
c='echo hello'; $c; $(echo echo) there; x=cmd; "${x#c}" 2>/dev/null; echo $?
#### substitution_with_here_document
echo "$(cat <<E
one $((1+1))
E
)"
#### substitution_over_lines
x=$(
echo a
for i in 1 2; do
  echo $i
done
); echo "$x"
#### substitution_large
x=$(i=0; while [ $i -lt 2000 ]; do echo 0123456789; i=$((i+1)); done); echo ${#x}
#### substitution_empty
echo "<$()>" "<``>" "<$( )>"
#### substitution_starting_with_parenthesis
echo $( (echo a; echo b) ) "$( (echo c) )"
#### arithmetic
echo $((1+2*3)) $(((1+2)*3)) $((7/2)) $((-7/2)) $((7%3)) $((-7%3)) $((2-5)) $((- 3 + +4))
#### arithmetic_bases
echo $((0x1F)) $((010)) $((0xff & 0x0f)) $((0))
#### arithmetic_comparison
echo $((1<2)) $((2<=2)) $((3>4)) $((4>=4)) $((1==1)) $((1!=1))
#### arithmetic_logic
echo $((1&&0)) $((1||0)) $((!5)) $((!0)) $((0||0)) $((2&&3))
#### arithmetic_bits
echo $((6&3)) $((6|3)) $((6^3)) $((~5)) $((1<<10)) $((1024>>3)) $((-16>>2))
#### arithmetic_precedence
echo $((1+2<4)) $((1|2&3)) $((1<<2+1)) $((2+3*4-5)) $((1||0&&0)) $((5-3-1)) $((2*3%4)) $((1==1==1))
#### arithmetic_conditional
echo $((1?2:3)) $((0?2:3)) $((0?1:0?2:3)) $((1?0?4:5:6))
#### arithmetic_assignment
x=5; echo $((x+=3)) $x $((x-=1)) $((x*=2)) $((x/=3)) $((x%=3)) $x; echo $((y=7)) $y $((a=b=2)) $a$b
#### arithmetic_shift_assignment
x=1; echo $((x<<=4)) $((x>>=1)) $((x|=3)) $((x&=9)) $((x^=1)) $x
#### arithmetic_variables
x=4; y='3'; echo $((x*y)) $(($x*$y)) $((x + unset_one)) $((${x}+1)) $(($(echo 5)+1))
#### arithmetic_side_effects_left_out
x=1; echo $((0&&(x=9))) $x $((1||(x=9))) $x $((1?2:(x=9))) $x
#### arithmetic_spaces
echo $(( 1 +
2 )) $((	3	*	4 ))
#### arithmetic_in_quotes
echo "$((1+1))" "a$((2))b" '$((3))'; x="$((4))"; echo $x
#### arithmetic_nested
echo $((1+$((2+$((3)))))) $(( (1+2) * (3+(4)) ))
#### arithmetic_large
echo $((9223372036854775807)) $((9223372036854775807+1)) $((-9223372036854775807-1)) $((1<<62))
#### arithmetic_division_by_zero
(echo $((1/0))) 2>/dev/null; echo $?; echo $((0 ? 1/0 : 2))
#### arithmetic_wrong
(echo $((1+))) 2>/dev/null; echo $?; (echo $((1 2))) 2>/dev/null; echo $?; (x=abc; echo $((x))) 2>/dev/null; echo $?
#### splitting
x='  a   b	c
d  '; set -- $x; echo $#; for i; do echo "<$i>"; done
#### splitting_by_ifs
IFS=:; x=a:b::c:; set -- $x; echo $#; for i; do echo "<$i>"; done
#### splitting_ifs_begins
IFS=:; x=:a; set -- $x; echo $# "<$1>" "<$2>"; x=::; set -- $x; echo $#; x=:; set -- $x; echo $#
#### splitting_ifs_mixed
IFS=' :'; x='a : b  c: :d'; set -- $x; echo $#; for i; do echo "<$i>"; done
#### splitting_ifs_empty
IFS=; x='a b'; set -- $x; echo $#; unset IFS; set -- $x; echo $#
#### splitting_joins_pieces
x='1 2'; set -- a$x'b'; echo $# "$1" "$2"; y=' 1 2 '; set -- a$y"b"; echo $# "$1" "$2" "$3" "$4"
#### splitting_not_in_assignment
x='a  b'; y=$x; echo "$y"; z=$(echo 'c  d'); echo "$z"
#### splitting_not_of_literals
IFS=b; x=abc; echo abc $x "$x"; for i in abc; do echo $i; done
#### splitting_in_for
x='1 2'; for i in $x 3 "$x"; do echo "<$i>"; done
#### glob
: > b1; : > a1; : > a2; : > c; echo *; echo a*; echo ?1; echo [ab]1; echo [!a]1; echo [a-b]?
#### glob_no_match
echo nothing* [z]x ?????????
#### glob_hidden
: > .hid; : > vis; echo *; echo .h*
#### glob_folders
mkdir d e; : > d/x; : > e/x; : > e/y; echo */x; echo */*; echo d/*; echo e/[y]
#### glob_from_value
: > f1; : > f2; x='f*'; echo $x "$x"; set -- $x; echo $#
#### glob_partly_quoted
: > 'a*b'; : > axb; echo a'*'b a\*b a"*"b a*b
#### glob_off
: > f1; set -f; echo f*; set +f; echo f*
#### glob_not_in_assignment
: > f1; x=f*; echo "$x"; y=$x; echo "$y"
#### glob_not_in_case
: > f1; case 'f*' in f\*) echo text;; esac; case f1 in f*) echo pattern;; esac
#### glob_classes
: > a; : > B; : > 1; : > _; echo [[:alpha:]] [[:digit:]] [![:alnum:]] [[:upper:]]
#### glob_brackets
: > ']'; : > '-'; : > a; echo []] [-] [a-] [!a-]
#### glob_slash
mkdir d; : > d/f; echo d/ d//f d/f/ d*/; echo /*dev*/null
#### redirect_no_glob
echo a > 'x*'; cat 'x*'
