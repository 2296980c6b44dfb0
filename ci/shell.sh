#!/usr/bin/env bash
# Shows that the shell scripts of .ci/ and ci/ parse and have no finding of shellcheck's, and that every
# script in ci/ but lib.sh is executable, so that .ci/run does run it.
# Plants a fault in a script first and fails if shellcheck does not see it. A few seconds.
source "$(dirname "$0")/lib.sh"

need shellcheck shellcheck

# SC2016 takes every single-quoted $ or backquote for a forgotten expansion.
check() {
    bash -n "$1" && shellcheck --shell=bash --external-sources --source-path=SCRIPTDIR --exclude=SC2016 "$1"
}

planted=$(mktemp)
trap 'rm -f "$planted"' EXIT
echo 'rm -r $1/x' >"$planted"
if check "$planted" >/dev/null; then fail "an unquoted variable was not seen"; fi

for script in .ci/run ci/*.sh; do
    check "$script" || fail "$script"
    [ "$script" = ci/lib.sh ] || [ -x "$script" ] || fail "$script is not executable: chmod +x $script"
done
echo "shell: the scripts parse and shellcheck finds nothing"
