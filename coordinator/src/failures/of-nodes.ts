import type { Failure } from './failure.js'

/** Static pods, kubelet, kube-proxy and the network plugin. */
export const ofNodes: readonly Failure[] = [
  {
    number: 'F34',
    title: '`kubectl delete pod` on a static pod restarts nothing',
    threads: 'kubernetes#79147, kubernetes#123177, kubernetes#18429, kubernetes#114986',
    recognised: ['mirror-pod-deleted'],
  },
  {
    number: 'F35',
    title: 'A copy in the manifests folder runs as a second pod',
    threads: 'kubernetes#55596, kubernetes#136962, kubeadm#2823',
    checks: ['stray-manifests', 'static-pods-run'],
  },
  {
    number: 'F36',
    title: 'A manifest was moved and the mirror pod still shows the old one',
    threads: 'cluster-etcd-operator#1356, kubeadm#2718',
    checks: ['static-pods-run'],
    recognised: ['static-pod-not-restarted'],
  },
  {
    number: 'F37',
    title: 'kube-proxy keeps the old server',
    threads: 'kubespray#3071, karina#392, claudie#1226, kubernetes#57109',
    checks: ['kube-proxy'],
    recognised: ['server-not-reached'],
  },
  {
    number: 'F38',
    title: 'The network plugin, or another program, is configured with its own API server address',
    threads: 'cilium#19038, cilium#20679, cilium#22039',
    checks: ['old-address-users', 'kube-proxy-absent', 'scan-for-old-address'],
  },
  {
    number: 'F39',
    title: 'The API server of a joiner lacks a file that its flags name',
    threads: 'kubernetes#102715, pke#50, kops#15489',
    checks: ['shared-files', 'control-planes-alike'],
    recognised: ['shared-file-absent'],
  },
  {
    number: 'F40',
    title: 'The kubelet starts no static pods: CRI off, cgroups, forwarding, version',
    threads: 'containerd#8032, containerd#8139, kubeadm#1062, website#33628, kubernetes#127316',
    checks: ['container-runtime', 'cgroup-driver', 'cgroups', 'kernel-network', 'kubernetes-versions', 'swap'],
    recognised: [
      'runtime-without-cri',
      'cgroup-driver-differs',
      'cgroup-v1',
      'kernel-does-not-forward',
      'kubelet-version',
      'kubelet-did-not-start',
      'several-runtimes',
      'static-pod-crashes',
      'manifest-unreadable',
      'sandbox-image',
      'runtime-socket-absent',
    ],
  },
  {
    number: 'F41',
    title: 'Two machines have the same name: the second takes over the Node of the first',
    threads: 'kubeadm#1711, kubeadm#1130, kubeadm#1764, kubernetes#79779, kubernetes#89512',
    checks: ['duplicate-identity', 'names'],
    recognised: ['node-name-taken'],
  },
  {
    number: 'F42',
    title: 'Leftovers on the joiner, and all preflight errors ignored',
    threads: 'kubernetes#113294',
    checks: ['joiners-clean'],
    recognised: ['leftovers'],
  },
]
