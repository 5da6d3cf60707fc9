#!/bin/sh
# Stand-in for the entrypoint of the official haproxy image: options alone, or a command that begins
# with "haproxy", run haproxy as a master with workers, in the foreground; anything else runs as is.
set -e
case ${1-} in
-*) exec haproxy -W -db "$@" ;;
haproxy)
	shift
	exec haproxy -W -db "$@"
	;;
*) exec "$@" ;;
esac
