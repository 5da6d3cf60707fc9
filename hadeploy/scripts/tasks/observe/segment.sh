# shellcheck shell=sh
# The machines of the segment that answer for the VIPs, and those that send adverts.
# Inputs: HD_LISTEN HD_NODES HD_ROOT HD_ROUTER_ID
# HD_NODES: the addresses of all nodes. HD_LISTEN: seconds to listen at least.

# It sends three ARP probes (RFC 5227, 2.1.1) or neighbour solicitations (RFC 4861, 7.2.2) for each address.
# The kernel itself would keep only one answer, and does not ask for its own addresses. An ARP probe does
# not change the ARP cache of other machines. The program also receives a copy of all VRRP packets (protocol
# 112). It prints the result after SIGUSR1, in one write, so that it does not get into another message.
# It loads no perl module, because that would take longer than the rest. A packet socket without a protocol
# receives nothing until it is bound, so binding is fast. Closing it takes the kernel several milliseconds
# (packet(7); net/packet/af_packet.c, synchronize_net): a child process does that, and nothing waits for it.
# shellcheck disable=SC2016  # expanded by perl
segment_program='
use strict;
my ($device, $router_id, $least, $record, @wanted) = @ARGV;
my ($end, $told) = (60, 0);
$SIG{USR1} = sub { $told = 1 };
sub first_line { open my $file, "<", $_[0] or exit; my $line = <$file>; chomp $line; $line }
sub uptime { (split / /, first_line("/proc/uptime"))[0] }
my $index = first_line("/sys/class/net/$device/ifindex");
my $own = first_line("/sys/class/net/$device/address");
exit unless $own =~ /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/;
my $mac = pack "H12", $own =~ tr/://dr;
# The last argument is the address of a node: adverts have its address family.
my $six = $wanted[-1] =~ /:/;
if (open my $file, "<", $record) {
    local $/;
    my $text = <$file>;
    while ($text =~ /"(?:members|forgotten)": \[(.*?)\]/gs) {
        my $list = $1;
        push @wanted, $list =~ /"([0-9a-fA-F.:]+)"/g;
    }
}
my $most = 600;
sub packed {
    my ($text) = @_;
    return pack "C4", split /\./, $text unless $text =~ /:/;
    my ($head, $tail) = map { [split /:/] } split /::/, $text, 2;
    $tail ||= [];
    pack "n8", map { hex } @$head, (0) x (8 - @$head - @$tail), @$tail;
}
sub unpacked {
    my ($address) = @_;
    return join ".", unpack "C4", $address if length $address == 4;
    join ":", map { sprintf "%x", $_ } unpack "n8", $address;
}
my %wanted = map { (packed($_) => 1) } grep { /^[0-9.]+$/ || /^[0-9a-fA-F:]+$/ } @wanted;
my %sizes = map { (length $_ => 1) } keys %wanted;
my $broadcast = pack "S n i S C C a8", 17, 0x0806, $index, 0, 0, 6, "\xff" x 6;
my ($arp, $neighbours);
if ($sizes{16}) {
    socket $neighbours, 10, 3, 58 or exit;
    setsockopt $neighbours, 1, 25, "$device\0" or exit;
    setsockopt $neighbours, 41, 17, pack "i", $index;
    setsockopt $neighbours, 41, 18, pack "i", 255;
    setsockopt $neighbours, 41, 19, pack "i", 0;
    setsockopt $neighbours, 58, 1, pack "L8", (0xffffffff) x 4, 0xfffffeff, (0xffffffff) x 3;
}
if ($sizes{4}) {
    socket $arp, 17, 2, 0 or exit;
    bind $arp, $broadcast or exit;
}
socket my $adverts, $six ? 10 : 2, 3, 112 or exit;
setsockopt $adverts, 1, 25, "$device\0" or exit;
sub ask {
    for my $target (sort keys %wanted) {
        if (length $target == 16) {
            my $group = pack("H26", "ff0200000000000000000001ff") . substr $target, 13;
            my $solicitation = pack "C C n N a16 C C a6", 135, 0, 0, 0, $target, 1, 1, $mac;
            send $neighbours, $solicitation, 0, pack "S n N a16 L", 10, 0, 0, $group, $index;
        } else {
            my $probe = pack "n n C C n a6 a4 a6 a4", 1, 0x0800, 6, 4, 1, $mac, "", "", $target;
            send $arp, $probe, 0, $broadcast;
        }
    }
}
my %found;
sub note { $found{join " ", @_} = 1 if keys %found < $most }
sub solicited {
    my ($address, $options) = unpack "x8 a16 a*", $_[0];
    my $from;
    while ($options =~ /\G([^\0])(.)(.{6})/gcs) {
        $from = $3 if ord $1 == 2;
        pos($options) += 8 * (ord($2) - 1) if ord $2;
    }
    answer($address, $from);
}
sub resolved {
    return if length $_[0] < 28;
    my ($from, $address) = unpack "x8 a6 a4", $_[0];
    answer($address, $from);
}
sub answer {
    my ($address, $from) = @_;
    note "answer", unpacked($address), join ":", unpack "(H2)6", $from if $from && $wanted{$address};
}
sub advert {
    my ($packet, $from) = @_;
    my $source = $six ? substr $from, 8, 16 : substr $packet, 12, 4;
    $packet = substr $packet, 4 * (15 & ord $packet) unless $six;
    return if length $packet < 8;
    my ($kind, $router, $priority) = unpack "C3", $packet;
    note "advert", unpacked($source), $priority if ($kind & 15) == 1 && $router == $router_id;
}
my ($begun, $asked) = (uptime(), 0);
until ($told && uptime() - $begun >= $least) {
    exit if uptime() - $begun > $end;
    ask(), $asked++ if $asked < 3 && uptime() - $begun >= $asked * 0.1;
    my $ready = "";
    vec($ready, fileno $_, 1) = 1 for grep { $_ } $arp, $neighbours, $adverts;
    next if select($ready, undef, undef, 0.02) < 1;
    if ($arp && vec $ready, fileno $arp, 1) { recv $arp, my $packet, 1500, 0; resolved($packet) }
    if ($neighbours && vec $ready, fileno $neighbours, 1) { recv $neighbours, my $packet, 1500, 0; solicited($packet) }
    if (vec $ready, fileno $adverts, 1) { my $from = recv $adverts, my $packet, 1500, 0; advert($packet, $from) }
}
my $heading = sprintf "\@%s segment %s %.2f", $ENV{HD_TOKEN}, $device, uptime() - $begun;
syswrite STDOUT, join "\n", "", $heading, sort(keys %found), "";
fork or close STDOUT, close STDERR;
'

