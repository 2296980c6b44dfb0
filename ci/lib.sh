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

# The name of the installed nightly toolchain; nothing, and not 0, where there is none.
nightly() {
    command -v rustup >/dev/null || return 1
    rustup toolchain list | grep -o -m 1 '^nightly[^ ]*'
}
