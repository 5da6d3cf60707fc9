#!/bin/bash
# Stand-in for the new image's notify script.
container logger info "VRRP $1 $2 entered $3 state" 2>/proc/1/fd/2
