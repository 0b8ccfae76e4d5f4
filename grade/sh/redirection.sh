# Redirection and here-documents (XCU 2.7).
#### output
echo a > f; cat f; echo b >> f; cat f; echo c > f; cat f
#### input
echo a > f; cat < f; cat < f > g; cat g; < f cat
#### descriptors
{ echo out; echo err >&2; } 2> f; cat f; { echo out; echo err >&2; } > g 2>&1; cat g
#### order
{ echo out; echo err >&2; } 2>&1 > f | cat; cat f
#### descriptor_numbers
exec 3> f; echo a >&3; echo b >&3; exec 3>&-; cat f; exec 4< f; read x <&4; read y <&4; echo $x $y; exec 4<&-
#### close
(echo a >&- ) 2>/dev/null; echo $?; (cat <&-) 2>/dev/null; [ $? -ne 0 ] && echo failed
#### read_write
echo abcdef > f; exec 3<> f; read x <&3; echo $x; echo more >&3; exec 3>&-; cat f
#### word_expands
n=name; echo a > $n.txt; cat name.txt; echo b > "$n x"; cat 'name x'; echo c > $(echo made); cat made
#### missing_file
cat < none 2>/dev/null; echo $?; { echo no; } < none 2>/dev/null; echo $?; echo no > none/x 2>/dev/null; echo $?
#### missing_file_goes_on
while read x; do echo $x; done < none 2>/dev/null; echo after $?
#### of_compounds
for i in 1 2; do echo $i; done > f; cat f; while read x; do echo "<$x>"; done < f; if true; then echo a; fi > g; cat g; case x in x) echo y;; esac > h; cat h; { echo b; echo c; } >> h; cat h; (echo d) >> h; cat h
#### restored
echo a > f; { echo b; } > g; echo c; cat f g
#### nested_restored
{ { echo a >&2; } 2>&1; echo b; } > f 2>/dev/null; cat f; echo c
#### noclobber
set -C; echo a > f; (echo b > f) 2>/dev/null; echo $?; cat f; echo c >| f; cat f; echo d >> f; cat f; echo e > /dev/null; echo $?
#### here_document
cat <<E
a $((1+1)) $(echo b) `echo c`
 'single' "double" \$x \\ \a
E
#### here_quoted
x=1; cat <<'E'
$x $(no) `no` \$ \\
E
cat <<"F G"
$x
F G
cat <<\H
$x
H
#### here_strip
if true; then
	cat <<-E
		two
	one
	none	inside
	E
fi
#### here_several
cat <<A; cat <<B
a
A
b
B
cat <<A - <<B
a
A
b
B
#### here_variable
x='a b'; cat <<E
$x "${x}" ${y:-def} ${x#a } ${#x}
E
#### here_in_loop
for i in 1 2; do cat <<E
i=$i
E
done
#### here_in_function
f() {
cat <<E
arg $1
E
}
f a; f b
#### here_empty
cat <<E
E
cat <<''

echo after
#### here_joined_lines
cat <<E
a\
b
c\\
d
E
#### here_large
cat > gen <<'E'
i=0; echo 'cat <<X'; while [ $i -lt 700 ]; do echo "line $i of a document"; i=$((i+1)); done; echo X
E
sh gen > big; sh big > out; wc -l < out | { read n; echo $n; }; grep -c 'line 699 ' out
#### here_to_builtin
read a b <<E
1 2 3
E
echo "$a|$b"; while read x; do echo "<$x>"; done <<E
p
q
E
#### here_after_pipe
cat <<E | cat
piped
E
cat <<E && echo then
and
E
#### here_descriptor
cat 3<<E <&3
three
E
#### here_quotes_in_braces
x=; cat <<E
${x:-a b} ${x:-"c"}
E
#### dup_input
echo a > f; cat 0< f; exec 5< f; cat <&5; exec 5<&-
#### failing_in_special_builtin
: < none; echo not reached
#### failing_in_ordinary_builtin
echo a < none; echo reached $?
#### exec_redirects
exec > f; echo a; exec >&2; cat f 2>/dev/null
#### exec_in_subshell
(exec > f; echo a); echo b; cat f
#### exec_command
(exec echo replaced; echo no); (exec no_such_thing) 2>/dev/null; echo $?
#### append_creates
echo a >> new; cat new; rm new; >> new; [ -s new ] || echo empty
#### output_of_builtins_and_programs_in_order
{ echo a; cat f 2>/dev/null; sh -c 'echo b'; printf 'c\n'; } > f2; cat f2
