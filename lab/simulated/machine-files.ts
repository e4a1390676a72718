import type { SimulatedNode } from './node.js'
import { hexId } from './programs.js'
import type { Release } from './versions.js'

/** Files of the operating system that say what a machine is: two CPUs, 4 GB, cgroup v2, no swap. */
export function writeMachineFiles(node: SimulatedNode, hosts: readonly SimulatedNode[], release: Release): void {
  const known = hosts.map(({ address, name }) => `${address} ${name} ${name.split('.')[0]}`)
  node.write(
    '/etc/hosts',
    ['127.0.0.1 localhost', '::1 localhost ip6-localhost', ...known].join('\n').concat('\n'),
    0o644,
  )
  // Stands for the site's DNS, which network.ts simulates; no program connects to this address.
  node.write('/etc/resolv.conf', 'nameserver 192.0.2.53\n', 0o644)
  node.write('/etc/hostname', `${node.hostname}\n`, 0o644)
  node.write('/proc/net/route', 'Iface\tDestination\tGateway\tFlags\neth0\t00000000\tC0000201\t0003\n', 0o444)
  node.write('/etc/machine-id', `${hexId(16)}\n`, 0o444)
  node.write(
    '/etc/os-release',
    'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n',
    0o644,
  )
  node.write(
    '/proc/meminfo',
    'MemTotal:        4028372 kB\nMemFree:         2017964 kB\nMemAvailable:    3312344 kB\nSwapTotal:             0 kB\n',
    0o444,
  )
  const cpu = (n: number): string => `processor\t: ${n}\nmodel name\t: simulated\n\n`
  node.write('/proc/cpuinfo', cpu(0) + cpu(1), 0o444)
  node.write('/proc/sys/kernel/osrelease', '6.1.0-28-amd64\n', 0o444)
  node.write('/proc/swaps', 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n', 0o444)
  node.write('/proc/sys/net/ipv4/ip_forward', '1\n', 0o644)
  node.write('/proc/sys/net/bridge/bridge-nf-call-iptables', '1\n', 0o644)
  node.write('/etc/containerd/config.toml', containerdConfig, 0o644)
  node.write('/sys/fs/cgroup/cgroup.controllers', 'cpuset cpu io memory pids\n', 0o444)
  node.write('/sys/class/dmi/id/product_uuid', `${hexId(4)}-${hexId(2)}-${hexId(2)}-${hexId(2)}-${hexId(6)}\n`, 0o400)
  writePrograms(node, release.version)
  if (node.role !== 'load-balancer' && node.role !== 'etcd') writeKubeletUnit(node)
  if (release.needsCrictl) node.write('/usr/bin/crictl', '#!/bin/sh\n', 0o755)
  for (const folder of ['/etc/kubernetes/manifests', '/var/lib/kubelet', '/etc/cni/net.d', '/root', '/home', '/run'])
    node.folder(folder)
  node.folder('/var/lib/etcd', 0o700)
  if (node.balances) {
    node.folder('/etc/haproxy')
    node.write('/etc/haproxy/haproxy.cfg', debianHaproxy, 0o644)
    node.folder('/etc/keepalived')
  }
}

/** Files at the paths of the packages' programs, with other content for another version. What runs are the stand-ins in PATH. */
export function writePrograms(node: SimulatedNode, version: string): void {
  for (const name of ['kubeadm', 'kubelet', 'kubectl']) node.write(`/usr/bin/${name}`, `${name} ${version}\n`, 0o755)
  for (const name of ['haproxy', 'keepalived']) node.write(`/usr/sbin/${name}`, `${name}\n`, 0o755)
}

/** Unit and drop-in as the packages of pkgs.k8s.io have them. */
function writeKubeletUnit(node: SimulatedNode): void {
  const unit = `[Unit]
Description=kubelet: The Kubernetes Node Agent

[Service]
ExecStart=/usr/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=10

[Install]
WantedBy=multi-user.target
`
  const dropIn = `# Note: This dropin only works with kubeadm and kubelet v1.11+
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`
  node.write('/usr/lib/systemd/system/kubelet.service', unit, 0o644)
  node.write('/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf', dropIn, 0o644)
}

/** The one option that an operator must change in the output of `containerd config default`. */
const containerdConfig = `version = 2
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = true
`

/** As installed by Debian's package: it has no frontend and listens nowhere. */
const debianHaproxy = `global
	log /dev/log	local0
	chroot /var/lib/haproxy
	stats socket /run/haproxy/admin.sock mode 660 level admin
	stats timeout 30s
	user haproxy
	group haproxy
	daemon

defaults
	log	global
	mode	http
	option	httplog
	option	dontlognull
        timeout connect 5000
        timeout client  50000
        timeout server  50000
`
