#!/usr/bin/env bash
# Runs the map's small tests under Miri, with stacked and with tree borrows: no undefined behaviour that Miri
# sees, in one thread's calls on tiny blocks and on the usual ones.
# Plants a use after free first (ci/planted/) and fails if Miri does not see it.
# Says SKIPPED where no nightly toolchain has Miri. Some minutes; --short is the same.
source "$(dirname "$0")/lib.sh"

toolchain=$(nightly) || toolchain=
if [ -z "$toolchain" ] || ! cargo "+$toolchain" miri --version >/dev/null 2>&1; then
    skipped "ci/miri.sh: no nightly toolchain has Miri (rustup component add miri), so nothing ran under it"
    exit 0
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/src"
cp ci/planted/use_after_free.rs "$scratch/src/lib.rs"
printf '[package]\nname = "planted"\nedition = "2024"\n[workspace]\n' >"$scratch/Cargo.toml"

for borrows in '' -Zmiri-tree-borrows; do
    # The clock and the environment are the host's. Epochs keep what the last thread retired.
    export MIRIFLAGS="$borrows -Zmiri-disable-isolation -Zmiri-ignore-leaks"
    if (cd "$scratch" && cargo "+$toolchain" miri test) >"$scratch/out" 2>&1; then
        fail "Miri did not see the planted use after free (${borrows:-stacked borrows})"
    fi
    grep -q 'Undefined Behavior' "$scratch/out" || { cat "$scratch/out"; fail "failed, but not by undefined behaviour"; }
    echo "planted use after free: caught (${borrows:-stacked borrows})"
    PROPTEST_CASES=4 cargo "+$toolchain" miri test --target-dir target-miri -p concurrent-ordered-map \
        --test model || fail "under Miri, ${borrows:-stacked borrows}: see above"
done
echo "miri: nothing reported, and the planted fault was"
