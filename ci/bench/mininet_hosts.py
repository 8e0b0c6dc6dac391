"""So many Mininet hosts at one LinuxBridge switch, each with a listener: `mininet_hosts.py HOSTS LISTENER...`, in a sandbox."""

import subprocess
import sys

from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.nodelib import LinuxBridge
from mininet.topo import SingleSwitchTopo

setLogLevel("error")
# Mininet starts by raising limits, some of which are those of the whole machine; that costs time and is not its topic.
Mininet.inited = True

print("begin", flush=True)
net = Mininet(topo=SingleSwitchTopo(int(sys.argv[1])), switch=LinuxBridge, controller=None, ipBase="10.0.0.0/16")
net.start()
listeners = [host.popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for host in net.hosts]
for host, listener in zip(net.hosts, listeners):
    listener.stdin.write(f"/proc/self/ns/net {host.IP()}:80\n")
    listener.stdin.close()
for listener in listeners:
    assert listener.stdout.readline() == "listening\n"
print("listening", flush=True)
net.stop()
