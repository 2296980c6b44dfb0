#!/usr/bin/env bash
# Makes capacity plans: the gate must pass at a size that holds the target, fail at one that is too small, and wrong
# input must be refused by name. The page is opened in headless Chromium as a phone shows it, and must not be wider
# than the phone. Plants a page that is wider first and fails if that is not seen.
#
# --short makes quick plans, in less than two minutes beside building; without it full ones, beside the peers.
source "$(dirname "$0")/lib.sh"

need cc gcc libc6-dev
need chromium chromium

# The width of a phone's screen, in pixels of a page.
PHONE=360

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

capacity() {
    cargo bench --quiet -p benches --bench capacity -- "$@"
}

# says CODE WORDS FLAGS...: a plan with these flags must end with this code, and say these words.
says() {
    local right=$1 words=$2 code=0
    shift 2
    capacity --quick --out "$scratch/said" "$@" >"$scratch/log" 2>&1 || code=$?
    if [ "$code" != "$right" ] || ! grep -qF -- "$words" "$scratch/log"; then
        cat "$scratch/log"
        fail "not $right with '$words' but $code: $*"
    fi
    echo "$right: $(grep -F -m 1 -- "$words" "$scratch/log")"
}

# shown PAGE: draws the page as wide as a phone's screen, and answers whether it is no wider than that. A picture of
# it is left beside it. The window of a headless Chromium is 500 wide at least, so the phone is a frame.
shown() {
    local wide
    cat >"$scratch/phone.html" <<HTML
<!doctype html><title>not shown</title><body style="margin: 0">
<iframe src="file://$1" style="border: 0; width: ${PHONE}px; height: 5200px" onload="
document.title = 'width ' + this.contentDocument.documentElement.scrollWidth"></iframe>
HTML
    chromium_says --dump-dom "file://$scratch/phone.html" >"$scratch/dom"
    wide=$(grep -o -m 1 '<title>width [0-9]*' "$scratch/dom" | grep -o '[0-9]*$') || return 2
    chromium_says --window-size=500,5200 "--screenshot=${1%.html}.png" "file://$scratch/phone.html" >/dev/null
    [ -s "${1%.html}.png" ] || return 2
    [ "$wide" -le "$PHONE" ]
}

chromium_says() {
    chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --allow-file-access-from-files \
        --user-data-dir="$scratch/chromium" "$@" 2>"$scratch/chromium.log"
}

cargo bench -p benches --bench capacity --no-run || fail "the planner does not build"

says 0 'gate passed' --gate --size 20
says 1 'GATE FAILED' --gate --size 10
says 2 'rate: -5 is not above 0' --rate=-5
says 2 'size: 4 connections serve' --size 4
printf '1\n2\nabc\n' >"$scratch/trace.csv"
says 2 "line 3: 'abc' is not a number" --trace "$scratch/trace.csv"
says 2 "no pool 'hikari'" --compare hikari
DATABASE_URL=postgres://127.0.0.1:1/none says 2 'DATABASE_URL: ' --sql 'SELECT 1'

flags=(--input capacity.example.toml --out "$scratch/plan" --compare "sqlx,deadpool,bb8")
if $SHORT; then flags+=(--quick); fi
capacity "${flags[@]}" >"$scratch/log" || { cat "$scratch/log"; fail "the example has no plan"; }
grep -m 1 '^Take ' "$scratch/log" || fail "no recommendation"
grep 'utilisation the mean wait' "$scratch/log"

echo '<!doctype html><div style="width: 2000px">wide</div>' >"$scratch/wide.html"
code=0
shown "$scratch/wide.html" || code=$?
[ "$code" = 1 ] || fail "a page wider than the screen was not seen ($code): $(cat "$scratch/chromium.log")"
shown "$scratch/plan/capacity.html" || fail "the page is wider than a phone, or cannot be shown"
mkdir -p target/capacity
cp "$scratch/plan/capacity.html" "$scratch/plan/capacity.png" target/capacity/
echo "capacity: the gate and the refusals hold; target/capacity/capacity.png shows the page"
