#!/usr/bin/env bash
# Shows in a real browser, headless Chromium, that the stats page of the example `service` draws what it is
# told: first statistics that have everything in them, and names that would be markup (ci/page/stats.json), and
# then those of the service itself, under load and while its circuit is open, with pictures of both in target/page/.
# Plants faults in the page first and fails if they are not seen: text put in as markup, a wrong address, parts
# that are left out; and in what the service tells: no tags, no circuit, one that is closed. Four minutes, half of
# it building; --short is the same.
source "$(dirname "$0")/lib.sh"

need chromium chromium fonts-dejavu-core
need python3 python3

page=pool/examples/service/page.html
pictures=target/page
scratch=$(mktemp -d)
pids=()
# shellcheck disable=SC2317
end() {
    if [ "${#pids[@]}" != 0 ]; then kill "${pids[@]}" 2>/dev/null || true; fi
    wait
    rm -rf "$scratch"
}
trap end EXIT

# The sandbox does not work for root, and what is shown here is our own.
chrome() {
    timeout 90 chromium --headless=new --no-sandbox --disable-gpu --hide-scrollbars --lang=en \
        --user-data-dir="$scratch/chrome" "$@" 2>"$scratch/chrome.log"
}

# dom URL: the page as it is after some seconds, which are over as soon as nothing is left to do in them.
dom() {
    chrome --virtual-time-budget=3000 --dump-dom "$1" | sed -n '/<main>/,$p' | sed '/<script>/,$d'
}

# picture NAME WIDTH HEIGHT SECONDS URL: takes one after so many seconds.
picture() {
    chrome --window-size="$(($2 > 500 ? $2 : 500)),$3" --screenshot="$PWD/$pictures/$1.png" \
        "http://127.0.0.1:$port/frame?width=$2&wait=$4&url=$5" && [ -s "$pictures/$1.png" ]
}

# has DOM TEXT...: 0 when all texts are there.
has() {
    local dom=$1 text
    shift
    for text in "$@"; do
        if ! grep -qF -- "$text" <<<"$dom"; then
            echo "  the page has no: $text"
            return 1
        fi
    done
}

# check: whether the page that is served shows all of stats.json, as text.
check() {
    local shown
    shown=$(dom "http://127.0.0.1:$port/")
    has "$shown" \
        '<h1>&lt;b&gt;orders&lt;/b&gt;</h1>' 'refused by &lt;script&gt;' 'src/&lt;img src=x onerror=' \
        '<b>1 of 4</b>' 'class="slot in-use"' 'class="slot connecting"' 'class="slot empty"' \
        '<span>conn_1_17</span>' '<span>1.0 min</span>' 'checkout &amp; pay' \
        '<section id="tenants">' '<span>acme</span>' '<span>1.0 ms · 2.0 ms · 3.0 ms</span>' \
        '&lt;i&gt;globex&lt;/i&gt;' '<span>12.5</span>' '<section id="tags">' '<span>4.0 µs</span>' \
        '<section id="breaker">' 'half_open' '<span class="state bad">circuit half open</span>' '<td class="number">1.5 s</td>' 'primary, replica' \
        'closed, expired' '<polyline class="used"' || return
    if grep -qE '<(img|i|script)\b' <<<"$shown" || grep -qF '<section id="limits">' <<<"$shown" ||
        grep -qF '<section id="faults">' <<<"$shown"; then
        echo "  markup came through, or what is null or empty is shown"
        return 1
    fi
}

# refused WHAT SUBSTITUTION: with this fault in the page the check must fail.
refused() {
    plant "$site/index.html" "$2" || fail "planted fault '$1': its place has moved"
    if check >"$scratch/out"; then fail "planted fault '$1' was not seen"; fi
    sed "s/^ */refused: $1: /" "$scratch/out"
    unplant "$site/index.html"
}

# wait_for FILE PATTERN: what the pattern matches in a file that is being written.
wait_for() {
    for _ in {1..100}; do
        if grep -oP -m 1 "$2" "$1"; then return; fi
        sleep 0.1
    done
    cat "$1" >&2
    return 1
}

