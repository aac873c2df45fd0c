#!/usr/bin/env bash
# Drives the real program in a real terminal (tmux), for what only a terminal shows.
#
#   Tests/EndToEndTests/terminal.sh PROGRAM [GUEST]
#
# GUEST is a whole dump of a Linux guest (Samples/make.sh makes some): with it, the names that it tells are checked, too.
# Prints `ok NAME` or `FAILED NAME` for each check, then the counts; the exit status is 1 if any failed.
# Needs tmux and stty. Nothing waits for a fixed time: a check asks again until it holds, at most 10 seconds.
set -u

program=$(realpath "${1:?usage: terminal.sh PROGRAM [GUEST]}")
linux=${2:+$(realpath "$2")}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_file=$here/../../Samples/linux-x86_64.elf
socket=pagewalk-test-$$
folder=$(mktemp -d)
cp "$source_file" "$folder/guest.elf"
export LC_ALL=C.UTF-8
# Nothing of the person who runs this counts, and nothing is kept from check to check.
export XDG_CONFIG_HOME=$folder/config XDG_STATE_HOME=/dev/null
unset NO_COLOR TMUX

shells=0
terminal=
passed=0
failed=0

mux() { tmux -u -L "$socket" -f /dev/null "$@"; }
finish() {
  mux kill-server 2>/dev/null
  rm -rf "$folder"
}
trap finish EXIT

# --- The terminal: what is on it, what is typed.

screen() { mux capture-pane -p -t "$terminal" 2>/dev/null; }
press() { mux send-keys -t "$terminal" "$@"; }
type_text() { mux send-keys -t "$terminal" -l -- "$1"; }
# As a terminal pastes: marked where the program asks for that, each line with Return at its end.
paste() {
  printf "$1" >"$folder/pasted"
  mux load-buffer -b pasted "$folder/pasted"
  mux paste-buffer -r -p -b pasted -t "$terminal"
}
resize() { mux resize-window -t "$terminal" -x "$1" -y "$2"; }

# A fresh shell in a fresh terminal of 80x24; those before stay until the end.
open_shell() {
  shells=$((shells + 1))
  terminal=shell$shells
  mux new-session -d -s "$terminal" -x 80 -y 24 "cd '$folder' && exec env PS1='ready> ' bash --norc --noprofile"
  mux set-option -g status off >/dev/null
  resize 80 24
  eventually shows 'ready>'
}

# Starts the program with arguments in a fresh shell, which tells its exit status after it.
start() {
  open_shell
  run_line "$1"
}

run_line() {
  type_text "$1; echo left with \$?"
  press Enter
}

# --- Checks.

# Asks until the command holds, at most 10 seconds.
eventually() {
  local tries=100
  until "$@"; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || return 1
    sleep 0.1
  done
}

shows() { screen | grep -qF -- "$1"; }
hides() { ! shows "$1"; }
selects() { screen | sed -n 2p | grep -qE -- "$1"; }
is_same_file() { cmp -s "$1" "$2"; }
is_ascii() { ! screen | LC_ALL=C grep -q '[^ -~]'; }
exists() { [ -s "$1" ]; }

report() { # NAME STATUS
  if [ "$2" -eq 0 ]; then
    passed=$((passed + 1))
    echo "ok $1"
  else
    failed=$((failed + 1))
    echo "FAILED $1"
    screen | sed 's/^/    | /'
  fi
}

check() { # NAME COMMAND...
  local name=$1
  shift
  eventually "$@"
  report "$name" $?
}

# The same, for what holds at once or not at all.
check_now() {
  local name=$1
  shift
  "$@"
  report "$name" $?
}

# The modes of the terminal, as the shell has them, in a file.
save_modes() {
  rm -f "$1"
  type_text "stty -a > '$1'"
  press Enter
  eventually exists "$1"
}

# The process that the shell of the terminal runs.
running() { pgrep -P "$(mux display-message -p -t "$terminal" '#{pane_pid}')" | head -n 1; }

guest="'$program' guest.elf"
checksum=$(sha256sum <"$folder/guest.elf")

# --- Walking.

