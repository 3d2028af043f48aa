#!/bin/sh
# Runs the tests of a build folder and counts what ran: every Criterion test, every case of a script that closes on
# "N passed, N failed", one for a program that only exits. That count is the last line. Exit 0: all passed.
#
# usage: tests/run.sh BUILD [NAME...] [OPTION...]
# NAME is a suite (autodiff), a test (autodiff/gradient) or a part of tests' names; options go to `meson test`.
set -eu
cd "$(dirname "$0")/.."
build=$1
shift

# Turns the arguments into what `meson test` takes: whole names of tests, and options as they are.
list=$(meson test -C "$build" --no-rebuild --list 2>/dev/null | sed -n 's|^[^ ]* / ||p')
if [ -z "$list" ]; then
    echo "tests/run.sh: $build has no tests (is Criterion installed?)" >&2
    exit 2
fi
names=
for word in "$@"; do
    shift
    case $word in
    -*) set -- "$@" "$word" ;;
    *)
        found=$(echo "$list" | grep -x -e "$word" || echo "$list" | grep -e "^$word/" || echo "$list" | grep -F -e "$word") || {
            echo "tests/run.sh: no test has '$word' in its name; there are:" >&2
            echo "$list" | tr '\n' ' ' | fold -s -w 100 >&2
            echo >&2
            exit 2
        }
        names="$names $found"
        ;;
    esac
done

count() { # reads meson's log, a JSON object a test
    awk '
    function number(text) { gsub(/[^0-9]/, "", text); return text + 0 }
    function take(pattern) { # what matches, cut off the front of the line
        if (!match(line, pattern)) return ""
        found = substr(line, RSTART, RLENGTH)
        line = substr(line, RSTART + RLENGTH)
        return found
    }
    {
        line = $0
        sub(/"env": \{.*"command": /, "", line)
        whole = line
        take("\"name\": \"[^\"]* / "); name = take("[^\"]*")
        result = take("\"result\": \"[A-Z]*"); sub(/.*"/, "", result)
        line = whole; good = bad = 0; counted = 0
        while ((text = take("Synthesis: Tested: [0-9]+ [|] Passing: [0-9]+ [|] Failing: [0-9]+")) != "") {
            split(text, part, "|"); good += number(part[2]); bad += number(part[3]); counted = 1
        }
        line = whole
        while (!counted && (text = take("[0-9]+ passed, [0-9]+ failed")) != "") {
            split(text, part, ","); good = number(part[1]); bad = number(part[2])
        }
        if (result == "SKIP") { skipped++; next }
        # Criterion passes a test whose process found its leaks after the test was over.
        if (whole ~ /ERROR: [A-Za-z]*Sanitizer|: runtime error: /) result = "SANITIZER"
        if (result == "OK" && good + bad == 0) good = 1
        if (result != "OK" && bad == 0) bad = 1
        if (bad) print "failed: " name (result == "SANITIZER" ? " (a sanitizer spoke, see meson-logs/testlog.txt)" : "")
        passed += good; failed += bad; programs++
    }
    END {
        printf "%d programs%s\n", programs, skipped ? ", " skipped " skipped" : ""
        printf "%d passed, %d failed\n", passed, failed
        exit failed > 0
    }' "$1"
}

status=0
# shellcheck disable=SC2086
if [ -t 1 ]; then
    meson test -C "$build" --print-errorlogs "$@" $names || status=$?
else
    meson test -C "$build" --print-errorlogs "$@" $names >"$build/test-output.txt" 2>&1 || status=$?
    [ "$status" -eq 0 ] || cat "$build/test-output.txt"
fi
count "$build/meson-logs/testlog.json" || status=1
exit "$status"
