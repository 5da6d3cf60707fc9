#!/bin/bash
# Stand-in for the classic keepalived service's end.
exec /container/tool/delete-virtual-addresses
