# Sourced by ./run and ./test: installs what is missing on a fresh Debian and says what it does.
# Nothing here needs anything but a shell, a network and the right to install.

say() { printf '== %s\n' "$*"; }

# apt packages by the command or file that shows that they are there
need() { # need PACKAGE TEST...
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}

install_missing() {
    [ -z "$missing" ] && return 0
    say "installing with apt:$missing"
    local sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    export DEBIAN_FRONTEND=noninteractive
    $sudo apt-get update -qq
    # shellcheck disable=SC2086 # a list of words
    $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

setup_rust() {
    missing=
    need build-essential sh -c 'command -v cc && command -v make'
    need curl command -v curl
    need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
    install_missing
    [ -e "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"
    if ! command -v cargo >/dev/null; then
        say "installing Rust with rustup (no cargo here)"
        curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
            sh -s -- -y --profile minimal --default-toolchain none >/dev/null
        . "$HOME/.cargo/env"
    fi
    # rust-toolchain.toml says which one; the first call fetches it where it is missing
    say "using $(cargo --version)"
}

setup_python() {
    missing=
    need python3 command -v python3
    need python3-venv python3 -c 'import venv, ensurepip'
    install_missing
    local wanted stamp=.venv/requirements.sha256
    wanted=$(sha256sum tests/python/requirements.txt)
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        say "installing the Python clients of tests/python/requirements.txt in .venv"
        rm -rf .venv
        python3 -m venv .venv
        .venv/bin/pip install --quiet --disable-pip-version-check -r tests/python/requirements.txt
        echo "$wanted" >"$stamp"
    fi
}
