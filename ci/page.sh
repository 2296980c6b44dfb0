#!/usr/bin/env bash
# Shows in a real browser, headless Chromium, that the stats page of the example `service` draws what it is
# told: first statistics that have everything in them, and names that would be markup (ci/page/stats.json), and
# then those of the service itself under load, with a picture of both in target/page/.
# Plants faults in the page first and fails if they are not seen: text put in as markup, a wrong address, parts
# that are left out. Two minutes, most of it building; --short is the same.
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
        '<section id="breaker">' 'half-open' '<td class="number">1.5 s</td>' 'primary, replica' \
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

cargo build --quiet -p pool --example service || fail "the example does not build"
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
# The demo's tide is high after ten seconds.
picture load 1280 1100 12 "$service" || fail "no picture"
shown=$(dom "$service")
has "$shown" '<h1>notes</h1>' '<section id="connections">' '<span>conn_1_' 'class="slot in-use"' \
    'service/demo.rs:' '<section id="times">' '<section id="tenants">' '<span>acme</span>' || fail "the page does not show the service's statistics"
echo "page: drawn in $(chromium --version 2>/dev/null | grep -o 'Chromium [0-9.]*'); pictures in $pictures/"
