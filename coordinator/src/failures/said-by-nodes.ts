import type { Explanation } from './explanation.js'

/** What a node lacks for a control plane: runtime, kernel, images, files. */
export const saidByNodes: readonly Explanation[] = [
  {
    id: 'runtime-without-cri',
    pattern: /unknown service runtime\.v1\.RuntimeService|container runtime is not running:/,
    cause:
      'The container runtime does not run, or containerd has its CRI plugin disabled, as the package of Docker installs it.',
    remedy: 'On that node: containerd config default > /etc/containerd/config.toml && systemctl restart containerd',
  },
  {
    id: 'cgroup-driver-differs',
    pattern:
      /expected cgroupsPath to be of format .?"slice:prefix:name|kubelet cgroup driver: .{0,60} is different from|systemd cgroup manager, but did not receive slice|cgroupfs cgroup manager, but received systemd slice/,
    cause: 'The kubelet and the container runtime use different cgroup drivers.',
    remedy:
      'On that node: SystemdCgroup = true in /etc/containerd/config.toml, then systemctl restart containerd kubelet',
  },
  {
    id: 'cgroup-v1',
    pattern: /kubelet is configured to not run on a host using cgroup v1/,
    cause: 'From 1.35 the kubelet refuses cgroup v1 unless failCgroupV1 is false.',
    remedy: 'Boot with systemd.unified_cgroup_hierarchy=1',
  },
  {
    id: 'kernel-does-not-forward',
    pattern:
      /ip_forward contents are not set to 1|bridge-nf-call-ip6?tables (?:does not exist|contents are not set to 1)/,
    cause: 'The kernel of that node does not forward packets, or br_netfilter is not loaded.',
    remedy:
      'On that node: modprobe br_netfilter && sysctl -w net.ipv4.ip_forward=1, and the same in /etc/sysctl.d/k8s.conf',
  },
  {
    id: 'kubelet-version',
    pattern:
      /[Kk]ubelet version (?:"[^"]{0,300}" is lower than kubeadm can support|is higher than the control plane version)/,
    cause: 'The kubelet of that node does not match the version of the cluster.',
    remedy:
      "On that node, with the cluster's version: apt-get install --allow-change-held-packages 'kubelet=VERSION-*', or dnf install --disableexcludes=kubernetes kubelet-VERSION, or zypper install --oldpackage kubelet-VERSION",
  },
  {
    id: 'image-not-pulled',
    pattern: /failed to pull (?:and unpack )?image/,
    cause:
      'That node cannot get an image of the control plane: it cannot reach the registry, or cannot resolve its name.',
    remedy: 'On that node: kubeadm config images pull; offline: ctr -n k8s.io images import FILE',
  },
  {
    id: 'firewalld',
    pattern: /firewalld is active, please ensure ports/,
    cause: "firewalld runs on that node. kubeadm names two ports of the four that matter: etcd's are missing.",
    remedy: 'On that node: firewall-cmd --permanent --add-port={6443,2379,2380,10250}/tcp && firewall-cmd --reload',
  },
  {
    id: 'shared-file-absent',
    pattern:
      /(?:loading audit policy file|error opening encryption provider configuration file).{0,400}no such file or directory/,
    cause:
      'The API server of that node names a file that is only on the first control plane: kubeadm does not copy it.',
    remedy:
      'Copy it from the first control plane, same mode and owner; first remove the folder of that name that a mount created. The encryption file must be the same on all.',
  },
  {
    id: 'mirror-pod-deleted',
    pattern: /^pod "(?:kube-apiserver|kube-controller-manager|kube-scheduler|etcd)-[^"]{0,300}" (?:force )?deleted/,
    cause: 'This was a mirror pod: its age is reset, and the container keeps running with the old flags.',
    remedy:
      'On that node: crictl ps --name COMPONENT -q | xargs crictl stop; crictl ps then shows another id and start time.',
  },
  {
    id: 'kubelet-holds-dead-connection',
    pattern:
      /(?:[Ee]rror updating node status|node lease|ensure lease exists).{0,400}(?:use of closed network connection|client connection lost|Client\.Timeout exceeded)/,
    cause: 'The kubelet holds a connection to an API server or load balancer that is gone; the node becomes NotReady.',
    remedy: 'On that node: systemctl restart kubelet. In haproxy: on-marked-down shutdown-sessions',
  },
  {
    id: 'server-not-reached',
    pattern: /[Ff]ailed to watch.{0,400}(?:connection refused|no route to host|i\/o timeout)/,
    cause: 'This program still uses an API server that is gone: its kubeconfig names the old address.',
    remedy:
      'On that node: grep server: /etc/kubernetes/*.conf; for kube-proxy: kubectl -n kube-system rollout restart daemonset kube-proxy',
  },
  {
    id: 'kubelet-did-not-start',
    pattern:
      /timed out waiting for the condition(?! on )|(?:The kubelet|The API server|kube-(?:apiserver|scheduler|controller-manager)) is not healthy after|the kubelet isn't running or healthy|http:\/\/(?:localhost|127\.0\.0\.1):10248\/healthz' failed with error/,
    cause:
      'kubeadm waited for the kubelet or the control plane of this node: it does not run, or cannot reach itself through the load balancer.',
    remedy: 'On that node: journalctl -u kubelet -n 50; curl -k https://ENDPOINT/readyz',
  },
]
