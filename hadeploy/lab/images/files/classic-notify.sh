#!/bin/bash
# Stand-in for the classic notify script: says the new state where `docker logs` shows it.
echo "keepalived: $1 $2 is now $3" >/proc/1/fd/1
