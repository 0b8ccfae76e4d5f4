# Commands, simple and compound (XCU 2.9).
#### lists
echo a; echo b ; echo c
true && echo d || echo e; false && echo f || echo g
#### and_or_left_to_right
true || echo a && echo b; false && echo c || echo d && echo e
#### and_or_newlines
true &&
echo a
false ||

echo b
#### not
! true; echo $?; ! false; echo $?; ! (exit 3); echo $?; ! echo a | grep -q b; echo $?
#### pipeline
echo a b c | cat | cat; echo a | (cat; echo b) | { cat; echo c; }
#### pipeline_status
true | false; echo $?; false | true; echo $?; false | (exit 5); echo $?
#### pipeline_newlines
echo a |
cat |

cat
#### pipeline_is_subshell
x=1; echo 2 | read x; echo $x; echo 3 | { read y; echo $y; }
#### pipeline_of_compounds
for i in 1 2 3; do echo $i; done | while read x; do echo "<$x>"; done
if true; then echo a; fi | cat
#### group
{ echo a; echo b; } | cat; { false; }; echo $?; { echo c
echo d
}
#### subshell
x=1; (x=2; echo $x); echo $x; (exit 4); echo $?; (echo a; (echo b; exit 2); echo $?)
#### subshell_directory
(cd /; pwd); [ "$(pwd)" = / ] && echo moved || echo stayed
#### if
if true; then echo a; fi; if false; then echo b; else echo c; fi
if false; then echo d; elif true; then echo e; else echo f; fi; if false; then echo g; fi; echo $?
#### if_lines
if
  false
  true
then
  echo a
elif true
then echo b
else
  echo c
fi
#### if_nested
if true; then if false; then echo a; else echo b; fi; else echo c; fi
#### while
i=0; while [ $i -lt 3 ]; do echo $i; i=$((i+1)); done; while false; do :; done; echo $?
#### until
i=0; until [ $i -eq 3 ]; do echo $i; i=$((i+1)); done
#### for
for i in a b c; do echo $i; done; for i in; do echo no; done; echo "$i $?"
#### for_lines
for i in a \
  b
do
  echo $i
done
for j
in x y; do echo $j; done
#### for_positional
set -- p q "r s"; for i do echo "<$i>"; done; for i; do echo "$i"; done
for i
do echo $i; done
#### for_keeps_the_variable
for i in 1 2; do :; done; echo $i
#### break
for i in 1 2 3; do [ $i = 2 ] && break; echo $i; done; echo $?; while :; do break; done; echo out
#### break_levels
for i in 1 2; do for j in a b; do [ $j = b ] && break 2; echo $i$j; done; done; for i in 1 2; do for j in a; do break 9; done; echo no; done; echo end
#### continue
for i in 1 2 3; do [ $i = 2 ] && continue; echo $i; done
#### continue_levels
for i in 1 2; do for j in a b c; do [ $j = b ] && continue 2; echo $i$j; done; echo no; done
#### break_in_condition
while true; do while break; do echo no; done; echo a; break; done; until break; do echo no; done; echo b
#### loop_status
for i in 1; do false; done; echo $?; while :; do (exit 3); break; done; echo $?; i=0; while [ $i = 0 ]; do i=1; (exit 4); done; echo $?
#### case
case x in a) echo a;; x) echo x;; *) echo other;; esac; case y in a|y|z) echo alt;; esac; case q in a) ;; esac; echo $?
#### case_patterns
for w in abc a.c '' 'a b' '*' abd; do case $w in a?c) echo one;; '') echo empty;; *' '*) echo blank;; \*) echo star;; *) echo rest;; esac; done
#### case_forms
case a in (a) echo a;; esac; case a in
b)
  echo b
  ;;
a)
  echo a
esac; case a in esac; echo $?
case x in x) echo last; esac
#### case_value_patterns
p='a*'; case abc in $p) echo match;; esac; case abc in "$p") echo no;; *) echo quoted;; esac
#### case_first_wins
case a in a) echo 1;; a) echo 2;; esac; case a in [!b]) echo not b;; esac
#### case_falls_to_status
case a in a) false;; esac; echo $?
#### reserved_words_as_arguments
echo if then else fi for while do done case esac { } ! in
#### reserved_in_case
case if in if) echo a;; esac; case for in (for) echo b;; esac
#### function
f() { echo "f: $1 $2 $#"; }; f a b; f; g() { return 5; }; g; echo $?
#### function_body_forms
f() (x=2; echo sub); x=1; f; echo $x; g() if true; then echo g; fi; g; h() for i in 1 2; do echo $i; done; h
k()
{
  echo k
}
k
#### function_parameters
set -- a b; f() { echo $1 $#; set -- z; echo $1; shift; echo $#; }; f c d e; echo $1 $#
#### function_recursive
f() { [ $1 -le 1 ] && echo 1 || echo $(($1 * $(f $(($1-1))))); }; f 6
#### function_deep
f() { [ $1 -gt 0 ] && f $(($1-1)) || echo bottom; }; f 200
#### function_redefined
f() { echo 1; f() { echo 2; }; }; f; f
#### function_redefines_itself_while_running
f() { unset -f f; echo still here; }; f; f 2>/dev/null; echo $?
#### function_redirected
f() { echo out; } > file; f; cat file; g() { cat; } <<E
doc
E
g; g
#### function_over_builtin
echo() { printf 'mine %s\n' "$*"; }; echo a; unset -f echo; echo b
#### function_in_pipeline
f() { while read x; do echo "<$x>"; done; }; printf 'a\nb\n' | f | cat
#### function_variables_are_global
f() { x=2; }; x=1; f; echo $x
#### function_local
f() { local x=2 y; y=3; echo $x $y; }; x=1; y=0; f; echo $x $y
#### return
f() { return; }; false; f; echo $?; g() { for i in 1 2; do return 3; done; }; g; echo $?; h() { (return 4); echo $?; }; h
#### return_in_loop_and_if
f() { while :; do if true; then return 6; fi; done; echo no; }; f; echo $?
#### simple_command_only_redirect
> made; [ -f made ] && echo there; x=5 > made2; echo $x; [ -f made2 ] && echo there
#### not_found
no_such_command_here 2>/dev/null; echo $?; ./no_such 2>/dev/null; echo $?; mkdir dir; ./dir 2>/dev/null; echo $?
#### background
echo a > f & wait; cat f; (sleep 0; echo b) & wait $!; echo $?
#### background_list
{ echo a; exit 3; } & wait $!; echo $?; false & wait $!; echo $?; true && false & wait $!; echo $?
#### background_stdin
cat & wait; echo $?
#### separators
true & true; echo a& wait; echo b
#### long_pipeline
echo x | cat | cat | cat | cat | cat | cat | cat | cat | cat | cat | cat | cat
#### deep_nesting
if true; then for i in 1; do while :; do case a in a) { ( echo deep; ); };; esac; break; done; done; fi
#### semicolon_newline_forms
for i in 1 2
do echo $i
done; if true
then echo a
else echo b
fi
{ echo c; }
( echo d )
#### empty_lines_and_comments

# first

echo a # c

# last
