# Quotes (XCU 2.2). Each script begins at a line of four # and its name.
#### single_quotes
echo 'a  b' 'it is $HOME `no` \ "x"' ''
#### double_quotes
x='1  2'; echo "a  $x  b" "\$x \`x\` \\ \" \a"
#### backslash
echo a\ b \$x \\ \' \" \a \*
#### backslash_newline
echo one\
two "three\
four" 'five\
six'
#### line_joined_in_names
abc=7; echo $a\
bc ${a\
bc} $\
abc
#### line_joined_in_operators
true &\
& echo yes
false |\
| echo no
#### adjacent_pieces
x=v; echo a'b'"c"$x'd'"$x"e
#### empty_arguments
set -- '' "" a ''; echo $#; for i; do echo "<$i>"; done
#### empty_expansions_vanish
x=; set -- $x $x a $x; echo $#
#### quoted_empty_expansions_stay
x=; set -- "$x" $x"" a; echo $#
#### quotes_in_values_are_text
x="'a b'"; set -- $x; echo $# "$1" "$2"; y='\$z'; echo "$y"
#### nested_in_substitution
echo "$(echo "a  $(echo "b  'c'")")"
#### nested_quotes_in_braces
x=; echo "${x:-"a  b"}" "${x:-'c  d'}" ${x:-'e  f'} "${x:-\"g\"}"
#### braces_with_closing_brace
x=; echo ${x:-'}'} "${x:-\}}" ${x:-\}} ${x:-"}"}
#### quoted_glob
echo '*' "*" \* "[a]"
#### comment
echo a # b 'c
echo a#b '#' "#" \#
# echo no
#### comment_in_substitution
echo $(echo a # ) b
echo c)
#### dollar_alone
echo $ "$" a$ "a$" $% "$."
#### backquotes
echo `echo a` "`echo 'b  c'`" `echo \`echo d\`` "`echo \"e  f\"`"
#### backquote_backslash
x=1; echo `echo \$x` `echo '\$x'` `echo \\\\`
#### case_in_substitution
echo $(case a in a) echo one;; (b) echo two;; esac) "$(case b in (b) echo three; esac)"
#### newline_in_quotes
echo "a
b" 'c
d'
#### single_quote_in_double
echo "it's" "'$HOME'" > /dev/null; x=5; echo "'$x'"
#### tilde
HOME=/my/folder; echo ~ ~/x "~" '~' \~ a~ ~/"b c"; x=~/y; echo $x; y=a:~/b; echo $y
#### tilde_in_assignment_before_command
HOME=/h; x=~:~/b sh -c 'echo $x'
