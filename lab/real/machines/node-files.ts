/** kubeadm's own drop-in from its Debian package. */
export const kubeletUnit = `[Unit]
Description=kubelet
After=lab-node.service containerd.service
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/bin/kubelet
Restart=always
RestartSec=2
[Install]
WantedBy=multi-user.target
`
export const kubeletDropIn = `[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`
export const labNodeUnit = `[Unit]
Description=network and cgroups of a lab node
DefaultDependencies=no
Before=containerd.service sysinit.target
After=local-fs.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/etc/lab/setup
[Install]
WantedBy=sysinit.target
`
/** Static routes between the nodes' pod networks replace a CNI with its own images. */
export const labSetup = `#!/bin/bash
. /etc/lab/env
mount -o remount,bind,rw /sys/fs/cgroup
for d in /sys/fs/cgroup/*/; do mount -o remount,bind,rw $d 2>/dev/null; done
mount --make-rshared /
ip link set lo up
for nic in $NICS; do ip addr add \${nic#*=}/24 dev \${nic%=*}; ip link set \${nic%=*} up; done
first=\${NICS%% *}; first=\${first#*=}; ip route add default via \${first%.*}.1
sysctl -qw net.ipv4.ip_forward=1
for k in $(seq 30 60); do [ "$IP" = "\${IP%.*}.$k" ] || ip route add 10.244.$k.0/24 via \${IP%.*}.$k; done
true
`
export const containerdConfig = (pauseImage: string) => `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/opt/cni/bin"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`
