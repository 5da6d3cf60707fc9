#!/bin/bash
# Stand-in for what the classic image does before keepalived starts and after it ended: every IPv4
# address in KEEPALIVED_VIRTUAL_IPS is deleted from the interface that has it. Only an address
# without a broadcast address (as keepalived sets them) is found; so it is in the real image.
values=${KEEPALIVED_VIRTUAL_IPS-}
values=${values#'#PYTHON2BASH:'}
values=${values#'#JSON2BASH:'}
for value in ${values//[\[\]\'\",]/ }; do
	address=${value%%/*}
	line=$(ip addr list | grep -F "$address") || continue
	case $line in *inet6*) continue ;; esac
	# shellcheck disable=SC2086  # the fifth word of the line is what is wanted
	set -- $line
	ip addr del "$address" dev "${5-}" 2>/dev/null
done
exit 0
