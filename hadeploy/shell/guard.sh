# shellcheck shell=sh
# A node that is held back during a change of all nodes ends that state by itself if the run is
# interrupted. Requires report.sh, lock.sh, keepalived.sh, apply.sh, restore.sh, handover.sh, backends.sh.
# Inputs: HD_ROOT, HD_KEEPALIVED, HD_LOCK, HD_HEALTH_PORT, HD_LISTENERS.

# Within how many seconds after its script has begun the holder changes to the new settings.
IN_TIME_SECONDS=30

# A run has begun the holder's script before it ended, at the latest while its lock was in force there. Locks
# are renewed every 20 s (run/lock.py), so the holder's expires at most so much later than this node's.
UNDECIDED_SECONDS=60

# It prints `live` if a node sends adverts with the VRRP settings of the first file, `former` for the
# second one, and nothing if no advert of either arrives in time. Adverts of other routers do not count.
# A raw socket gets each VRRP packet (protocol 112) with its IPv4 header; for IPv6 without any (raw(7)).
# A packet holds the settings in which nodes must agree: RFC 3768, 5.3, and RFC 5798, 5.2.
# shellcheck disable=SC2016  # expanded by perl
listening_program='
use strict;
my ($seconds, @files) = @ARGV;
my ($end, %settings, %interfaces) = (time + $seconds);
my $six;
sub key { join " ", @_ }
for my $number (0, 1) {
    open my $file, "<", $files[$number] or next;
    local $/;
    my $text = <$file>;
    my ($router) = $text =~ /^\s*virtual_router_id (\d+)/m or next;
    my ($version) = $text =~ /^\s*vrrp_version (\d)/m;
    my ($interval) = $text =~ /^\s*advert_int ([\d.]+)/m;
    my ($password) = $text =~ /^\s*auth_pass "([^"]*)"/m;
    my ($interface) = $text =~ /^\s*interface (\S+)/m;
    my ($block) = $text =~ /^\s*virtual_ipaddress \{(.*?)\}/ms;
    my @vips = $block =~ m{^\s*([0-9a-fA-F.:]+)/}mg;
    $six = 1 if grep /:/, @vips;
    my $mode = $text =~ /^\s*unicast_peer/m ? "unicast" : "multicast";
    $mode = "" if $six;
    my $found = key $router, $version, 100 * $interval, $mode, $version == 2 ? substr($password, 0, 8) : "",
        sort map { packed($_) } @vips;
    $settings{$found} ||= $number ? "former" : "live";
    $interfaces{$interface} = 1;
}
sub packed {
    my ($text) = @_;
    return unpack "H*", pack "C4", split /\./, $text unless $text =~ /:/;
    my ($head, $tail) = map { [split /:/] } split /::/, $text, 2;
    $tail ||= [];
    unpack "H*", pack "n8", map { hex } @$head, (0) x (8 - @$head - @$tail), @$tail;
}
socket my $adverts, $six ? 10 : 2, 3, 112 or exit;
for my $interface (keys %interfaces) {
    open my $file, "<", "/sys/class/net/$interface/ifindex" or next;
    my $index = <$file>;
    # ff02::12 and 224.0.0.18: only members of the group get its packets.
    if ($six) { setsockopt $adverts, 41, 20, pack "H32 L", "ff020000000000000000000000000012", $index }
    else { setsockopt $adverts, 0, 35, pack "C4 x4 l", 224, 0, 0, 18, $index }
}
while ((my $left = $end - time) > 0) {
    my $ready = "";
    vec($ready, fileno $adverts, 1) = 1;
    next if select($ready, undef, undef, $left) < 1;
    recv $adverts, my $packet, 1500, 0;
    my $mode = "";
    if (!$six) {
        $mode = substr($packet, 16, 1) eq "\xe0" ? "multicast" : "unicast";
        $packet = substr $packet, 4 * (15 & ord $packet);
    }
    next if length $packet < 8;
    my ($kind, $router, $priority, $count, $auth, $interval) = unpack "C6", $packet;
    # Priority 0 is a farewell.
    next unless ($kind & 15) == 1 && $priority;
    my ($version, $size, $password) = ($kind >> 4, $six ? 16 : 4, "");
    if ($version == 2) {
        $interval *= 100;
        ($password) = unpack "Z8", substr $packet, 8 + $size * $count if $auth == 1;
    } else {
        $interval += 256 * ($auth & 15);
    }
    next if length $packet < 8 + $size * $count;
    my @vips = map { unpack "H*", substr $packet, 8 + $size * $_, $size } 0 .. $count - 1;
    my $found = $settings{key $router, $version, $interval, $mode, $password, sort @vips} or next;
    print "$found\n";
    exit;
}
'

