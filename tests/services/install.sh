#!/bin/bash
# Installs the Debian packages of the services that tests use. Quick when they are there.
# Tests start servers of their own, so the daemons of these packages are kept from starting.
set -euo pipefail

packages=(mosquitto mosquitto-clients postgresql chromium nginx fonts-liberation
    default-jre-headless maven kcat)

missing=()
for package in "${packages[@]}"; do
    state=$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null || true)
    [[ $state == installed ]] || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
    echo "services: all there (${packages[*]})"
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "services: this machine has no apt-get; install by other means: ${missing[*]}" >&2
    exit 1
fi

as_root=()
if ((EUID != 0)); then
    command -v sudo >/dev/null || {
        echo "services: run as root, or install sudo, to install: ${missing[*]}" >&2
        exit 1
    }
    as_root=(sudo)
fi

# policy-rc.d is how Debian is told not to start services while packages are installed.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
install=(env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends)
echo "services: installing ${missing[*]}"
"${as_root[@]}" apt-get update --quiet
"${as_root[@]}" "${install[@]}" "${missing[@]}" </dev/null
