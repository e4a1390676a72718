import type { Explanation } from './explanation.js'

/** What network plugins, kube-proxy and CoreDNS say on a new node. */
export const saidByNetwork: readonly Explanation[] = [
  {
    id: 'pod-cidr-not-assigned',
    pattern: /pod cidr not assigned|cidr not assigned to node/i,
    cause:
      'No controller-manager gave the Node a podCIDR: the one that leads runs without --allocate-node-cidrs and --cluster-cidr. It was edited in one manifest and is not in kubeadm-config, so a joiner lacks it.',
    remedy:
      'On every control plane: grep -e cidr /etc/kubernetes/manifests/kube-controller-manager.yaml; set networking.podSubnet: kubectl -n kube-system edit configmap kubeadm-config',
  },
  {
    id: 'pod-cidrs-used-up',
    pattern: /CIDRNotAvailable|no remaining CIDRs left to allocate/,
    cause: 'The pod network has no range left for another Node.',
    remedy:
      'kubectl get nodes -o custom-columns=NAME:.metadata.name,CIDR:.spec.podCIDR; delete Nodes that are gone, or use a smaller node-cidr-mask-size',
  },
  {
    id: 'flannel-not-started',
    pattern: /\/run\/flannel\/subnet\.env: no such file or directory/,
    cause: 'flannel has not started on that node, so no pod gets an address there.',
    remedy: 'kubectl -n kube-flannel get pods -o wide; kubectl -n kube-flannel logs ds/kube-flannel-ds',
  },
  {
    id: 'calico-not-started',
    pattern: /stat \/var\/lib\/calico\/nodename: no such file or directory|BGP not established with|BIRD is not ready/,
    cause:
      'calico-node of that node does not run, or no peer reaches it: BGP (TCP 179), or IP in IP or VXLAN, is closed between the nodes.',
    remedy: 'kubectl -n kube-system get pods -l k8s-app=calico-node -o wide; on both nodes: nc -vz OTHER_NODE 179',
  },
  {
    id: 'cni-plugin-missing',
    pattern: /failed to find plugin "[\w.-]{1,100}" in path/,
    cause: 'The network plugin is configured on that node and its program is not installed there.',
    remedy:
      "On that node: ls /opt/cni/bin; install the package kubernetes-cni, or restart the plugin's pod of that node, which copies it",
  },
  {
    id: 'cni-bridge-of-earlier-cluster',
    pattern: /"cni0" already has an IP address different from/,
    cause: 'The bridge of an earlier cluster is still on that node: `kubeadm reset` does not remove it.',
    remedy:
      'On that node: ip link delete cni0; ip link delete flannel.1; rm -rf /var/lib/cni; systemctl restart containerd kubelet',
  },
  {
    id: 'cni-not-initialised',
    pattern:
      /cni plugin not initialized|cni config uninitialized|[Nn]o networks found in \/etc\/cni\/net\.d|No CNI configuration file in|NetworkReady=false/,
    cause:
      'No network plugin has configured that node yet. For a minute after a join this is normal; if it stays, the pod of the plugin does not run there.',
    remedy:
      'kubectl get pods -A -o wide --field-selector spec.nodeName=NAME; its DaemonSet must tolerate node-role.kubernetes.io/control-plane',
  },
  {
    id: 'kubernetes-service-not-reached',
    pattern:
      /https:\/\/(?:\d{1,3}\.){3}\d{1,3}:443\/\S{0,300} ?.{0,60}(?:i\/o timeout|no route to host|connection refused)|dial tcp (?:\d{1,3}\.){3}1:443: (?:i\/o timeout|connect: )/,
    cause:
      'A pod does not reach the Service `kubernetes`: kube-proxy does not run on its node or uses an old server, or its endpoints name an API server that is gone.',
    remedy:
      'kubectl get endpointslices -l kubernetes.io/service-name=kubernetes; kubectl -n kube-system get pods -l k8s-app=kube-proxy -o wide; kubectl -n kube-system rollout restart daemonset kube-proxy',
  },
  {
    id: 'kube-proxy-finds-no-node',
    pattern: /[Ff]ailed to retrieve node (?:info|IPs?).{0,60}nodes? "[\w.-]{1,253}" not found/,
    cause: "kube-proxy looks for a Node by the machine's host name, and the Node has another name.",
    remedy: 'kubectl get nodes; on that node: hostname; give kube-proxy --hostname-override with the name of the Node',
  },
  {
    id: 'coredns-loop',
    pattern: /plugin\/loop: Loop \(/,
    cause: "CoreDNS forwards to itself: the node's /etc/resolv.conf names 127.0.0.53 or 127.0.0.1.",
    remedy:
      'On that node: grep nameserver /etc/resolv.conf; set resolvConf: /run/systemd/resolve/resolv.conf in /var/lib/kubelet/config.yaml, then systemctl restart kubelet',
  },
]
