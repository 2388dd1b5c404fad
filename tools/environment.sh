#!/bin/sh
# Makes a virtual environment in the folder named by the first argument, with the first of $PYTHONS that is
# 3.11 or newer; says in one paragraph what is missing where there is none. Installs nothing into it.
set -eu
folder=$1

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

python=
found=
for candidate in $PYTHONS; do
    command -v "$candidate" >/dev/null 2>&1 || continue
    if new_enough "$candidate"; then
        python=$candidate
        break
    fi
    if version=$("$candidate" --version 2>&1); then
        found="$found $candidate ($version)"
    fi
done

if [ -z "$python" ]; then
    echo "No Python that is new enough is on the PATH; found:${found:- none}." \
        "Pellucid needs Python 3.11 or newer." \
        "Install one (on Debian or Ubuntu: apt-get install python3 python3-venv) and run make again," \
        "or name one: make PYTHONS=/path/to/python3 ..." >&2
    exit 2
fi

if "$folder/bin/python" -c 'import pip' >/dev/null 2>&1 && new_enough "$folder/bin/python"; then
    exit 0
fi
if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    # Debian keeps the venv module in a package of its own.
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        apt-get update -qq
        apt-get install -y -qq python3-venv
    else
        echo "$python has no venv module (Debian and Ubuntu keep it in a package of its own)." \
            "Pellucid is installed into a virtual environment in this folder." \
            "Run: sudo apt-get install python3-venv, and then make again." >&2
        exit 2
    fi
fi
echo "Making $folder with $("$python" --version); the packages take a few minutes the first time." >&2
"$python" -m venv --clear "$folder"
