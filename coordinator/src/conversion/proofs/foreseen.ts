import type { conversionOrder } from '../order.js'

type StepId = (typeof conversionOrder)[number]['id']

/** One thing that a gate or a proof asks for, and who knows before the run that it will not hold. */
interface Foreseen {
  readonly asks: string
  /** Checks that find in the plan what no step could bring about. */
  readonly checks: readonly string[]
  /** Of these checks: what they find stays as it is. Where the operator accepts it, the run tells it and does not wait for it. */
  readonly stays?: readonly string[]
  /** Why the step itself brings it about, where there is no check. */
  readonly why?: string
}

const byStep = (asks: string, why: string): Foreseen => ({ asks, checks: [], why })

/** WHAT EACH GATE ASKS FOR AND WHO SEES BEFORE THAT IT CANNOT HOLD. A contract test keeps it complete: each step has a row. */
export const gatesForeseen: Readonly<Record<StepId, readonly Foreseen[]>> = {
  'request-certificates': [byStep('a request beside its key', 'the step makes both')],
  'take-signed-certificates': [{ asks: 'certificates of a CA whose key is elsewhere', checks: ['ca-key'] }],
  'snapshot-etcd': [{ asks: 'a whole snapshot of an etcd that answers', checks: ['etcd-health', 'disk'] }],
  'back-up-files': [{ asks: 'room for the backup', checks: ['disk'] }],
  'let-etcd-listen': [
    { asks: 'etcd and the API server after one restart', checks: ['etcd-addresses', 'etcd-health', 'planned-outage'] },
    { asks: 'Leases that advance', checks: ['leases'], stays: ['leases'] },
  ],
  'start-load-balancer': [
    { asks: 'programs and ports', checks: ['load-balancer', 'ports', 'virtual-ip-unused', 'virtual-router-id'] },
    { asks: 'an answer from every node', checks: ['reachability', 'firewall', 'load-balancer'] },
  ],
  'publish-endpoint-name': [{ asks: 'the same address on every node', checks: ['endpoint-resolves'] }],
  'regenerate-apiserver-certificate': [
    { asks: 'a certificate that this CA signs', checks: ['ca-key', 'serving-certificate'] },
    { asks: 'an API server that is not restarted meanwhile', checks: ['static-pods-run'] },
  ],
  'update-kubeadm-config': [
    { asks: 'a document that can be edited', checks: ['kubeadm-config-api'] },
    { asks: 'admission that lets the change pass', checks: ['admission'] },
  ],
  'rewrite-first-kubelet': [{ asks: 'a kubelet that renews its Lease', checks: ['nodes-ready', 'kubeconfigs'] }],
  'rewrite-control-plane-kubeconfigs': [
    { asks: 'a new container', checks: ['static-pods-run'] },
    { asks: 'Leases that advance', checks: ['leases'], stays: ['leases'] },
  ],
  'rewrite-admin-kubeconfigs': [{ asks: 'an authenticated answer', checks: ['kubeconfigs', 'certificate-expiry'] }],
  'update-kube-proxy': [
    { asks: 'a rollout that comes to its end', checks: ['kube-proxy', 'leases', 'admission'], stays: ['kube-proxy'] },
    { asks: 'rules that lead to an API server', checks: ['kube-proxy'], stays: ['kube-proxy'] },
    byStep('pods of a DaemonSet with updateStrategy OnDelete', 'the step replaces them one by one'),
  ],
  'rewrite-worker-kubeconfigs': [
    { asks: 'a Node that is Ready again', checks: ['nodes-ready'], stays: ['nodes-ready'] },
  ],
  'update-cluster-info': [
    { asks: 'an answer without credentials', checks: ['anonymous-auth', 'cluster-ca', 'admission'] },
  ],
  'scan-for-old-address': [{ asks: 'nothing that works by the old address', checks: ['old-address-users'] }],
  'use-etcd-learners': [byStep('the gate in kubeadm-config', 'the step sets it')],
  'prepare-joining': [
    {
      asks: "kubeadm's own preflight",
      checks: [
        'joiners-clean',
        'ports',
        'resources',
        'swap',
        'cgroups',
        'crictl',
        'container-runtime',
        'kernel-network',
      ],
    },
    { asks: 'images and files', checks: ['control-plane-images', 'shared-files'] },
    { asks: 'ports both ways', checks: ['reachability', 'firewall'] },
    { asks: 'clocks and disks', checks: ['clocks', 'disk-latency'] },
  ],
  'upload-certificates': [
    {
      asks: 'a signature for the token',
      checks: ['bootstrap-signer', 'join-permissions', 'anonymous-auth', 'leases', 'admission'],
    },
  ],
  'join-control-planes': [
    {
      asks: 'a healthy voter',
      checks: ['etcd-health', 'etcd-addresses', 'etcd-learner-mode', 'etcd-learner-fixes', 'etcd-size'],
    },
    { asks: 'an API server that is ready', checks: ['shared-extra-args', 'control-planes-alike', 'shared-files'] },
    { asks: 'a Node that is Ready', checks: ['nodes-ready', 'container-runtime', 'cgroup-driver', 'admission'] },
    { asks: 'a kubelet that every API server reaches', checks: ['kubelets-reached', 'kubelet-serving-certificates'] },
    { asks: 'a Node that its cloud provider knows', checks: ['cloud-provider'] },
    { asks: 'the load balancer to lead there', checks: ['load-balancer', 'hairpin'] },
  ],
  'restore-learner-gate': [byStep('the gate as it was', 'the step puts it back')],
  finish: [
    { asks: 'CoreDNS ready on two nodes', checks: ['coredns', 'node-pressure', 'admission'], stays: ['coredns'] },
    byStep('no join secret', 'the step deletes them'),
    { asks: 'every machine of the load balancer to serve', checks: ['load-balancer'] },
  ],
  'prove-ha': [byStep('every proof', 'each has a row of its own')],
}

