# shellcheck shell=sh
# The track files, by which keepalived stays off the VIP.
# Inputs: HD_ROOT

# In a track file any number but 0 keeps the VIP off the node; this one is for a node that is not fit, which
# guard.sh leaves as it is.
KEPT_OFF=2

# keep_off: its peers speak other VRRP settings than what it would go back to.
keep_off() { set_track handover "$KEPT_OFF" && emit kept-off; }

# set_track FILE NUMBER: in place, since keepalived watches the file and not its name. By no link: what the
# container puts there must not lead to a file of the node.
set_track() {
    printf '%s\n' "$2" |
        dd of="$HD_ROOT/track/$1" oflag=nofollow,nonblock conv=fsync status=none
}

drained() {
    for hd_track in drain handover; do
        # One that is missing counts as 0.
        case $(track_says "$hd_track") in 0 | '') ;; *) return 0 ;; esac
    done
    return 1
}

# track_says NAME: keepalived's container may write these files.
track_says() { read_at_most 64 "$HD_ROOT/track/$1"; }