# spoken: whose settings are in the adverts of the other nodes: live, former or neither.
spoken() {
    perl -e "$listening_program" "$(listening_seconds)" "$HD_ROOT/keepalived/keepalived.conf" \
        "$HD_ROOT/.undo/keepalived/keepalived.conf" 2>/dev/null
}

# listening_seconds: three adverts of the longer interval, and a second.
listening_seconds() {
    sed -n 's/^ *advert_int \([0-9]*\).*/\1/p' "$HD_ROOT/keepalived/keepalived.conf" \
        "$HD_ROOT/.undo/keepalived/keepalived.conf" 2>/dev/null | sort -n | {
        hd_interval=1
        while read -r hd_seconds; do hd_interval=$hd_seconds; done
        printf '%s\n' "$((3 * hd_interval + 4))"
    }
}

held_back() { [ "$(cat "$HD_ROOT/track/handover" 2>/dev/null)" = 1 ]; }

# abandoned: whether no run has the lock and no script is at work.
abandoned() {
    ! { lock_look && ! lock_expired; } && ! still_working
}

# guard: starts in the background and ends when the node is not held back any more.
guard() {
    # shellcheck disable=SC2154  # lock.sh
    (
        trap - EXIT
        flock -n 7 || exit 0
        HD_LOCK=$HD_LOCK-guard
        # shellcheck disable=SC2034  # lock.sh
        HD_PURPOSE='ending an interrupted change' HD_PROCESS=''
        hd_since=
        while held_back; do
            nap
            if abandoned; then
                # Nothing tells it which settings count.
                settled || have perl || exit 0
                hd_since=${hd_since:-$(uptime_seconds)}
                end_abandoned "$hd_since"
            else
                hd_since=
            fi
        done
    ) 7>"$lock_file.guard" 8>&- </dev/null >/dev/null 2>&1 &
}

# end_abandoned SINCE: as the only writer, with the settings of the node that has the VIP. As long as that node
# may still change to the new ones, only those count.
end_abandoned() {
    hd_spoken=$(spoken)
    if [ "$hd_spoken" != live ] && [ "$(uptime_seconds)" -lt $(($1 + UNDECIDED_SECONDS)) ]; then
        return 0
    fi
    exec 8>"$lock_file.busy"
    if flock -n 8 && alone lock_try; then
        if held_back && supplied; then rejoin "$hd_spoken"; fi
        alone lock_drop
    fi
    exec 8>&-
}

# supplied: whether each listener that served clients has a backend here: this node may win the VIP.
supplied() {
    # shellcheck disable=SC2034  # backends.sh
    hd_rows=$(results_from "$HD_HEALTH_PORT" "$(recorded health_port)")
    for hd_listener in $HD_LISTENERS; do
        hd_name=${hd_listener%%=*}
        cut -d ' ' -f 1 "$HD_ROOT/served" 2>/dev/null | grep -qxF "$hd_name" || continue
        ! has_rows "$hd_name-backend" || has_result "$hd_name-backend/" up || return 1
    done
}

# in_time COMMAND...: the holder's own change to the new settings, which comes soon after its script has begun
# or not at all.
in_time() {
    # shellcheck disable=SC2154  # apply.sh
    if [ "$(uptime_seconds)" -gt $((hd_begun + IN_TIME_SECONDS)) ]; then
        printf 'not begun within %s s: the other nodes may not wait for it any longer\n' "$IN_TIME_SECONDS"
        return 1
    fi
    "$@"
}

# settled: whether the node has no other settings to return to.
settled() { [ ! -d "$HD_ROOT/.undo" ] || same_router; }

# rejoin SPOKEN: if no node sends adverts, all nodes that are held back return to the former settings.
rejoin() {
    if [ "$1" = live ] || settled; then
        set_track handover 0
    else
        HD_TOGETHER=yes put_back
    fi
}
