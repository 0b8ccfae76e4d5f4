# Whole scripts, of the kind people write.
#### primes
n=2; while [ $n -lt 60 ]; do d=2; p=1; while [ $((d*d)) -le $n ]; do if [ $((n%d)) -eq 0 ]; then p=0; break; fi; d=$((d+1)); done; [ $p -eq 1 ] && printf '%d ' $n; n=$((n+1)); done; echo
#### fibonacci
fib() { if [ "$1" -lt 2 ]; then echo "$1"; else a=$(fib $(($1-1))); echo $((a + $(fib $(($1-2))))); fi; }; fib 7
#### hanoi
moves=0; hanoi() { if [ $1 -gt 0 ]; then hanoi $(($1-1)) $2 $4 $3; moves=$((moves+1)); hanoi $(($1-1)) $4 $3 $2; fi; }; hanoi 6 A B C; echo $moves
#### basename_and_dirname
for p in /a/b/c.txt file /x/ a/b; do q=${p%/}; b=${q##*/}; case $q in */*) d=${q%/*};; *) d=.;; esac; echo "$b in ${d:-/}, ext ${b##*.}, stem ${b%.*}"; done
#### options
usage() { echo "usage: $1"; exit 2; }
main() { verbose=0 name=; OPTIND=1
while getopts :vn: o; do case $o in v) verbose=$((verbose+1));; n) name=$OPTARG;; *) usage prog;; esac; done
shift $((OPTIND-1)); echo "v=$verbose n=$name rest=$*"; }
main -v -v -n x a b; (main -q); echo $?
#### configuration
cat > conf <<'E'
# comment
name = web server
port=80

path = /a b/c
E
while IFS='=' read -r k v; do case $k in ''|\#*) continue;; esac; k=${k%% *}; v=${v# }; echo "[$k] -> [$v]"; done < conf
#### counting_words
cat > text <<'E'
the cat the dog
a cat
E
words=; while read -r line; do for w in $line; do eval "n=\${c_$w:-0}"; [ $n = 0 ] && words="$words $w"; eval "c_$w=$((n+1))"; done; done < text
for w in $words; do eval "echo $w \$c_$w"; done
#### stack
push() { stack="$1 $stack"; }; pop() { set -- $stack; top=$1; shift; stack=$*; }; push a; push b; push c; pop; echo $top; pop; echo $top; echo $stack
#### retry
try=0; attempt() { try=$((try+1)); [ $try -ge 3 ]; }; until attempt; do echo failed $try; done; echo good $try
#### temporary_files
dir=work.$$; trap 'rm -r $dir; echo cleaned' EXIT; mkdir $dir; for i in 1 2 3; do echo $i > $dir/f$i; done; cat $dir/f*
#### calculator
calc() { for t in $1; do case $t in [0-9]*) set -- "$@" $t;; *) eval "b=\${$#}"; eval "a=\${$(($#-1))}"; n=$(($#-2)); i=1; r=; while [ $i -le $n ]; do eval "r=\"\$r \${$i}\""; i=$((i+1)); done; set -- $r $((a $t b));; esac; done; eval "echo \${$#}"; }
calc '3 4 + 2 *' 2>/dev/null; echo $((3+4*2))
#### table
while read a b c; do printf '%-6s|%4s|%s\n' "$a" "$b" "$c"; done <<E
name 12 some more words
x 3
E
#### generated_script
for i in 1 2 3; do echo "echo line $i"; done > gen; sh gen; sh < gen; sh -c "$(cat gen)"
#### dispatch
cmd_add() { echo $(($1+$2)); }; cmd_mul() { echo $(($1*$2)); }; for c in 'add 2 3' 'mul 4 5' 'none'; do set -- $c; if command -v cmd_$1 >/dev/null; then f=cmd_$1; shift; $f "$@"; else echo "no $1"; fi; done
#### parallel
for i in 1 2 3; do { echo $i > out$i; } & done; wait; cat out1 out2 out3
#### bubble_sort
set -- 5 3 9 1 7; n=$#; while [ $n -gt 1 ]; do r=; a=$1; shift; for b; do if [ $a -gt $b ]; then r="$r $b"; else r="$r $a"; a=$b; fi; done; set -- $r $a; n=$((n-1)); done; echo $*
#### reverse
s=abcdef; r=; while [ -n "$s" ]; do c=${s%"${s#?}"}; s=${s#?}; r=$c$r; done; echo $r
#### quoting_a_list
quote() { for a; do printf "'"; s=$a; while case $s in *\'*) :;; *) false;; esac; do printf "%s'\\\\''" "${s%%\'*}"; s=${s#*\'}; done; printf "%s' " "$s"; done; echo; }; q=$(quote "it's" 'a b' '$x'); echo "$q"; eval "set -- $q"; for i; do echo "<$i>"; done
#### walk
mkdir -p t/a/b t/c; : > t/f; : > t/a/g; : > t/a/b/h; walk() { for e in "$1"/*; do [ -e "$e" ] || continue; echo "$e"; [ -d "$e" ] && walk "$e"; done; :; }; walk t
#### menu
menu() { while read -r c; do case $c in h*) echo help;; q) echo bye; return 3;; [0-9]) echo "number $c";; *) echo "what: $c";; esac; done; }; printf 'help\n7\nzz\nq\nnot\n' | menu; echo $?
#### state_machine
state=start; for e in go go stop go bad end; do case $state-$e in start-go|stopped-go) state=running;; running-stop) state=stopped;; *-end) state=end;; *-bad) echo "bad in $state"; continue;; esac; echo $state; done