cargo build --quiet -p pool --features fault-injection --example service || fail "the example does not build"
mkdir -p "$pictures" "$scratch/site"
site=$scratch/site
cp "$page" "$site/index.html"
cp ci/page/stats.json "$site/stats"
python3 -u ci/page/serve.py "$site" >"$scratch/port" &
pids+=($!)
port=$(wait_for "$scratch/port" '^\d+$') || fail "ci/page/serve.py does not start"

refused 'text as markup' 's/node\.append\(\.\.\.children[^;]*;/for (const child of children) { typeof child === "string" ? node.innerHTML += child : child \&\& node.append(child); }/'
refused 'a wrong address' 's/fetch\("stats"/fetch("status"/'
refused 'parts left out' 's/\.\.\.others\(stats\), //'
refused 'parts that are off' 's/ && Object\.keys\(value\)\.length > 0//'
check || fail "the page does not show ci/page/stats.json"
picture everything 1280 1300 0 "http://127.0.0.1:$port/" || fail "no picture"
picture phone 390 2000 0 "http://127.0.0.1:$port/" || fail "no picture"

# Its database goes with the rest.
TMPDIR=$scratch target/debug/examples/service 127.0.0.1:0 --demo >"$scratch/service" &
pids+=($!)
service=$(wait_for "$scratch/service" 'http://[\d.:]+/(?=$)') || fail "the service does not start"

# live DOM: whether it shows what the demo does, part by part.
live() {
    has "$1" '<h1>notes</h1>' '<section id="connections">' '<span>conn_' 'class="slot in-use"' \
        'service/demo.rs:' '<section id="times">' '<section id="tenants">' '<span>acme</span>' \
        '<section id="tags">' '<span>checkout</span>' '<span>report</span>' '<section id="breaker">' \
        '<th>opened</th>'
}

# open DOM: whether it shows the circuit that the demo's drill opens for eight seconds of forty, and what has opened
# it.
open() {
    has "$1" '<span class="state bad">circuit' '<section id="breaker">' '<td class="number">open</td>' \
        'injected fault: connecting number' '<section id="faults">'
}

# keep CODE: waits until this Python is true of the service's `stats`, and keeps these in the folder that is served.
keep() {
    timeout 150 python3 -c 'import json, sys, time, urllib.request
while True:
    told = urllib.request.urlopen(sys.argv[1]).read()
    stats = json.loads(told)
    if eval(sys.argv[2]):
        break
    time.sleep(0.1)
open(sys.argv[3], "wb").write(told)' "${service}stats" "$1" "$site/stats"
}

# eventually CHECK CODE: whether the page shows it when CODE is true of the service's stats. It may be so no more
# when the browser has started, so there is more than one try.
eventually() {
    for _ in {1..10}; do
        keep "$2" || fail "the service never tells that $2"
        if "$1" "$(dom "$service")" >"$scratch/out" && "$1" "$(shown_kept)" >"$scratch/out"; then return; fi
    done
    cat "$scratch/out"
    return 1
}

shown_kept() {
    dom "http://127.0.0.1:$port/"
}

# untold WHAT CHECK CODE: the check must fail on what the service told, changed by this Python on `stats`.
untold() {
    cp "$site/stats" "$scratch/told"
    python3 -c 'import json, sys
stats = json.load(open(sys.argv[1]))
exec(sys.argv[2])
json.dump(stats, open(sys.argv[1], "w"))' "$site/stats" "$3" || fail "planted fault '$1': its place has moved"
    if "$2" "$(shown_kept)" >"$scratch/out"; then fail "planted fault '$1' was not seen"; fi
    sed "s/^ */refused: $1: /" "$scratch/out"
    mv "$scratch/told" "$site/stats"
}

# The demo's tide is high after ten seconds.
picture load 1280 1100 12 "$service" || fail "no picture"
eventually live 'stats["in_use"] > 0 and len(stats["tags"]) == 3' ||
    fail "the page does not show the service's statistics"
untold 'no tags' live 'stats["tags"].clear()'
untold 'no circuit' live 'stats["breaker"] = None'
eventually open 'stats["breaker"]["state"] == "open"' ||
    fail "the page does not show the circuit of the service when it is open"
picture open 1280 1900 0 "http://127.0.0.1:$port/" || fail "no picture"
untold 'a closed circuit' open 'stats["breaker"]["state"] = "closed"'
echo "page: drawn in $(chromium --version 2>/dev/null | grep -o 'Chromium [0-9.]*'); pictures in $pictures/"