start "$guest"
check "starts and shows the spaces" shows 'PML4 0xce10000'
check "shows its name and the scheme" shows 'x86-64 4-level'
press f
type_text 0x2960000
press Enter
check "f filters" hides 'PML4 0xce10000'
press Enter Down
check "Enter opens a space" selects '> PML4\[0\]( |$)'
press Enter Down Enter Down Enter Down
check "Down and Enter lead to a PTE" selects '> PT\[[0-9]+\]'
press f C-u Enter
check "f with nothing shows all again" hides 'filter:'
press g
type_text 60001000
press Enter
check "g goes to an address" shows '00000000_60001000 /init is at 0xd6af000'
press BSpace
check "Backspace comes back" selects 'PT\[[0-9]+\]'

# --- Sharing.

press g
type_text 60001000
press Enter
eventually shows '00000000_60001000 /init is at 0xd6af000'
press x
check "x tells who maps it" shows 'who maps 0xd6af000: 70 mappings'
check "x names the mirror" shows 'ffffffff_90eaf000'
press Down Enter
check "Enter in the list goes to the mirror" selects '^ kernel.* > PT\[175\]'
press BSpace
check "Backspace comes back from there" selects '> PT\[1\]$'
press d
check "d shows what the frame is" shows 'frame 0xd6af000'
press Escape S
check "S lists shared sub-tables" shows 'shared sub-tables'
press f
type_text 0x2a9e000
press Enter
check "a list is filtered" hides '0xdc01000'
press Enter
check "Enter in the list goes to the table" selects '> PDPT\['
press M
check "M lists mirrors" shows 'ffffd133_c044a000'
press x
check "x in a list tells who maps what it names" shows 'who maps'
press Escape
check "Esc leads back to the list" shows 'ffffd133_c044a000'
press Escape C
check "C draws who shares what" shows 'does not have it'
press Escape V
check "V draws what lies where" shows 'unmapped'
press Escape F
check "F lists findings" shows 'findings'
press Escape
press g
type_text 60001000
press Enter
eventually shows '00000000_60001000 /init is at'
press :
type_text 'mirror'
press Enter
check ":mirror puts a page into the kernel, on an overlay" shows 'overlay'
press :
type_text 'unmirror'
press Enter
check ":unmirror drops it" hides 'overlay'
press /
type_text 0x2958000
press Enter
check "/ finds a space" selects '^ file 93$'
press s
check "s lists the spaces" shows 'proportional'
press Home Enter
check "Enter in the list goes to a space" selects '^ kernel$'
press '?'
check "? shows help" shows 'help: the tree'
press Escape
check "Esc leaves help" hides 'help: the tree'
press :
type_text scr
press Tab
check ": completes with Tab" shows ':screenshot '
type_text "shot.txt"
press Enter
check ":screenshot writes the screen" exists "$folder/shot.txt"

# --- Sizes.

press Home
resize 40 10
check "at 40x10 the footer ends with q quit" shows 'q quit'
resize 1 1
is_tiny() { [ "$(mux display-message -p -t "$terminal" '#{window_width}x#{window_height}')" = 1x1 ] && [ -n "$(running)" ]; }
check "at 1x1 it lives" is_tiny
press Down Up
resize 80 24
check "back at 80x24 it is all there" shows '─────────'

# --- Stopping and leaving.

press q
check "q leaves with 0" shows 'left with 0'
check "the screen is the shell's again" hides '─────────'

open_shell
save_modes "$folder/modes"
run_line "$guest"
check "starts again" shows 'PML4 0xce10000'
press C-z
check "Ctrl-Z stops" shows 'Stopped'
check "stopped, the screen is the shell's" hides '─────────'
save_modes "$folder/modes-stopped"
check_now "stopped, the terminal's modes are as before" is_same_file "$folder/modes" "$folder/modes-stopped"
type_text fg
press Enter
check "fg comes back" shows '─────────'
press Enter Down
check "after fg keys work" selects '> PML4\['
press q
check "after fg q leaves" shows 'ready> '
save_modes "$folder/modes-left"
check_now "the terminal's modes are as before" is_same_file "$folder/modes" "$folder/modes-left"

