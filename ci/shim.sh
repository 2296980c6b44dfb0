#!/usr/bin/env bash
# Shows that atomics, Arc, UnsafeCell, loom, shuttle and the reclaimer are named in two places of the map only,
# sync.rs (with sync/) and reclaim.rs (with reclaim/), and that `unsafe` stands there and under raw/ only.
# So a loom build replaces every atomic there is, and the API above raw/ is safe code.
# And that the pool's core takes its locks and atomics from pool/src/sync.rs, as its loom models need.
# Plants each kind of violation in a copy first and fails if one is not caught. About a second.
# Comments are not read: doc examples may use what they like.
source "$(dirname "$0")/lib.sh"

SRC=concurrent-ordered-map/src

# matches FOLDER PATTERN PATH...: lines of code that match, outside the files and folders given last.
matches() {
    local folder=$1 pattern=$2 file hits status=1
    shift 2
    while IFS= read -r file; do
        for shim in "$@"; do
            case "${file#"$folder"/}" in "$shim" | "$shim"/*) continue 2 ;; esac
        done
        hits=$(sed -E 's,(^|[[:space:]])//.*,,' "$file" | grep -nP "$pattern") || continue
        echo "    $file:"
        echo "$hits"
        status=0
    done < <(find "$folder" -name '*.rs' | sort)
    return "$status"
}

# What names the shim's contents: `sync::` that does not follow `crate::` is std's, core's or loom's, however
# the `use` is grouped; `mod sync;` is ours.
NAMES='(?<!crate::)\bsync::(?!Arc\b)|(?<!mod )\bsync\s*(;|,|\}|\bas\b)|\batomic\b|\bUnsafeCell\b|\bloom\b|\bshuttle\b|\bcrossbeam\w*'
ARC='(?<!crate::)\bsync::Arc\b'
SHIM=(sync.rs sync reclaim.rs reclaim)

# check FOLDER: 0 when the folder keeps the rules. raw/tests.rs is not part of the library.
check() {
    local folder=$1 found=0
    if matches "$folder" "$NAMES" "${SHIM[@]}" raw/tests.rs; then
        echo "  ^ belongs in sync.rs or reclaim.rs; elsewhere write crate::sync::... or crate::reclaim::..."
        found=1
    fi
    # Three make none: raw/hint.rs asks whether a key's type is an Arc, and a snapshot may keep the one that its
    # caller has of the map.
    if matches "$folder" "$ARC" "${SHIM[@]}" raw/tests.rs raw/{hint,view}.rs snapshot.rs; then
        echo "  ^ an Arc belongs in sync.rs or reclaim.rs"
        found=1
    fi
    if matches "$folder" '\bunsafe\b' "${SHIM[@]}" raw; then
        echo "  ^ unsafe code belongs under raw/, in sync.rs or in reclaim.rs"
        found=1
    fi
    return "$found"
}

# caught FILE LINE: plants LINE in FILE of a fresh copy and fails unless it is caught.
caught() {
    rm -rf "${copy:?}"/*
    cp -r "$SRC" "$copy/src"
    mkdir -p "$(dirname "$copy/src/$1")"
    printf '\n%s\n' "$2" >>"$copy/src/$1"
    if check "$copy/src" >/dev/null; then fail "not caught in $1: $2"; fi
}

# The whole pool: atomics and locks by whatever path. Its core: nothing else of std's or tokio's sync, but Arc.
POOL=pool/src
POOL_NAMES='\batomic\b|\bparking_lot\b|\bloom\b'

# check_pool FOLDER: 0 when the folder keeps the rules. core/tests.rs is not part of the library.
check_pool() {
    local folder=$1 found=0
    if matches "$folder" "$POOL_NAMES" sync.rs core/loom.rs core/mod.rs core/tests.rs; then
        echo "  ^ belongs in sync.rs; elsewhere write crate::sync::..."
        found=1
    fi
    if matches "$folder/core" "$NAMES" loom.rs tests.rs mod.rs; then
        echo "  ^ belongs in sync.rs; in the core write crate::sync::..."
        found=1
    fi
    # core/mod.rs declares the models, `mod loom` with its cfg, and is held but for that.
    if grep -vE '^(#\[cfg\(all\(test, .*pool_loom|mod loom;)' "$folder/core/mod.rs" |
        sed -E 's,(^|[[:space:]])//.*,,' | grep -nP "$NAMES|$POOL_NAMES"; then
        echo "  ^ in core/mod.rs: belongs in sync.rs"
        found=1
    fi
    return "$found"
}

# caught_in_pool FILE LINE: as `caught`, in the pool.
caught_in_pool() {
    rm -rf "${copy:?}"/*
    cp -r "$POOL" "$copy/src"
    printf '\n%s\n' "$2" >>"$copy/src/$1"
    if check_pool "$copy/src" >/dev/null; then fail "not caught in the pool's $1: $2"; fi
}

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
[ -d "$SRC" ] || fail "$SRC is not there"

check "$SRC" || fail "the lines above break the shim"

caught planted.rs 'use std::sync::atomic::AtomicUsize;'
caught planted.rs 'use core::sync::atomic::{AtomicUsize, Ordering};'
caught planted.rs 'use std::{fmt, sync::atomic};'
caught planted.rs 'use std::{fmt, sync};'
caught planted.rs 'use std::sync as lent;'
caught planted.rs 'use std::{
    cell::UnsafeCell,
};'
caught planted.rs 'use std::sync::Arc; // a comment'
caught raw/planted.rs 'use loom::thread;'
caught planted.rs 'fn f() { shuttle::thread::yield_now() }'
caught raw/planted.rs 'fn f() { std::sync::atomic::fence(Ordering::SeqCst) }'
caught raw/planted.rs 'let guard = crossbeam_epoch::pin();'
caught planted.rs 'fn f(p: *const u8) -> u8 { unsafe { *p } }'
caught planted/deeper.rs 'unsafe impl Sync for Planted {}'
caught reclaimed.rs 'unsafe fn planted() {}'

check_pool "$POOL" || fail "the lines above break the pool's shim"

caught_in_pool shared.rs 'use std::sync::atomic::AtomicUsize;'
caught_in_pool db/planted.rs 'static HELD: parking_lot::Mutex<()> = parking_lot::Mutex::new(());'
caught_in_pool core/queue.rs 'use std::sync::Mutex;'
caught_in_pool core/queue.rs 'use tokio::sync::Notify;'
caught_in_pool core/mod.rs 'use std::{fmt, sync};'
caught_in_pool core/mod.rs 'use std::sync::atomic::AtomicBool;'

echo "shim: $SRC and $POOL keep the rules, and 20 planted violations were caught"
