# shellcheck shell=sh
# Receive the adverts of the other nodes.
# Requires: addresses.sh answer.sh
# Inputs: HD_CLUSTER HD_ROOT

# It prints `live` if a node sends adverts with the VRRP settings of the first file, `former` for those of
# the second file, and nothing if no such advert arrives in time. It ignores adverts of other routers.
# A raw socket gets each VRRP packet (protocol 112) with its IPv4 header, or without an IPv6 header (raw(7)).
# A packet contains the settings that all nodes must share: RFC 3768, 5.3, and RFC 5798, 5.2.
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
    # Priority 0: the holder gives up the VIP.
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

# settings_in_adverts [SECONDS]: which settings the adverts of the other nodes have: live, former, or none.
settings_in_adverts() {
    perl -e "$listening_program" "${1:-$(listening_seconds)}" "$HD_ROOT/keepalived/keepalived.conf" \
        "$HD_ROOT/.undo/keepalived/keepalived.conf" 2>/dev/null
}

# listening_seconds: three times the longer advert interval, and a margin.
listening_seconds() {
    sed -n 's/^ *advert_int \([0-9]*\).*/\1/p' "$HD_ROOT/keepalived/keepalived.conf" \
        "$HD_ROOT/.undo/keepalived/keepalived.conf" 2>/dev/null | sort -n | {
        hd_interval=1
        while read -r hd_seconds; do hd_interval=$hd_seconds; done
        printf '%s\n' "$((3 * hd_interval + 4))"
    }
}

# listen_ahead SECONDS: starts to listen in the background, for hears_holder: the first advert arrives before
# the VIP answers, and the next advert only after the interval.
listen_ahead() {
    hd_ahead_file=/run/hadeploy/$HD_CLUSTER.heard
    ! have perl || settings_in_adverts "$1" </dev/null >"$hd_ahead_file" 2>/dev/null 8>&- &
}

# hears_holder PORT ADDRESS...: whether the adverts of the holder arrive here; true if no other node answers on
# the VIP. Without them, this node would also become a holder.
hears_holder() {
    hd_ahead=
    [ -z "${hd_ahead_file-}" ] || {
        hd_ahead=$(cat "$hd_ahead_file" 2>/dev/null)
        rm -f "$hd_ahead_file"
    }
    [ "$hd_ahead" != live ] && ! all_here "$2" && have perl && tcp_opens "$2" "$1" || return 0
    # The adverts may have only just begun, or the holder may have only just failed.
    [ "$(settings_in_adverts)" != live ] && tcp_opens "$2" "$1" || return 0
    printf '%s answers, but no VRRP advert of its holder arrives here within %s s:\n%s\n' \
        "$2" "$(listening_seconds)" \
        'does the network, or a firewall, drop IP protocol 112 (or multicast) between the nodes?'
    return 1
}
