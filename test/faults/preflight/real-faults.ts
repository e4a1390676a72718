import { issueCertificate } from '@quorate/shared/issue-certificate'
import type { Lab } from '../../../lab/real/lab.js'
import type { FlawedCluster } from '../flaws/flawed-cluster.js'
import { changedConfigMap, changedFile, type TakeOut } from '../flaws/put-in.js'

/** Real nodes as faults are put into them. */
interface RealNodes {
  readonly lab: Lab
  readonly files: FlawedCluster
}

/** Something that must stop or warn before a conversion of real nodes. */
export interface RealFault {
  readonly check: string
  /** `error` unless given. */
  readonly severity?: 'warning'
  /** Short name of the node that is named; undefined where the cluster is, or a name of its own. */
  readonly on?: string
  readonly evidence: RegExp
  put(nodes: RealNodes): Promise<TakeOut>
}

const script =
  (node: string, put: string, out: string) =>
  async ({ lab }: RealNodes): Promise<TakeOut> => {
    const run = (text: string) => lab.node(node).must(['sh', '-ec', text.replaceAll('$VIP', lab.virtualIP)])
    await run(put)
    return async () => void (await run(out))
  }

/** A program that listens on a port of a node. */
const listener = (node: string, port: number) =>
  script(
    node,
    `systemd-run --quiet --unit=fault-${port} socat TCP-LISTEN:${port},reuseaddr,fork /dev/null; sleep 0.5`,
    `systemctl stop fault-${port}`,
  )

const kubeadmConfig =
  (change: (text: string) => string) =>
  ({ files }: RealNodes): Promise<TakeOut> =>
    changedConfigMap(files, { namespace: 'kube-system', name: 'kubeadm-config', key: 'ClusterConfiguration' }, change)

const inFile =
  (node: 'cp1' | 'cp2' | 'cp3' | 'w1', path: string, change: (text: string) => string) =>
  ({ files }: RealNodes): Promise<TakeOut> =>
    changedFile(files, { node, path }, change)

const pki = '/etc/kubernetes/pki'
const role = 'role kubeadm:nodes-kubeadm-config -n kube-system'

/** What the joiners have too much, or too little. */
const ofJoiners: readonly RealFault[] = [
  {
    check: 'joiners-clean',
    on: 'cp2',
    evidence: /\/etc\/kubernetes\/admin\.conf/,
    put: script('cp2', 'touch /etc/kubernetes/admin.conf', 'rm /etc/kubernetes/admin.conf'),
  },
  {
    check: 'joiners-clean',
    on: 'cp3',
    evidence: /\/var\/lib\/etcd\/member/,
    put: script('cp3', 'mkdir /var/lib/etcd/member', 'rmdir /var/lib/etcd/member'),
  },
  { check: 'ports', on: 'cp1', evidence: /8443/, put: listener('cp1', 8443) },
  { check: 'ports', on: 'cp2', evidence: /2380/, put: listener('cp2', 2380) },
  {
    check: 'firewall',
    severity: 'warning',
    on: 'cp2',
    evidence: /firewalld/,
    put: script(
      'cp2',
      `printf '[Service]\\nExecStart=/bin/sleep infinity\\n' > /run/systemd/system/firewalld.service; systemctl daemon-reload; systemctl start firewalld`,
      'systemctl stop firewalld; rm /run/systemd/system/firewalld.service; systemctl daemon-reload',
    ),
  },
  {
    check: 'kubelet-service',
    severity: 'warning',
    on: 'cp3',
    evidence: /disabled/,
    put: script('cp3', 'systemctl -q disable kubelet', 'systemctl -q enable kubelet'),
  },
  {
    check: 'container-runtime',
    on: 'cp2',
    evidence: /containerd|socket/,
    put: script('cp2', 'systemctl stop containerd', 'systemctl start containerd'),
  },
  {
    check: 'kubernetes-versions',
    on: 'cp2',
    evidence: /kubeadm \(none\)/,
    put: script('cp2', 'mv /usr/bin/kubeadm /usr/bin/away', 'mv /usr/bin/away /usr/bin/kubeadm'),
  },
  {
    check: 'load-balancer',
    on: 'cp2',
    evidence: /haproxy/,
    put: script('cp2', 'mv /usr/sbin/haproxy /usr/sbin/away', 'mv /usr/sbin/away /usr/sbin/haproxy'),
  },
  {
    check: 'reachability',
    on: 'cp1',
    evidence: /:2380/,
    put: script(
      'cp3',
      'iptables -I INPUT -p tcp --dport 2380 -j DROP',
      'iptables -D INPUT -p tcp --dport 2380 -j DROP',
    ),
  },
  {
    check: 'kernel-network',
    on: 'cp2',
    evidence: /ip_forward is not 1/,
    put: script('cp2', 'sysctl -qw net.ipv4.ip_forward=0', 'sysctl -qw net.ipv4.ip_forward=1'),
  },
  {
    check: 'cgroup-driver',
    on: 'cp3',
    evidence: /SystemdCgroup = true/,
    put: inFile(
      'cp3',
      '/etc/containerd/config.toml',
      (text) =>
        `${text}  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]\n    SystemdCgroup = true\n`,
    ),
  },
  {
    check: 'duplicate-identity',
    severity: 'warning',
    on: 'cp3',
    evidence: /[0-9a-f]{32}/,
    put: async ({ lab, files }) => {
      const id = (await files.readFile('cp2', '/etc/machine-id')) ?? ''
      return inFile('cp3', '/etc/machine-id', () => id)({ lab, files })
    },
  },
  {
    check: 'disk',
    on: 'cp3',
    evidence: /\/var\/lib\/etcd/,
    put: script('cp3', 'mount -t tmpfs -o size=64m tmpfs /var/lib/etcd', 'umount /var/lib/etcd'),
  },
  {
    check: 'agent-unreachable',
    on: 'cp2',
    evidence: /AGENT_UNREACHABLE/,
    put: script('cp2', 'systemctl stop quorate-agent', 'systemctl start quorate-agent; sleep 2'),
  },
]

