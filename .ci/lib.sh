# What .ci/run and .ci/long share: packages, reference data, steps and counting. Sourced by bash.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
work=${CEPMAN_CI_DIR:-$root/build-ci}
mkdir -p "$work"
passed=0
failed=0
failures=()

export LC_ALL=C.UTF-8
export CLICOLOR=0
unset DESTDIR CFLAGS CXXFLAGS CPPFLAGS LDFLAGS || true

# What README.md tells everybody to install, and what the checks need beside it.
read -r -a packages <<<"$(grep -m1 -o 'apt-get install -y [a-z0-9. +-]*' "$root/README.md" | sed 's/apt-get install -y //')"
packages+=(libhdf5-dev libblosc-dev zlib1g-dev libzstd-dev libopenmpi-dev openmpi-bin chromium clang clang-format abigail-tools
    binutils locales cmake groff doxygen
    python3-numpy python3-pip python3-setuptools python3-wheel)

# What Debian 12 has under these names; nothing is fetched when all of them are there.
install_packages() {
    local wanted=() name
    for name in "$@"; do
        dpkg-query -W -f='${db:Status-Abbrev}' "$name" 2>/dev/null | grep -q '^ii' || wanted+=("$name")
    done
    [ ${#wanted[@]} -eq 0 ] && return 0
    echo "== installing ${wanted[*]}"
    local sudo=()
    [ "$(id -u)" -eq 0 ] || sudo=(sudo)
    export DEBIAN_FRONTEND=noninteractive
    "${sudo[@]}" apt-get update -q || return 1
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${wanted[@]}"
}

# Locales with a decimal comma and with a mark of two bytes, for the tests of numbers as text; beside the builds, as the
# package has their sources alone.
make_locales() {
    local name
    mkdir -p "$work/locale"
    for name in de_DE ps_AF; do
        [ -d "$work/locale/$name.UTF-8" ] || localedef -i "$name" -f UTF-8 "$work/locale/$name.UTF-8" || return 1
    done
    export LOCPATH=$work/locale
}

# The reference data lie beside the checkout, where there are any. This is the one place that knows where.
find_reference_data() {
    local beside
    beside=$(cd "$root/.." && pwd)/shared
    if [ -d "$beside/realdata" ]; then
        export CEPMAN_TEST_DATA=$beside/realdata
    else
        echo "== skipped: tests on real detector files ($beside/realdata is not there)"
    fi
    if [ -d "$beside/oracle" ]; then
        export CEPMAN_ORACLE=$beside
    else
        echo "== skipped: tests against reference results ($beside/oracle is not there)"
    fi
}

good() { passed=$((passed + 1)); echo "== passed: $1"; }
bad() { failed=$((failed + 1)); failures+=("$1"); echo "== FAILED: $1"; }

# step NAME COMMAND...: one thing that must succeed.
step() {
    local name=$1 start=$SECONDS
    shift
    echo "== $name"
    if "$@"; then good "$name ($((SECONDS - start)) s)"; else bad "$name ($((SECONDS - start)) s)"; fi
}

# tests NAME BUILD_DIR COMMAND...: runs a command that runs meson's tests in BUILD_DIR and counts each subtest.
tests() {
    local name=$1 build=$2 start=$SECONDS code=0 line p f
    shift 2
    echo "== $name"
    rm -f "$build/meson-logs/testlog.json"
    "$@" || code=$?
    line=$(python3 "$root/.ci/count.py" "$build/meson-logs/testlog.json") || line="0 0"
    read -r p f _ <<<"$line"
    # A run that ends badly, or runs nothing, has failed whatever the log says.
    if { [ "$code" -ne 0 ] && [ "$f" -eq 0 ]; } || [ $((p + f)) -eq 0 ]; then f=$((f + 1)); fi
    passed=$((passed + p))
    failed=$((failed + f))
    [ "$f" -eq 0 ] || failures+=("$name")
    echo "== $name: $p passed, $f failed, exit code $code ($((SECONDS - start)) s)"
}

# The last line is the sum; the exit code says the same.
finish() {
    local name
    for name in "${failures[@]}"; do echo "== failed: $name"; done
    echo "== $SECONDS seconds"
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
    exit $?
}
