#!/usr/bin/env bash
# Makes everything that the lake needs, once: .venv (locked Python packages), a Java runtime, .jars, Spark's conf.
# Run again, it finds all in place within a second and touches no network.
#
#   scripts/setup.sh          all of it
#   scripts/setup.sh python   only .venv, which is enough for lint
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf 'set-up: %s\n' "$*" >&2; }
die() { printf 'set-up: %s\n' "$*" >&2; exit 2; }
can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }
hash_of() { cat "$@" | cksum | tr ' ' '-'; }

# One set-up at a time in a checkout: `make -j demo test` must not fill .venv twice.
if command -v flock >/dev/null; then
    mkdir -p build
    exec 9> build/.setup.lock
    flock 9
fi

# shellcheck source=scripts/find.sh
source scripts/find.sh

apt_install() { # the packages, first that exists wins
    say "installing $* with apt"
    apt-get update -qq >&2 || true
    local package
    for package in "$@"; do
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >&2 && return 0
    done
    return 1
}

make_venv() {
    local python
    python=$(find_python) || die "$(python_wanted)"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        local version
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        can_apt && apt_install "python$version-venv" python3-venv \
            || die "$python cannot make virtual environments: install python$version-venv and run this again."
    fi
    say "making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
}

install_python() {
    local wanted quiet=-q
    wanted="$PWD $(hash_of requirements.lock pyproject.toml)"
    [ -x .venv/bin/python ] && [ "$(cat .venv/.installed 2>/dev/null)" = "$wanted" ] && return
    # A .venv that was moved here from elsewhere, or whose Python is gone, does not run.
    .venv/bin/python -c "import sys; sys.exit(sys.prefix != '$PWD/.venv')" 2>/dev/null || make_venv
    rm -f .venv/.installed
    [ -t 2 ] && quiet=
    say "installing the packages of requirements.lock into .venv (about 600 MB, some minutes)"
    # pyspark comes as source only: its build tool first, from the lock too, so that nothing unpinned is fetched.
    awk '/^[a-z]/ {on = /^setuptools==/} on' requirements.lock > .venv/build.lock
    .venv/bin/python -m pip install $quiet --no-input --require-hashes -r .venv/build.lock >&2
    .venv/bin/python -m pip install $quiet --no-input --no-build-isolation --require-hashes -r requirements.lock >&2
    .venv/bin/python -m pip install $quiet --no-input --no-build-isolation --no-deps --no-index -e . >&2
    printf '%s\n' "$wanted" > .venv/.installed
}

install_java() {
    JAVA_HOME=$(find_java) && return
    if can_apt; then
        apt_install openjdk-17-jre-headless openjdk-21-jre-headless || true
        JAVA_HOME=$(find_java) && return
    fi
    die "Spark needs a full Java 17 or 21 runtime and none was found: install one (Debian, Ubuntu: openjdk-17-jre-headless; others: adoptium.net), or set JAVA_HOME to it."
}

fill_jars() {
    .venv/bin/python scripts/jars.py check && return
    say "fetching Delta's and S3's jars into .jars (25 MB)"
    JAVA_HOME="$JAVA_HOME" .venv/bin/python scripts/jars.py fill
}

put() { # stdin to the file $1, touched only where it changes
    local new
    new=$(cat)
    [ "$(cat "$1" 2>/dev/null)" = "$new" ] || printf '%s\n' "$new" > "$1"
}

configure_spark() { # into the .venv's Spark, so that `python jobs/x.py` and `spark-submit jobs/x.py` read the same
    local conf
    conf=$(echo .venv/lib/python3.*/site-packages/pyspark)/conf
    mkdir -p "$conf"
    { cat conf/spark-defaults.conf
      printf 'spark.driver.extraClassPath %s/*\nspark.executor.extraClassPath %s/*\n' "$PWD/.jars" "$PWD/.jars"
    } | put "$conf/spark-defaults.conf"
    put "$conf/log4j2.properties" < conf/log4j2.properties
    printf 'JAVA_HOME=%q\n' "$JAVA_HOME" | put "$conf/spark-env.sh"
}

install_python
if [ "${1:-all}" != python ]; then
    install_java
    configure_spark
    fill_jars
fi