/** What the cluster and its first control plane say. */
const ofCluster: readonly RealFault[] = [
  {
    check: 'feature-gates',
    evidence: /WaitForAllControlPlaneComponents/,
    put: kubeadmConfig((text) => `${text}featureGates:\n  WaitForAllControlPlaneComponents: true\n`),
  },
  {
    check: 'shared-extra-args',
    evidence: /advertise-address/,
    put: kubeadmConfig((text) =>
      text.replace(
        /^apiServer:.*(\n {2}.*)*$/m,
        'apiServer:\n  extraArgs:\n  - name: advertise-address\n    value: 192.168.13.30',
      ),
    ),
  },
  {
    check: 'endpoint-replaced',
    severity: 'warning',
    evidence: /old\.example\.com:6443/,
    put: kubeadmConfig((text) => `${text}controlPlaneEndpoint: old.example.com:6443\n`),
  },
  {
    check: 'cluster-status',
    severity: 'warning',
    evidence: /advertiseAddress: 10\.0\.0\.9/,
    async put({ files }) {
      const object = { plural: 'configmaps', namespace: 'kube-system', name: 'kubeadm-config' } as const
      const ClusterStatus = 'apiEndpoints:\n  gone:\n    advertiseAddress: 10.0.0.9\n'
      await files.patchObject(object, { data: { ClusterStatus } })
      return () => files.patchObject(object, { data: { ClusterStatus: null } })
    },
  },
  {
    check: 'cluster-ca',
    evidence: /cluster-info [0-9a-f]{16}; .*ca\.crt [0-9a-f]{16}/,
    async put({ files }) {
      const other = Buffer.from((await files.readFile('cp1', `${pki}/etcd/ca.crt`)) ?? '').toString('base64')
      return changedConfigMap(files, { namespace: 'kube-public', name: 'cluster-info', key: 'kubeconfig' }, (text) =>
        text.replace(/certificate-authority-data: \S+/, `certificate-authority-data: ${other}`),
      )
    },
  },
  {
    check: 'join-permissions',
    evidence: /nodes-kubeadm-config: not found/,
    put: script(
      'cp1',
      `kubectl get ${role} -o yaml | sed '/resourceVersion:\\|uid:\\|creationTimestamp:/d' > /root/role.yaml; kubectl delete ${role}`,
      'kubectl create -f /root/role.yaml; rm /root/role.yaml',
    ),
  },
  {
    check: 'etcd-health',
    evidence: /name \(none\)/,
    async put({ files }) {
      await files.addEtcdLearner('https://10.0.0.9:2380')
      return () => files.removeEtcdLearners()
    },
  },
  {
    check: 'already-highly-available',
    on: 'w1',
    evidence: /node-role\.kubernetes\.io\/control-plane/,
    put: script(
      'cp1',
      'kubectl label node k8sworker1.example.com node-role.kubernetes.io/control-plane=',
      'kubectl label node k8sworker1.example.com node-role.kubernetes.io/control-plane-',
    ),
  },
  {
    check: 'workers-forgotten',
    evidence: /Node ghost/,
    put: script(
      'cp1',
      'echo \'{"apiVersion":"v1","kind":"Node","metadata":{"name":"ghost"}}\' | kubectl create -f -',
      'kubectl delete node ghost',
    ),
  },
  {
    check: 'ca-key',
    severity: 'warning',
    on: 'cp1',
    evidence: /ca\.key/,
    put: script('cp1', `mv ${pki}/ca.key /root/away.key`, `mv /root/away.key ${pki}/ca.key`),
  },
  {
    check: 'certificate-expiry',
    on: 'cp1',
    evidence: /front-proxy-client\.crt/,
    async put(nodes) {
      const read = async (name: string): Promise<string> => (await nodes.files.readFile('cp1', `${pki}/${name}`)) ?? ''
      const ca = { certPem: await read('front-proxy-ca.crt'), keyPem: await read('front-proxy-ca.key') }
      const names = { commonName: 'front-proxy-client', organizations: [], dnsNames: [], ipAddresses: [] }
      const { certPem } = issueCertificate({ ca, ...names, days: -1, usage: 'client' })
      return inFile('cp1', `${pki}/front-proxy-client.crt`, () => certPem)(nodes)
    },
  },
  {
    check: 'stray-manifests',
    on: 'cp1',
    evidence: /notes\.yaml/,
    put: script(
      'cp1',
      "echo '# no pod' > /etc/kubernetes/manifests/notes.yaml",
      'rm /etc/kubernetes/manifests/notes.yaml',
    ),
  },
  {
    check: 'bootstrap-signer',
    on: 'cp1',
    evidence: /--controllers=\*,tokencleaner/,
    put: inFile('cp1', '/etc/kubernetes/manifests/kube-controller-manager.yaml', (text) =>
      text.replace('bootstrapsigner,', ''),
    ),
  },
  {
    check: 'static-pods-run',
    on: 'cp1',
    evidence: /kube-scheduler: none running/,
    put: script(
      'cp1',
      "systemctl stop kubelet; crictl stop $(crictl ps -q --name kube-scheduler) > /dev/null || ctr -n k8s.io task kill -s 9 $(ctr -n k8s.io containers ls | awk '/kube-scheduler/ {print $1}')",
      'systemctl start kubelet',
    ),
  },
]

