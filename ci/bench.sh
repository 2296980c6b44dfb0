#!/usr/bin/env bash
# Builds the benches and compares the map with its peers: answers must be right, and no ratio may lie below
# its floor in benches/floors.txt. The floors are generous: they see a map that has become several times
# slower, on any machine, not one that has lost a few per cent.
# Sets impossible floors first and fails if they are held to be met.
#
# --short compares at 100,000 entries in a minute or two; without it at 1,000,000 in some minutes. Building
# takes longer than that.
source "$(dirname "$0")/lib.sh"

need cc gcc libc6-dev

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

compare() {
    cargo bench --quiet -p benches --bench compare -- "$@"
}

# refused WORDS FLOORS: with these floors the run must fail, and say these words.
refused() {
    local code=0
    printf '%s\n' "$2" >"$scratch/floors"
    compare --rows get-1 --subjects scc --entries 1k --rounds 1 --calls 1k --floor "$scratch/floors" \
        >"$scratch/out" 2>&1 || code=$?
    if [ "$code" = 0 ] || ! grep -q "$1" "$scratch/out"; then
        cat "$scratch/out"
        fail "not refused with '$1': $2"
    fi
    echo "refused: $2"
}

cargo bench -p benches --no-run || fail "the benches do not build"

refused 'BELOW FLOOR: get-1 against scc' 'get-1 scc 1000000'
refused "line 1: no row 'no-such-row'" 'no-such-row scc 1'

flags=(--floor "$PWD/benches/floors.txt" --json "$scratch/report.json" --html "$scratch/report.html")
if ! $SHORT; then flags+=(--full); fi
compare "${flags[@]}" || fail "a floor of benches/floors.txt, or an answer: see above"
grep -q '<svg' "$scratch/report.html" || fail "the page has no plot"
grep -q '"ratio"' "$scratch/report.json" || fail "the JSON has no ratio"
echo "bench: the floors hold, and impossible ones were refused"
