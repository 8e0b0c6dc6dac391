#!/usr/bin/env bash
# The lab of `bench ready` as a careful script builds it: `ci/bench/network.sh MEMBERS LISTENER...`, in a sandbox as root.
#
# Everything that makes such a script fast is here: `ip -batch` throughout, interfaces born where they are needed and never
# moved, one queue each, no IPv6 addresses, all rules in one file, and as many programs side by side as there are processors.
# What it is to build lies ready in files before the clock starts.
set -euo pipefail
members=$1
shift
files=/run/network
mkdir "$files"

names=(router dhcp balancer)
addresses=(10.0.0.1 10.0.0.2 10.0.0.250)
interfaces=(qr-net tap-dhcp tap-vip)
for ((n = 0; n < members; n++)); do
    names+=("vm$n")
    addresses+=("10.0.$((1 + n / 250)).$((1 + n % 250))")
    interfaces+=(eth0)
done
router=0 dhcp=1 balancer=2

# The hardware address of the interface that has the address.
hardware() {
    local a b c d
    IFS=. read -r a b c d <<<"$1"
    printf -v mac '02:00:%02x:%02x:%02x:%02x' "$a" "$b" "$c" "$d"
}

# The namespace knows the other as a permanent neighbour.
knows() {
    hardware "${addresses[$2]}"
    echo "neigh add ${addresses[$2]} lladdr $mac dev ${interfaces[$1]} nud permanent"
}

echo 'netns add switch' >"$files/namespaces"
echo 'link add brq type bridge forward_delay 0 stp_state 0 mcast_snooping 0' >"$files/links"
echo 'link set brq addrgenmode none up' >>"$files/links"
for i in "${!names[@]}"; do
    name=${names[i]} address=${addresses[i]} interface=${interfaces[i]}
    hardware "$address"
    echo "netns add $name" >>"$files/namespaces"
    one='numtxqueues 1 numrxqueues 1'
    echo "link add port$i master brq $one type veth peer name $interface address $mac $one netns $name" >>"$files/links"
    echo "link set port$i addrgenmode none up" >>"$files/links"
    echo "fdb replace $mac dev port$i master static" >>"$files/forwarding"
    {
        echo 'link set lo up'
        echo "addr add $address/16 dev $interface"
        echo "link set $interface addrgenmode none up"
        if ((i != router)); then
            echo "route add default via ${addresses[router]}"
            knows "$i" "$router"
        fi
        if ((i > balancer)); then
            knows "$i" "$balancer"
        fi
        if ((i == router || i == balancer)); then
            for j in "${!names[@]}"; do
                ((j == i || j == router)) || knows "$i" "$j"
            done
        fi
    } >"$files/$name"
    if ((i > balancer)); then
        echo "/run/netns/$name $address:80" >>"$files/listeners"
        guarded+=("\"port$i\"")
        admitted+=("\"port$i\" . tcp . 80")
    fi
done
printf '%s\n' "${names[@]}" >"$files/names"
list() { local IFS=,; echo "$*"; }
cat >"$files/rules" <<RULES
table bridge groups {
    set guarded { type ifname; elements = { $(list "${guarded[@]}") }; }
    set admitted { type ifname . inet_proto . inet_service; elements = { $(list "${admitted[@]}") }; }
    chain forward {
        type filter hook forward priority filter; policy accept;
        oifname != @guarded accept
        meta protocol != { ip, ip6 } accept
        tcp flags & (syn | ack) != syn accept
        icmp type != echo-request accept
        oifname . meta l4proto . th dport @admitted accept
        drop
    }
}
RULES

echo begin
ip -batch "$files/namespaces"
ip -n switch -batch "$files/links"
nsenter --net=/run/netns/switch nft -f "$files/rules" &
bridge -n switch -batch "$files/forwarding"
xargs -a "$files/names" -P "$(nproc)" -I{} ip -n {} -batch "$files/{}"
nsenter --net=/run/netns/router sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
wait
exec "$@" <"$files/listeners"
