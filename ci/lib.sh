# shellcheck shell=bash
# What the scripts in this folder share. Sourced, not run: .ci/run runs the executable ones only.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

SHORT=false
case "${1-}" in
    '') ;;
    --short) SHORT=true ;;
    *) echo "usage: $0 [--short]" >&2; exit 2 ;;
esac
# Read by the scripts that source this file.
export SHORT

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# Says that something was not checked, so that nobody takes silence for a pass. .ci/run repeats it at its end.
skipped() {
    echo "SKIPPED: $*"
}

# need COMMAND PACKAGE...: installs Debian's packages when COMMAND is not there.
need() {
    local command=$1
    shift
    if command -v "$command" >/dev/null; then return; fi
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "this needs '$command' (Debian: apt-get install $*)"
    fi
    echo "installing $*"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; } >/dev/null ||
        fail "apt-get could not install $*"
}

# copy_tree FOLDER: the sources, for faults to be planted in. With what was built, cargo would take what it
# built there for this tree's own.
copy_tree() {
    tar -c --exclude='./target*' --exclude=./.git --exclude=./fuzz/target . | tar -x -C "$1"
}

# plant FILE SUBSTITUTION: a fault, as a perl substitution on one file of a copy, so that the source itself
# stays free of faults. 1 if its place has moved.
plant() {
    cp "$1" "$1.original"
    perl -0pi -e "$2" "$1"
    ! cmp -s "$1" "$1.original"
}

# unplant FILE: takes the fault away, and lets cargo see that.
unplant() {
    mv "$1.original" "$1"
    touch "$1"
}

# The name of the installed nightly toolchain; nothing, and not 0, where there is none.
nightly() {
    command -v rustup >/dev/null || return 1
    rustup toolchain list | grep -o -m 1 '^nightly[^ ]*'
}