# own_interface: the interface with the node's own address.
own_interface() {
    ip -o address show | while read -r _ hd_name _ hd_local _; do
        case " $HD_NODES " in
        *" ${hd_local%%/*} "*)
            printf '%s\n' "${hd_name%%@*}"
            break
            ;;
        esac
    done
}

# segment_begin: starts the program in the background, during the rest of the observation.
segment_begin() {
    hd_segment_pid=
    [ -n "$hd_askable" ] && have perl || return 0
    # shellcheck disable=SC2154  # preflight.sh
    [ -n "$hd_device" ] || hd_device=$(own_interface)
    [ -n "$hd_device" ] || return 0
    # Other users see the arguments of a process, not its environment.
    # shellcheck disable=SC2086  # words
    HD_TOKEN=$HD_TOKEN perl -e "$segment_program" "$hd_device" "$HD_ROUTER_ID" "$HD_LISTEN" \
        "$HD_ROOT/applied.json" $hd_askable $HD_NODES 2>/dev/null &
    hd_segment_pid=$!
}

# segment_end: makes the program print its result.
segment_end() {
    [ -n "$hd_segment_pid" ] || return 0
    kill -USR1 "$hd_segment_pid" 2>/dev/null
    wait "$hd_segment_pid" 2>/dev/null
    return 0
}
