# shellcheck shell=sh
# The rules of the node's packet filters.

# observe_filter: all loaded tables, without the chains of single Kubernetes Services, which may be many
# thousands. No table is named, because that would load it. The rules of both kinds of iptables apply at
# the same time.
observe_filter() {
    for hd_tool in iptables-save ip6tables-save iptables-legacy-save ip6tables-legacy-save; do
        have "$hd_tool" || continue
        emit "$hd_tool"
        timeout 5 "$hd_tool" 2>/dev/null | sed '/^[:-]\(A \)\{0,1\}KUBE-S[EV][PC]-/d'
    done
    have ipset || return 0
    emit ipset
    timeout 5 ipset save 2>/dev/null
}

observe_firewall() {
    observe_filter
    have nft || return 0
    emit nft
    timeout 5 nft -j list ruleset 2>/dev/null
}
