#!/bin/bash
# Stand-in for the new image's reload script.
pidfile=/run/container/processes/keepalived.pid
if [ ! -e "$pidfile" ]; then
	container logger error "no $pidfile"
	exit 1
fi
container logger info "reloading keepalived"
kill -HUP "$(cat "$pidfile")"
