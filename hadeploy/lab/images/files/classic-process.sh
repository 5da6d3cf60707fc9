#!/bin/bash
# Stand-in for the classic keepalived service's process.
config=/usr/local/etc/keepalived/keepalived.conf
until [ -e "$config" ]; do sleep 0.1; done
# shellcheck disable=SC2086  # several arguments in one variable, as in the real image
exec /usr/local/sbin/keepalived -f "$config" --dont-fork --log-console \
	${KEEPALIVED_COMMAND_LINE_ARGUMENTS-}
