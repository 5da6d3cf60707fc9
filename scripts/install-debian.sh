#!/bin/sh
# Install the Debian packages of the lab that are missing; with --tests, also those of the tests.
#
# A temporary policy-rc.d prevents the packages from starting services; an existing policy-rc.d is
# kept. Needs root, unless all packages are installed.
set -eu

packages='python3-venv docker.io openssh-server openssh-client iproute2 mmdebstrap curl procps
ca-certificates sudo'
[ "${1:-}" = --tests ] && packages="$packages haproxy keepalived shellcheck docker-registry skopeo tcsh nftables ipset
fish chromium chromium-driver"
mark='# created by hadeploy, install-debian.sh'
policy=/usr/sbin/policy-rc.d

missing_packages() {
	for package in $packages; do
		# ${db:…} is a dpkg format, not a variable of the shell.
		# shellcheck disable=SC2016
		status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || :)
		[ "$status" = installed ] || printf '%s ' "$package"
	done
}

forbid_services() {
	# The file with the mark may be left over from a killed run.
	[ -e "$policy" ] && ! grep -q "$mark" "$policy" && return
	trap 'rm -f "$policy"' EXIT
	trap 'exit 130' INT TERM HUP
	printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
	chmod 755 "$policy"
}

missing=$(missing_packages)
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
	echo "install-debian.sh: this is not Debian; install the equivalents of: $missing" >&2
	exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "install-debian.sh: needs root to install: $missing" >&2
	exit 1
fi

forbid_services
export DEBIAN_FRONTEND=noninteractive
# Another apt (first boot, unattended upgrades) may hold the lock.
apt() { apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -q -y "$@"; }
apt update
# shellcheck disable=SC2086  # a list of words
apt install --no-install-recommends $missing
