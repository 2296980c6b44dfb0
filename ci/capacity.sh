#!/usr/bin/env bash
# Makes capacity plans: measured waits must agree with Erlang C, the gate must pass at a size that holds the target
# and fail at one that is too small, and wrong input must be refused by name. The page is opened in headless Chromium
# as wide as a phone, and must be no wider.
# First plants faults in a copy of the planner (a wrong quantile, coordinated omission, a wrong formula, ...) and fails
# if its own tests do not see each; then a page that is too wide, and fails if that is not seen.
#
# --short makes quick plans, in less than two minutes beside building; without it full ones. Both beside the peers.
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

# fault TEST FILE SUBSTITUTION WHAT: plants a fault in the copy, which this test must see.
faults=()
fault() {
    plant "$scratch/copy/benches/src/capacity/$2" "$3" || fail "$4: its place in $2 has moved"
    faults+=("$1=$4")
}

# tests_see_faults: all faults are planted at once, so that the planner is built once more and not for each; so each is
# in code that the tests of the others do not come by.
tests_see_faults() {
    local fault
    # What else is in the copy need not be built again: only the planner must not be taken for this tree's own.
    perl -0pi -e 's/version\.workspace = true/version = "0.0.0"/' "$scratch/copy/benches/Cargo.toml"
    if (cd "$scratch/copy" && CARGO_TARGET_DIR=$OLDPWD/target \
        cargo test --workspace --all-features --lib -- capacity::) >"$scratch/log" 2>&1; then
        fail "the planner's tests see no fault"
    fi
    for fault in "${faults[@]}"; do
        grep -q "^test capacity::${fault%%=*} \.\.\. FAILED" "$scratch/log" ||
            { cat "$scratch/log"; fail "not seen by ${fault%%=*}: ${fault#*=}"; }
        echo "seen: ${fault#*=}"
    done
}

mkdir "$scratch/copy"
copy_tree "$scratch/copy"
fault figures::tests::quantiles_are_of_the_nearest_rank figures.rs 's/(percent \/ 100\.0 \* float\(ascending\.len\(\)\)\))\.ceil/$1.floor/' \
    'a quantile is one rank too low'
fault figures::tests::errors_cover_the_truth_as_often_as_they_say figures.rs 's/deviation \/ float\(BATCHES\)\.sqrt/deviation \/ float(BATCHES).abs/' \
    'errors are told too small'
fault figures::tests::what_may_be_chance_is_no_pass figures.rs 's/self\.target_ms \+ self\.target_error_ms <=/self.target_ms <=/' \
    'what may be chance holds the target'
fault load::tests::waits_are_measured_from_the_arrival_that_was_intended load.rs \
    's/tokio::spawn\((async move \{.*?\})\);/$1.await;/s; s/(let guards = take\(&pool, held\))/let due = Instant::now();\n    $1/' \
    'coordinated omission: a call is held back until the one before is done, and waits from then on'
fault erlang::tests::it_agrees_with_what_is_known erlang.rs 's/let waits = blocked \/ .*?;/let waits = blocked;/' \
    "Erlang's B is taken for C"
fault simulate::tests::callers_are_served_in_order_by_whichever_place_is_free_first simulate.rs 's/waiting\.pop_front/waiting.pop_back/' \
    'the perfect queue serves the last first'
fault check::tests::what_is_further_apart_is_said check.rs 's/off <= may\.max\(tells\)/off <= (2.0 * may).max(tells)/' \
    'means that are 20 % apart agree'
fault service::tests::draws_have_the_mean_and_spread_that_were_asked_for service.rs 's/mean \* rng\.sample/0.9 * mean * rng.sample/' \
    'service times are shorter than was asked for'
fault trace::tests::what_is_wrong_is_named_with_its_line trace.rs 's/times\.push\(time\(&record, at\)\.map_err\(\|problem\| wrong\(line, problem\)\)\?\)/times.extend(time(\&record, at).ok())/' \
    'a malformed line of a trace is left out'
tests_see_faults

cargo bench -p benches --bench capacity --no-run || fail "the planner does not build"

says 0 'gate passed' --gate --size 20
cp "$scratch/log" "$scratch/log.passed"
says 1 'GATE FAILED' --gate --size 10
says 2 'rate: -5 is not above 0' --rate=-5
says 2 'size: 4 connections serve' --size 4
printf '1\n2\nabc\n' >"$scratch/trace.csv"
says 2 "line 3: 'abc' is not a number" --trace "$scratch/trace.csv"
says 2 "no pool 'hikari'" --compare hikari
DATABASE_URL=postgres://127.0.0.1:1/none says 2 'DATABASE_URL: ' --sql 'SELECT 1'

# Exponential service is what Erlang C is for: there the measured waits must agree. Virtual time makes that the same
# on every machine.
grep 'utilisation the mean wait' "$scratch/log.passed"
[ "$(grep -c '^- agrees: ' "$scratch/log.passed")" = 3 ] || fail "measured waits are not those of Erlang C"

flags=(--input capacity.example.toml --out "$scratch/plan" --compare "sqlx,deadpool,bb8")
if $SHORT; then flags+=(--quick); fi
capacity "${flags[@]}" >"$scratch/log" || { cat "$scratch/log"; fail "the example has no plan"; }
grep -m 1 '^Take ' "$scratch/log" || fail "no recommendation"

echo '<!doctype html><div style="width: 2000px">wide</div>' >"$scratch/wide.html"
code=0
shown "$scratch/wide.html" || code=$?
[ "$code" = 1 ] || fail "a page wider than the screen was not seen ($code): $(cat "$scratch/chromium.log")"
shown "$scratch/plan/capacity.html" || fail "the page is wider than a phone, or cannot be shown"
mkdir -p target/capacity
cp "$scratch/plan/capacity.html" "$scratch/plan/capacity.png" target/capacity/
echo "capacity: the gate and the refusals hold; target/capacity/capacity.png shows the page"
