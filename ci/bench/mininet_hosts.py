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
net = Mininet(
    topo=SingleSwitchTopo(int(sys.argv[1])), switch=LinuxBridge, controller=None, ipBase="10.0.0.0/16", autoStaticArp=True
)
net.start()
listeners = "".join(f"/proc/{host.pid}/ns/net {host.IP()}:80\n" for host in net.hosts)
listener = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, text=True)
listener.stdin.write(listeners)
listener.stdin.close()
listener.wait()
