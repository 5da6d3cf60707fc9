# shellcheck shell=sh
# The track files, which keep the VIP off the node.
# Inputs: HD_ROOT

# In a track file, any number except 0 keeps the VIP off the node. This one marks a node that is not fit for
# the VIP; guard.sh does not reset it.
KEPT_OFF=2

# keep_off: for a node that cannot return to its former VRRP settings, because its peers have other settings.
keep_off() { set_track handover "$KEPT_OFF" && emit kept-off; }

# set_track FILE NUMBER: writes in place, since keepalived watches the file and not its name. It follows no
# link: a link of the container must not lead to a file of the node.
set_track() {
    printf '%s\n' "$2" |
        dd of="$HD_ROOT/track/$1" oflag=nofollow,nonblock conv=fsync status=none
}

drained() {
    for hd_track in drain handover; do
        # A missing file counts as 0.
        case $(track_value "$hd_track") in 0 | '') ;; *) return 0 ;; esac
    done
    return 1
}

# track_value NAME: the container of keepalived can write these files.
track_value() { read_at_most 64 "$HD_ROOT/track/$1"; }
