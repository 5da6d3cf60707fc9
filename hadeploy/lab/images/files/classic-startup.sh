#!/bin/bash
# Stand-in for the classic keepalived service's start: fill the copied configuration in once, delete
# stale virtual addresses, link the configuration unless there is one, forget a stale pid file.
set -e
config=$CONTAINER_SERVICE_DIR/keepalived/assets/keepalived.conf
live=/usr/local/etc/keepalived/keepalived.conf
done_once=$CONTAINER_STATE_DIR/docker-keepalived-first-start-done

listed() {
	local text=${1#'#PYTHON2BASH:'}
	text=${text#'#JSON2BASH:'}
	printf '%s ' "${text//[\[\]\'\",]/ }"
}

if [ ! -e "$done_once" ]; then
	# Fails on a file mounted read-only, as in the real image.
	sed -i \
		-e "s|{{ KEEPALIVED_INTERFACE }}|$KEEPALIVED_INTERFACE|g" \
		-e "s|{{ KEEPALIVED_STATE }}|$KEEPALIVED_STATE|g" \
		-e "s|{{ KEEPALIVED_ROUTER_ID }}|$KEEPALIVED_ROUTER_ID|g" \
		-e "s|{{ KEEPALIVED_PRIORITY }}|$KEEPALIVED_PRIORITY|g" \
		-e "s|{{ KEEPALIVED_PASSWORD }}|$KEEPALIVED_PASSWORD|g" \
		-e "s|{{ KEEPALIVED_UNICAST_PEERS }}|$(listed "$KEEPALIVED_UNICAST_PEERS")|g" \
		-e "s|{{ KEEPALIVED_VIRTUAL_IPS }}|$(listed "$KEEPALIVED_VIRTUAL_IPS")|g" \
		-e "s|{{ KEEPALIVED_NOTIFY }}|${KEEPALIVED_NOTIFY:+notify \"$KEEPALIVED_NOTIFY\"}|g" \
		"$config"
	touch "$done_once"
fi

/container/tool/delete-virtual-addresses
[ -e "$live" ] || ln -sf "$config" "$live"
rm -f /run/keepalived.pid