/** The same for each proof of `quorate verify`. */
export const proofsForeseen: Readonly<Record<string, readonly Foreseen[]>> = {
  'endpoint-name': [{ asks: 'one address on every node', checks: ['endpoint-resolves'] }],
  'endpoint-answers': [{ asks: 'an answer from every node', checks: ['load-balancer', 'reachability', 'firewall'] }],
  'apiserver-certificates': [{ asks: 'certificates for the endpoint', checks: ['ca-key', 'serving-certificate'] }],
  'certificate-names': [{ asks: 'the same names everywhere', checks: ['ca-key', 'serving-certificate'] }],
  'control-planes-alike': [
    {
      asks: 'control planes with the same settings',
      checks: ['control-planes-alike'],
      stays: ['control-planes-alike'],
    },
  ],
  'kubelets-reached': [
    {
      asks: 'kubelets that every API server reaches',
      checks: ['kubelets-reached', 'kubelet-serving-certificates'],
      stays: ['kubelets-reached'],
    },
  ],
  'certificate-expiry': [{ asks: 'a week or more', checks: ['certificate-expiry'], stays: ['certificate-expiry'] }],
  'load-balancer': [{ asks: 'every control plane behind it', checks: ['load-balancer', 'hairpin'] }],
  'virtual-ip': [{ asks: 'one holder', checks: ['virtual-ip-unused', 'virtual-router-id'] }],
  'separate-machines': [
    { asks: 'machines of their own', checks: ['duplicate-identity'], stays: ['duplicate-identity'] },
  ],
  etcd: [{ asks: 'healthy voters', checks: ['etcd-health', 'already-highly-available'] }],
  'etcd-addresses': [{ asks: 'members that others reach', checks: ['etcd-addresses'] }],
  'etcd-topology': [{ asks: 'an etcd that survives a machine', checks: ['etcd-topology'] }],
  leases: [{ asks: 'leaders', checks: ['leases', 'static-pods-run'], stays: ['leases'] }],
  'nodes-ready': [{ asks: 'Nodes that are Ready and labelled', checks: ['nodes-ready'], stays: ['nodes-ready'] }],
  'api-endpoints': [
    { asks: 'API servers behind default/kubernetes', checks: ['api-endpoints', 'addresses'], stays: ['api-endpoints'] },
  ],
  'kubeadm-config': [{ asks: 'the endpoint in it', checks: ['kubeadm-config-api'] }],
  'cluster-info': [{ asks: 'the endpoint in it', checks: ['cluster-ca'] }],
  'kube-proxy': [
    { asks: 'pods that use the endpoint', checks: ['kube-proxy', 'kube-proxy-absent'], stays: ['kube-proxy'] },
  ],
  kubeconfigs: [{ asks: 'the endpoint in each', checks: ['kubeconfigs'] }],
  'kubelet-sockets': [{ asks: 'kubelets that use it', checks: ['nodes-ready', 'proxies'], stays: ['nodes-ready'] }],
  coredns: [{ asks: 'CoreDNS ready on two nodes', checks: ['coredns', 'node-pressure'], stays: ['coredns'] }],
  'scan-for-old-address': [{ asks: 'nothing that works by the old address', checks: ['old-address-users'] }],
  hairpin: [{ asks: 'control planes that reach themselves', checks: ['hairpin'], stays: ['hairpin'] }],
  'disk-latency': [{ asks: 'disks that are fast enough', checks: ['disk-latency'], stays: ['disk-latency'] }],
  mtu: [{ asks: 'packets of one size', checks: ['mtu'], stays: ['mtu'] }],
}

/** Checks whose finding stays and is this proof's own. */
export const staysFor = (proof: string): readonly string[] =>
  (proofsForeseen[proof] ?? []).flatMap(({ stays = [] }) => stays)