type_text "'$program' guest.elf; echo left"
press Enter
eventually shows 'q quit'
press C-z
eventually shows 'Stopped'
type_text 'kill %1'
press Enter
ended() {
  shows 'Terminated' && return
  press Enter
  return 1
}
check "killed while it is stopped, it ends" ended

for signal in TERM:143 HUP:129 INT:0 QUIT:131 PIPE:141 ALRM:142 USR1:138 XCPU:152 34:162 ABRT:134 SEGV:139 BUS:135; do
  status=${signal#*:}
  signal=${signal%:*}
  open_shell
  save_modes "$folder/modes"
  run_line "$guest"
  eventually shows 'q quit'
  kill -"$signal" "$(running)"
  check "SIG$signal leaves with $status" shows "left with $status"
  check "after SIG$signal the screen is the shell's" hides '─────────'
  save_modes "$folder/modes-left"
  check_now "after SIG$signal the terminal's modes are as before" is_same_file "$folder/modes" "$folder/modes-left"
done

start "$guest"
eventually shows 'q quit'
press C-c
check "Ctrl-C leaves when nothing runs" shows 'left with 0'
start "$guest"
eventually shows 'q quit'
press 'C-\'
check "Ctrl-\\ leaves with 131" shows 'left with 131'

# A command that waits for a script from the terminal; Swift's backtracer would hold that for half a minute.
start "'$program' explore guest.elf --headless --script -"
waits() { [ -n "$(running)" ] && grep -q S "/proc/$(running)/stat"; }
eventually waits
kill -SEGV "$(running)"
check "SIGSEGV ends a command on a terminal at once" shows 'left with 139'

# --- Pasting.

lives() { [ -n "$(running)" ]; }
start "$guest"
eventually shows 'q quit'
paste ':screenshot pasted.txt\rq\rQ\r\003\032\034'
check "what is pasted outside a prompt is ignored" shows 'pasted text ignored'
check_now "no line of it is a command" test ! -e "$folder/pasted.txt"
check_now "and no character a key" lives
press :
paste 'screenshot\r\npasted.txt\r\n'
check "in a prompt it is one line" shows ':screenshot pasted.txt '
check_now "which nobody has entered" test ! -e "$folder/pasted.txt"
press C-u
for piece in $'\e[' 2 00~ad $'\rsc\e' '[20' 1~ire; do
  type_text "$piece"
  sleep 0.05
done
check "its marks may come in pieces" shows ':ad scire '
press C-u
type_text $'\e[200~without'
check "an end that does not come is not awaited for ever" shows ':without '
press ! Escape
check "then keys are keys again" hides ':without'
press C-z
eventually shows 'Stopped'
type_text fg
press Enter
eventually shows '─────────'
paste 'qQ\r'
check "after fg a paste is still none of keys" shows 'pasted text ignored'
press q
eventually shows 'left with 0'
type_text 'cat -v'
press Enter
paste 'plain\r'
check "afterwards the terminal marks no paste" shows 'plain'
check_now "not even with a mark of ours" hides '200~'
press C-c

# --- The mouse, as terminals report it: button, column, row, counted from 1.

start "TERM=xterm-256color $guest"
eventually shows 'PML4 0x2960000'
line=$(screen | grep -n 'PML4 0x2960000' | cut -d: -f1)
# Clicks only as long as nothing is selected: two fast clicks on one cell would open it.
clicked() {
  selects '^ share_a 89$' && return
  type_text $'\e[<0;30;'"$line"M
  type_text $'\e[<0;30;'"$line"m
  sleep 0.3
  selects '^ share_a 89$'
}
check "a click selects a row" clicked
eventually selects '^ share_a 89$'
type_text $'\e[<0;2;'"$line"M
type_text $'\e[<0;2;'"$line"m
check "a click on the sign opens it" shows '▾ share_a 89'
type_text $'\e[<65;20;10M'
check "the wheel scrolls" hides 'PML4 0xce10000'
press q

# --- The names that a guest tells.

start "$guest"
eventually shows 'q quit'
press i
check "i on a capture says so" shows "a capture keeps only the guest's names of processes and regions"
press q

if [ -n "$linux" ]; then
  init=$("$program" spaces --json "$linux" | sed -n 's/.*"name":"\([^"]*\)","pid":1,.*/\1 1/p' | head -n 1)
  start "'$program' '$linux'"
  check "spaces have the names of their processes" shows "$init"
  press /
  type_text "$init"
  press Enter
  check "/ finds a process" selects "^ $init\$"
  press R
  check "R lists the regions of a process" shows '[stack]'
  press f
  type_text heap
  press Enter Enter
  check "Enter in the list goes to the region" selects "^ $init > .*\["
  check "and says where the region is" shows '[heap] is at 0x'
  press g
  type_text do_exi
  press Tab
  check "Tab completes a symbol" shows 'go to do_exit'
  press Enter
  check "g goes to a symbol" shows 'do_exit is at'
  press g
  type_text do_exti
  press Enter
  check "a misspelled symbol stays, with the nearest one" shows 'Tab takes do_exit'
  press Escape i
  check "i tells of the guest" shows 'How each part became known'
  press Escape s
  resize 220 24
  check "s says what names come from, where there is room" shows 'named by'
  resize 80 24
  press q q
  check "and it leaves with 0" shows 'left with 0'
fi

# --- Where input and output go, and what the terminal can do.

start "echo nothing | $guest >'$folder/output'"
check "runs with input piped and output redirected" shows '─────────'
press q
check "and leaves with 0" shows 'left with 0'
check_now "and writes nothing into the output" test ! -s "$folder/output"

start "LC_ALL=C $guest"
check "with LC_ALL=C it runs" shows 'q quit'
check_now "with LC_ALL=C the screen is ASCII" is_ascii
press q

for term in vt100 linux xterm-256color screen-256color; do
  start "TERM=$term $guest"
  check "TERM=$term shows the tree" shows 'PML4 0xce10000'
  press Enter Down
  check "TERM=$term opens a space" selects '> PML4\['
  press q
  check "TERM=$term leaves" shows 'left with 0'
done

# Colours are what escape sequences in the capture say.
colors() { mux capture-pane -p -e -t "$terminal" | grep -qE $'\e\\[[0-9;]*(3[0-7]|9[0-7]|38;5;[0-9]+)[;m]'; }
no_colors() { ! colors; }
start "TERM=xterm-256color $guest"
eventually shows 'q quit'
check "with a colour terminal there are colours" colors
press q
start "NO_COLOR=1 TERM=xterm-256color $guest"
eventually shows 'q quit'
check_now "NO_COLOR takes them away" no_colors
press q

# The terminal's background: tmux tells that of its pane where it has one. In the themes the address of a root is
# color 23 on a light background, 80 on a dark one, and 6 of the terminal's own where nothing is known.
has_color() { mux capture-pane -p -e -t "$terminal" | grep -F 'PML4 0x1b1a000' | grep -qE $'\e\\[[0-9;]*'"$1"'m'; }
background() { mux set-option -w -t "$terminal" window-style "$1"; }
# What a terminal answers, in pieces with pauses between them.
answer() {
  local piece
  for piece in "$@"; do
    type_text "$piece"
    sleep 0.3
  done
}
open_shell
run_line "TERM=tmux-256color $guest"
check "a terminal that does not tell its background has its own colours" has_color 36
press Down
check "and its keys do what they do" selects '^ reporter 1$'
answer $'\e]11;rgb:ffff/ffff/ffff\a'
check "an answer that comes late gives the light colours" has_color '38;5;23'
check_now "and no character of it is a key" shows 'Enter open'
answer $'\e]1' '1;r' 'gb:0000/00' '00/0000' $'\e' '\'
check "an answer in pieces gives the dark colours" has_color '38;5;80'
check_now "and no piece of it is a key" shows 'Enter open'
answer $'\e]11;rgb:ffff/' j 'ffff/ffff' $'\a'
check "a key between the pieces is one" selects '^ anonymous 88$'
check "and the answer is one, too" has_color '38;5;23'
answer $'\e' ']11;rgb:0000/0000/0000' $'\a'
check "so is one that is torn behind its Escape" has_color '38;5;80'
press k
check "and then keys are keys" selects '^ reporter 1$'
press q
check "and it leaves with 0" shows 'left with 0'
for setting in 'bg=#fdf6e3 15;0 23' 'bg=#002b36 0;15 80'; do
  read -r style environment color <<<"$setting"
  open_shell
  background "$style"
  run_line "COLORFGBG='$environment' TERM=tmux-256color $guest"
  check "$style comes before COLORFGBG=$environment" has_color "38;5;$color"
  press : && type_text 'theme dark' && press Enter
  check "$style: :theme dark is dark" has_color '38;5;80'
  press : && type_text 'theme light' && press Enter
  check "$style: :theme light is light" has_color '38;5;23'
  press : && type_text 'theme auto' && press Enter
  check "$style: :theme auto is as before" has_color "38;5;$color"
  press q
done
open_shell
run_line "COLORFGBG='0;default;15' TERM=tmux-256color $guest"
check "COLORFGBG alone gives the light colours" has_color '38;5;23'
press q
# A program that ends before the answer comes must not leave it to the shell.
open_shell
background 'bg=#fdf6e3'
printf ':quit\n' >"$folder/quit.script"
run_line "for i in 1 2 3 4 5; do TERM=tmux-256color $guest --script quit.script; done"
check "a program that ends at once leaves with 0" shows 'left with 0'
type_text 'echo "and leaves $((40 + 2))"'
press Enter
check "the shell gets its keys" shows 'and leaves 42'
check_now "and no answer" hides 'rgb:'
press C-l

for setting in 'TERM=dumb' '-u TERM'; do
  env $setting "$program" "$folder/guest.elf" >"$folder/output" 2>"$folder/errors" </dev/null
  status=$?
  check_now "env $setting: status 1" test "$status" -eq 1
  check_now "env $setting: one line" test "$(wc -l <"$folder/errors")" -eq 1
  check_now "env $setting: it names screenshot" grep -q screenshot "$folder/errors"
done
setsid -w "$program" "$folder/guest.elf" >"$folder/output" 2>"$folder/errors" </dev/null
status=$?
check_now "without a terminal: status 1" test "$status" -eq 1
check_now "without a terminal: one line that names screenshot" \
  test "$(grep -c screenshot "$folder/errors")" -eq "$(wc -l <"$folder/errors")"

# --- Scripts, and the demo.

printf '%s\n' '# a rehearsed walk' 'wait' ':filter 0x2960000' 'g "60001000" Enter' ':screenshot walked.txt' ':quit' \
  >"$folder/walk.script"
start "'$program' explore guest.elf --script walk.script"
check "a script ends with its :quit" shows 'left with 0'
check_now "a script goes where it says" grep -q '> PT\[1\]' "$folder/walked.txt"
printf '%s\n' 'wait' ':filter 0x2960000' 'g "60001000" Enter' >"$folder/look.script"
start "'$program' explore guest.elf --script look.script"
check "a script without an end hands over" selects '> PT\[1\]$'
press q
(cd "$folder" && setsid -w "$program" explore guest.elf --script look.script --headless) >"$folder/headless.txt" 2>&1
check_now "--headless prints the last screen" grep -q '> PT\[1\]$' "$folder/headless.txt"
check_now "--headless prints 24 lines" test "$(wc -l <"$folder/headless.txt")" -eq 24

start "'$program' demo"
check "demo begins a tour" shows 'Welcome to pagewalk'
press Enter
check "Enter takes the tour's next step" shows 'This is the space of vi'
press Escape
check "Esc leaves the tour" hides 'This is the space of vi'
press Down
check "and the keys work" shows 'Enter open'
press q
check "demo leaves with 0" shows 'left with 0'
start "'$program' demo"
eventually shows 'Welcome to pagewalk'
# Every step of the tour, to its end.
tour_ends() {
  shows 'That was the tour' && return 0
  press Enter
  return 1
}
check "the tour goes on to its end" tour_ends
check "it ends in the real guest" shows 'capture'
press Enter
check "after the tour the captions are gone" hides 'That was the tour'
press q
check "after the tour q leaves" shows 'left with 0'
start "'$program' demo --live"
check "demo --live begins a tour" shows 'Welcome to a machine that runs'
check "the tour of a machine that runs goes on to its end" tour_ends
press Enter
check "after it the captions are gone" hides 'That was the tour'
type_text ':watch 0.2'
press Enter
check "the machine goes on with its story" shows 'the machine starts again'
press q
check "it leaves with 0" shows 'left with 0'

# --- A table of spaces, again and again.

start "'$program' spaces demo-live --watch 0.4"
check "spaces --watch begins" shows 'of demo-live'
check "it goes on" hides 'moment 1 of demo-live'
check "it marks what is new" shows '+  0x'
check "and what is gone" shows '-  0x'
check_now "each moment takes the place of the one before" \
  test "$(screen | grep -c 'of demo-live')" -eq 1
press C-c
# bash leaves out what follows a program that the signal ended.
type_text 'echo ended with $?'
press Enter
check "Ctrl-c ends it" shows 'ended with 130'

# What is kept from run to run.
mkdir -p "$folder/config/pagewalk"
printf '# keys\nbind Ctrl-t mirrors\nnonsense\n' >"$folder/config/pagewalk/config"
start "XDG_STATE_HOME='$folder/state' $guest"
check "what is wrong in the configuration is said, with its line" shows 'config, line 3'
press /
type_text hugetlb_b
press Enter m h C-t
check "a key of the configuration works" shows 'kernel region'
press Q
check "it leaves with 0 and keeps its state" shows 'left with 0'
start "XDG_STATE_HOME='$folder/state' $guest"
check "the next run is where the last one was" selects '^ hugetlb_b 99$'
press Home "'" h
check "and has its bookmarks" selects '^ hugetlb_b 99$'
press Q
start "XDG_STATE_HOME='$folder/state' '$program' explore guest.elf --no-state"
check "--no-state begins at the top" selects '^ kernel$'
press Q

# A theme of one's own.
printf 'theme light\ntheme.space = 33 bold\ntheme.tabel = red\ntheme.table = gren\n' >"$folder/config/pagewalk/config"
start "TERM=tmux-256color $guest"
check "the configuration's theme is used" has_color '38;5;23'
has_space_color() { mux capture-pane -p -e -t "$terminal" | grep -F 'reporter 1' | grep -qF '[38;5;33m'; }
check "and its own styles" has_space_color
press : && type_text 'warnings' && press Enter
check "a role that does not exist is said, with its line" shows "line 3: no role 'tabel'"
check_now "and the near one" shows 'mean table?'
check_now "so is a color" shows 'mean green?'
press Q
start "TERM=tmux-256color '$program' explore guest.elf --theme dark"
check "--theme comes before the configuration" has_color '38;5;80'
press Q
rm "$folder/config/pagewalk/config"

# Beginning somewhere, and taking the walk along: tmux keeps what a program puts on the clipboard.
clipboard_is() { [ "$(mux show-buffer 2>/dev/null)" = "$1" ]; }
start "'$program' explore --no-state --space hugetlb_a --goto 200080000000 guest.elf"
mux set-option -s set-clipboard on
check "explore begins where it is told to" selects '^ hugetlb_a 98 > PML4\[64\] > PDPT\[2\] > PD\[0\]$'
press y c
check "y c copies the command" clipboard_is "pagewalk translate guest.elf --space 98 0x200080000000"
press y w
check "y w copies what that command prints" clipboard_is \
  "$(cd "$folder" && "$program" translate guest.elf --space 98 0x200080000000)"
press y j
check "y j copies it as JSON" clipboard_is \
  "$(cd "$folder" && "$program" translate guest.elf --space 98 0x200080000000 --json)"
press Q

# Two spaces side by side.
start "$guest"
eventually shows 'PML4 0xce10000'
press /
type_text hugetlb_a
press Enter =
press /
type_text hugetlb_b
press Enter =
check "= in two spaces compares them" shows '== PD 0x2a9e000'
press Escape
check "Esc leaves the comparison" selects '^ hugetlb_b 99$'
press q

check_now "the source is unchanged" test "$(sha256sum <"$folder/guest.elf")" = "$checksum"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
