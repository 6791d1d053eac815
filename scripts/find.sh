# Sourced by setup.sh: finds a Python and a Java that will do, and says which.

python_ok() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' >/dev/null 2>&1; }
has_venv() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }
python_wanted() { echo "Python 3.11 to 3.14 is needed and none was found on PATH: install one, or name it with PYTHON=/path/to/python."; }

find_python() { # prints one that will do; one that can make a virtual environment before one that cannot
    local candidate second=
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3.14 python3 python}; do
        python_ok "$candidate" || continue
        if has_venv "$candidate"; then
            echo "$candidate"
            return
        fi
        second=${second:-$candidate}
    done
    [ -n "$second" ] && echo "$second"
}

java_ok() { # $1 is a Java home. Spark starts the JVM with a module that trimmed runtimes lack.
    local major
    [ -x "$1/bin/java" ] || return 1
    major=$("$1/bin/java" -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java.specification.version = //p')
    case $major in
        17 | 21) "$1/bin/java" --list-modules 2>/dev/null | grep -q '^jdk.incubator.vector' ;;
        *) return 1 ;;
    esac
}

java_places() { # one Java home a line, likeliest first
    [ -n "${JAVA_HOME:-}" ] && echo "$JAVA_HOME"
    local java
    java=$(command -v java) && java=$(readlink -f "$java") && dirname "$(dirname "$java")"
    [ -x /usr/libexec/java_home ] && { /usr/libexec/java_home -v 17; /usr/libexec/java_home -v 21; } 2>/dev/null
    local root
    for root in ${JAVA_PLACES:-/usr/lib/jvm /usr/java /opt /opt/java "$HOME/.sdkman/candidates/java" /Library/Java/JavaVirtualMachines}; do
        printf '%s\n' "$root"/* "$root"/*/Contents/Home
    done
}

find_java() {
    local home
    while IFS= read -r home; do
        if java_ok "$home"; then
            echo "$home"
            return
        fi
    done < <(java_places)
    return 1
}
