#!/usr/bin/env bash
# Shows that the files and folders that the Markdown files name are there: the targets of relative links,
# and whatever stands in backquotes and has a slash or a known ending (`ci/shim.sh`, `src/raw/`, `sync.rs`).
# A path is looked up from the file's own folder, from the root and from concurrent-ordered-map/ (and its src/).
# Plants a dead link and a dead path first and fails if they are not seen. About a second.
source "$(dirname "$0")/lib.sh"

# named FILE: the paths that it names, one a line. Fenced blocks are commands and code, not names.
named() {
    local prose
    prose=$(awk '/^ *```/ { fenced = !fenced; next } !fenced' "$1")
    grep -oP '\]\(\K[^)#\s]+' <<<"$prose" | grep -vP '^[a-z]+:' || true
    grep -oP '`\K[^`\s]+(?=`)' <<<"$prose" |
        grep -P '^[.\w-]+(/[.\w*-]+)*/?$' |
        grep -P '\w/|\.(md|rs|sh|toml|txt|lock)$' || true
}

# check FILE...: 0 when everything they name is there.
check() {
    local file path base there found=0
    for file in "$@"; do
        while IFS= read -r path; do
            there=false
            for base in "$(dirname "$file")" . concurrent-ordered-map concurrent-ordered-map/src; do
                if compgen -G "$base/$path" >/dev/null; then there=true; fi
            done
            if ! $there; then
                echo "  $file names $path, which is not there"
                found=1
            fi
        done < <(named "$file" | sort -u)
    done
    return "$found"
}

planted=$(mktemp --suffix=.md)
trap 'rm -f "$planted"' EXIT
for line in 'See [the map](no-such-file.md).' 'It is in `no/such/file.rs`.' 'It is in `no_such_file.rs`.'; do
    echo "$line" >"$planted"
    if check "$planted" >/dev/null; then fail "not seen: $line"; fi
done
echo 'No file: [std](https://doc.rust-lang.org/std/), `crossbeam-epoch`, `a || b`, `K: Ord`.' >"$planted"
check "$planted" || fail "taken for a file, and is none"

mapfile -t files < <(find . \( -name 'target*' -o -name .git \) -prune -o -name '*.md' -print | sort)
check "${files[@]}" || fail "the lines above"
echo "doc-links: ${#files[@]} Markdown files name what is there"
