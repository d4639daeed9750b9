# shellcheck shell=bash
# What the scripts share: messages, the toolchain, Debian's packages. To be sourced; goes to the project's root.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

# A message for the person who waits.
say() { printf '%s\n' "$*" >&2; }

# The end, with a reason.
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# --- Packages -------------------------------------------------------------------------------------------------------

missing_packages=()

# want PACKAGE WHY PROBE...: remembers a package whose probe fails.
want() {
    local package=$1 why=$2
    shift 2
    if ! "$@" >/dev/null 2>&1; then
        say "missing: $package ($why)"
        missing_packages+=("$package")
    fi
}

is_installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }
has_program() { command -v "$1" || [[ -x /usr/sbin/$1 || -x /sbin/$1 ]]; }
has_postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' || compgen -G '/usr/pgsql-*/bin/initdb' || has_program initdb; }

# Debian keeps what venv needs in a package of its own.
has_venv() { python3 -c 'import venv, ensurepip'; }

# Runs a command as root; fails where there is no way to become root.
as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null && { [[ -t 0 && -t 2 ]] || sudo -n true 2>/dev/null; }; then
        sudo "$@"
    else
        return 77
    fi
}

# Installs the packages that want() found missing; says why it cannot.
install_missing() {
    ((${#missing_packages[@]})) || return 0
    local packages=("${missing_packages[@]}") log status=0
    missing_packages=()
    if ! command -v apt-get >/dev/null; then
        say "This is no Debian: install what is missing by the means of this system."
        return 1
    fi
    if ! as_root true; then
        say "Neither root nor sudo: have this done:  apt-get install ${packages[*]}"
        return 1
    fi
    log=$(mktemp)
    say "installing by apt: ${packages[*]}"
    apt_get_install "$log" "${packages[@]}" || status=$?
    if ((status)); then
        tail -n 25 "$log" >&2
        say "apt-get could not install: ${packages[*]}"
    fi
    rm -f "$log"
    return $((status != 0))
}

# The lists are fetched only when they are missing or lead to files that are gone.
apt_get_install() {
    local log=$1 package
    shift
    keep_from_making_a_cluster "$@" || return
    for package in "$@"; do
        if ! LC_ALL=C apt-cache policy "$package" 2>/dev/null | grep -q '^  Candidate: [^(]'; then
            apt_get update >>"$log" 2>&1 || return
            break
        fi
    done
    local status=0
    apt_get install --no-install-recommends "$@" >>"$log" 2>&1 || {
        apt_get update >>"$log" 2>&1 && apt_get install --no-install-recommends "$@" >>"$log" 2>&1
    } || status=$?
    as_root rm -f "$no_cluster"
    return "$status"
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -qq -y \
        -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

# Debian's package would start a server of its own; only the programs are wanted here, so it is told not to, for this once.
no_cluster=/etc/postgresql-common/createcluster.d/ingot-programs-only.conf
keep_from_making_a_cluster() {
    [[ " $* " == *" postgresql "* ]] || return 0
    as_root mkdir -p "${no_cluster%/*}" && echo 'create_main_cluster = false' | as_root tee "$no_cluster" >/dev/null
}

# What every build needs.
want_build_packages() {
    want git "fetches the packages that ingotd is built with" has_program git
    want ca-certificates "trusts the hosts that they come from" test -s /etc/ssl/certs/ca-certificates.crt
    want gcc "its run-time files; the Swift linker uses them" has_program gcc
    want libc6-dev "C headers" test -e /usr/include/stdio.h
    want libstdc++-12-dev "C++ headers" compgen -G '/usr/include/c++/*/vector'
    want pkg-config "finds the libraries" has_program pkg-config
    want libpq-dev "PostgreSQL's client library" pkg-config --exists libpq
    want libsystemd-dev "readiness, watchdog, journal" pkg-config --exists libsystemd
    want libssl-dev "SHA-256" pkg-config --exists 'libcrypto >= 3.0'
    want zlib1g-dev "looks into zlib, gzip and zip" test -e /usr/include/zlib.h
    want libbz2-dev "looks into bzip2" test -e /usr/include/bzlib.h
    want liblzma-dev "looks into xz and lzma" test -e /usr/include/lzma.h
    want liblz4-dev "looks into lz4" test -e /usr/include/lz4frame.h
}

# --- The toolchain --------------------------------------------------------------------------------------------------

# The compiler and the package manager, which need different libraries.
swift_runs() { swift --version >/dev/null 2>&1 && swift build --version >/dev/null 2>&1; }

# Puts swift on the PATH, or says what is missing.
find_swift() {
    local place package version
    if ! command -v swift >/dev/null; then
        for place in /opt/swift/usr/bin /usr/local/swift/usr/bin "$HOME/.local/share/swiftly/bin" "$HOME/.swiftly/bin"; do
            if [[ -x $place/swift ]]; then PATH=$place:$PATH; fi
        done
        export PATH
    fi
    command -v swift >/dev/null || die "Swift 6.3 is not installed (https://www.swift.org/install/linux/), or not on the PATH."
    if ! swift_runs; then
        # The list of https://www.swift.org/install/linux/debian/12/, as far as it is not needed anyway.
        for package in binutils libcurl4-openssl-dev libedit-dev libicu-dev libncurses-dev libpython3-dev \
            libsqlite3-dev libxml2-dev tzdata uuid-dev; do
            want "$package" "Swift itself needs it" is_installed "$package"
        done
        install_missing || die "Swift cannot run without these."
        swift_runs || die "swift does not run: $(swift build --version 2>&1 | tail -n 1)"
    fi
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p')
    if [[ $(printf '%s\n' 6.3 "$version" | sort -V | head -n 1) != 6.3 ]]; then
        die "Swift 6.3 or later is needed, $(command -v swift) is ${version:-something else}."
    fi
}