/** What workers and the network add. */
const ofOthers: readonly RealFault[] = [
  {
    check: 'endpoint-resolves',
    on: 'w1',
    evidence: /192\.0\.2\.9/,
    put: inFile('w1', '/etc/hosts', (text) => `192.0.2.9 apiserver.example.com\n${text}`),
  },
  {
    check: 'virtual-ip-unused',
    evidence: /192\.168\.\d+\.100/,
    put: script('w2', 'ip addr add $VIP/32 dev host0', 'ip addr del $VIP/32 dev host0'),
  },
  {
    check: 'virtual-router-id',
    on: 'w1',
    evidence: /virtual_router_id 100/,
    put: script(
      'w1',
      "printf 'vrrp_instance ingress {\\n  virtual_router_id 100\\n}\\n' > /etc/keepalived/keepalived.conf && systemctl enable keepalived",
      'systemctl disable keepalived && rm /etc/keepalived/keepalived.conf',
    ),
  },
  {
    check: 'kubeconfigs',
    on: 'cp1',
    evidence: /./,
    put: script('cp1', "mkdir -p /root/.kube; echo '{' > /root/.kube/config", 'rm /root/.kube/config'),
  },
  {
    check: 'not-kubeadm',
    on: 'w1',
    evidence: /^k3s$/,
    put: script('w1', 'mkdir -p /etc/rancher/k3s', 'rmdir /etc/rancher/k3s /etc/rancher'),
  },
  // The controllers wait 40 s for a kubelet before they give its Node up.
  {
    check: 'nodes-ready',
    on: 'w2',
    evidence: /last heartbeat/,
    put: script('w2', 'systemctl stop kubelet', 'systemctl start kubelet'),
  },
]

/** Faults of real nodes, put in and taken out one after the other. */
export const realFaults: readonly RealFault[] = [...ofJoiners, ...ofCluster, ...ofOthers]
