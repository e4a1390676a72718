import { saidInPublic } from '../../../cases/reported/said.js'

/** The real text of a message, and one like it that means something else. */
export interface Said {
  readonly explanation: string
  readonly text: string
  /** Must not be taken for it. */
  readonly nearMiss: string
}

const ofOurTables: readonly Said[] = [
  {
    explanation: 'no-stable-endpoint',
    text: "unable to add a new control plane instance to a cluster that doesn't have a stable controlPlaneEndpoint address",
    nearMiss: 'controlPlaneEndpoint: apiserver.example.com:8443',
  },
  {
    explanation: 'certificates-secret-gone',
    text: 'error execution phase control-plane-prepare/download-certs: error downloading certs: error downloading the secret: Secret "kubeadm-certs" was not found in the "kube-system" Namespace. This Secret might have expired. Please, run \'kubeadm init phase upload-certs --upload-certs\' on a control plane to generate a new one',
    nearMiss: '[download-certs] Downloading the certificates in Secret "kubeadm-certs" in the "kube-system" Namespace',
  },
  {
    explanation: 'certificate-key-wrong',
    text: 'error downloading certs: error decoding secret data with provided key: cipher: message authentication failed',
    nearMiss: 'cipher: message authentication failed',
  },
  {
    explanation: 'secret-incomplete',
    text: 'error downloading certs: the Secret does not include the required certificate or key - name: external-etcd-ca.crt, path: /etc/kubernetes/pki/etcd/ca.crt',
    nearMiss: '[certs] Using the existing "sa" key',
  },
  {
    explanation: 'shared-keys-absent',
    text: "failure loading key for service account: couldn't load the private key file /etc/kubernetes/pki/sa.key: open /etc/kubernetes/pki/sa.key: no such file or directory",
    nearMiss: '[certs] Using the existing "sa" key',
  },
  {
    explanation: 'join-forbidden',
    text: 'secrets "kubeadm-certs" is forbidden: User "system:bootstrap:abcdef" cannot get resource "secrets" in API group "" in the namespace "kube-system"',
    nearMiss: 'pods is forbidden: User "system:anonymous" cannot list resource "pods"',
  },
  {
    explanation: 'token-unknown',
    text: 'token id "abcdef" is invalid for this cluster or it has expired. Use "kubeadm token create" on the control-plane node to create a new valid token',
    nearMiss: '[bootstrap-token] Using token: abcdef.[redacted]',
  },
  {
    explanation: 'token-not-signed',
    text: 'couldn\'t validate the identity of the API Server: could not find a JWS signature in the cluster-info ConfigMap for token ID "b677lw"',
    nearMiss: '[discovery] Created cluster-info discovery client',
  },
  {
    explanation: 'signature-wrong',
    text: "failed to verify JWS signature of received cluster info object, can't trust this API Server",
    nearMiss: '[discovery] Cluster info signature and contents are valid',
  },
  {
    explanation: 'discovery-unauthorized',
    text: '[discovery] Failed to request cluster info, will try again: [Unauthorized]',
    nearMiss: "couldn't validate the identity of the API Server: abort connecting to API servers after timeout of 5m0s",
  },
  {
    explanation: 'discovery-unauthorized',
    text: "couldn't validate the identity of the API Server: Unauthorized",
    nearMiss: "couldn't validate the identity of the API Server: invalid discovery token CA certificate hash",
  },
  {
    explanation: 'ca-not-pinned',
    text: 'cluster CA found in cluster-info ConfigMap is invalid: none of the public keys "sha256:9a22" are pinned',
    nearMiss: '--discovery-token-ca-cert-hash sha256:0ca8a6bbc11f',
  },
  {
    explanation: 'upload-failed',
    text: 'error execution phase upload-certs: error uploading certs: Post "https://10.0.2.15:6443/api/v1/namespaces/kube-system/secrets?timeout=10s": context deadline exceeded',
    nearMiss: '[upload-certs] Storing the certificates in Secret "kubeadm-certs"',
  },
  {
    explanation: 'flags-refused',
    text: "can not mix '--config' with arguments [certificate-key]",
    nearMiss: 'unknown flag: --configuration',
  },
  { explanation: 'flags-refused', text: 'unknown flag: --config', nearMiss: 'unknown flag: --v' },
  {
    explanation: 'version-not-fetched',
    text: 'could not fetch a Kubernetes version from the internet: unable to get URL "https://dl.k8s.io/release/stable-1.txt"',
    nearMiss: 'fetching Kubernetes version from URL: https://dl.k8s.io/release/stable-1.txt',
  },
  {
    explanation: 'cluster-status-stale',
    text: 'failed to getAPIEndpoint: failed to get APIEndpoint information for this node',
    nearMiss: 'could not find the API endpoints of the node',
  },
  {
    explanation: 'serving-certificate-absent',
    text: 'unable to load server certificate: open /etc/kubernetes/pki/apiserver.crt: no such file or directory',
    nearMiss: '[certs] Using existing apiserver certificate and key on disk',
  },
  {
    explanation: 'feature-gate-gone',
    text: 'unrecognized feature-gate key: ControlPlaneKubeletLocalMode',
    nearMiss: 'Setting GA feature gate ControlPlaneKubeletLocalMode=true. It will be removed in a future release.',
  },
  {
    explanation: 'port-in-use',
    text: '\t[ERROR Port-6443]: Port 6443 is in use',
    nearMiss: 'LISTEN 0 4096 *:6443 *:* users:(("haproxy",pid=1,fd=3))',
  },
  {
    explanation: 'leftovers',
    text: '\t[ERROR FileAvailable--etc-kubernetes-kubelet.conf]: /etc/kubernetes/kubelet.conf already exists',
    nearMiss: '[ERROR FileExisting-crictl]: crictl not found in system path',
  },
  {
    explanation: 'node-name-taken',
    text: 'error execution phase kubelet-start: a Node with name "cp2" and status "Ready" already exists in the cluster. You must delete the existing Node or change the name of this new joining Node',
    nearMiss: 'nodes "cp2" already exists',
  },
  {
    explanation: 'learner-behind',
    text: 'etcdserver: can only promote a learner member which is in sync with leader',
    nearMiss: 'promoted learner member 8e9e05c52164694d',
  },
  {
    explanation: 'promoted-already',
    text: '{"level":"warn","error":"rpc error: code = FailedPrecondition desc = etcdserver: can only promote a learner member"}',
    nearMiss: 'etcdserver: can only remove a member',
  },
  {
    explanation: 'learners-too-many',
    text: 'etcdserver: too many learner members in cluster',
    nearMiss: 'etcdserver: too many requests',
  },
  {
    explanation: 'peer-of-a-refused-learner',
    text: '{"level":"warn","ts":"2026-11-30T23:39:34.013585Z","caller":"rafthttp/http.go:429","msg":"ignored streaming request; ID mismatch","local-member-id":"98a876ea0f2547a","remote-peer-id-stream-handler":"98a876ea0f2547a","remote-peer-id-header":"9960ad31491e4371","remote-peer-id-from":"d535963f8b26b052"}',
    nearMiss: 'ignored streaming request; cluster ID mismatch',
  },
  {
    explanation: 'member-not-started',
    text: 'etcdserver: re-configuration failed due to not enough started members',
    nearMiss: 'etcdserver: re-configuration',
  },
  {
    explanation: 'peer-known-already',
    text: 'etcdserver: Peer URLs already exists',
    nearMiss: 'etcdserver: member not found',
  },
  {
    explanation: 'member-count-unequal',
    text: '2020-01-19 18:13:45.785514 C | etcdmain: error validating peerURLs {ClusterID:5af0857ece1ce0e5 Members:[&{ID:2ef094c895837ef3}] RemovedMemberIDs:[]}: member count is unequal',
    nearMiss: 'etcdmain: member count is 3',
  },
  {
    explanation: 'quorum-lost',
    text: 'client: etcd cluster is unavailable or misconfigured; error #0: client: endpoint https://192.168.13.31:2379 exceeded header timeout',
    nearMiss: 'etcd cluster is available',
  },
  {
    explanation: 'etcd-listens-locally',
    text: '"error":"dial tcp 127.0.0.1:2380: connect: connection refused"',
    nearMiss: 'dial tcp 127.0.0.1:2380: i/o timeout',
  },
  {
    explanation: 'etcd-on-wrong-interface',
    text: 'error syncing endpoints with etc: dial tcp 10.0.2.15:2379: connect: connection refused',
    nearMiss: 'syncing endpoints with etcd',
  },
  {
    explanation: 'dead-member',
    text: 'error execution phase check-etcd: etcd cluster is not healthy: failed to dial endpoint https://192.168.13.31:2379 with maintenance client: context deadline exceeded',
    nearMiss: '[check-etcd] Checking that the etcd cluster is healthy',
  },
  {
    explanation: 'dead-member',
    text: 'error syncing endpoints with etcd: context deadline exceeded',
    nearMiss: 'context deadline exceeded',
  },
  {
    explanation: 'etcd-wait-over',
    text: 'error execution phase control-plane-join/etcd: error creating local etcd static pod manifest file: timeout waiting for etcd cluster to be available',
    nearMiss: '[etcd] Waiting for the new etcd member to join the cluster. This can take up to 40s',
  },
  {
    explanation: 'leader-changed',
    text: 'rpc error: code = Unavailable desc = etcdserver: leader changed',
    nearMiss: 'raft.node: 8e9e05c52164694d elected leader 8e9e05c52164694d at term 2',
  },
  {
    explanation: 'disk-slow',
    text: '{"level":"warn","caller":"wal/wal.go:802","msg":"slow fdatasync","took":"1.224s","expected-duration":"1s"}',
    nearMiss: '{"level":"info","msg":"fdatasync"}',
  },
  {
    explanation: 'disk-slow',
    text: '{"level":"warn","msg":"apply request took too long","took":"312.7ms","expected-duration":"100ms"}',
    nearMiss: '{"level":"info","msg":"apply request"}',
  },
  {
    explanation: 'certificate-lacks-name',
    text: 'x509: certificate is valid for 10.96.0.1, 192.168.13.30, not 192.168.13.100',
    nearMiss: '[certs] apiserver serving cert is signed for DNS names [k8smaster1] and IPs [10.96.0.1 192.168.13.30]',
  },
  {
    explanation: 'certificate-lacks-name',
    text: "x509: cannot validate certificate for 192.168.13.100 because it doesn't contain any IP SANs",
    nearMiss: 'x509: cannot validate certificate',
  },
  {
    explanation: 'certificate-time',
    text: 'x509: certificate has expired or is not yet valid: current time 2026-11-22T12:00:00Z is before 2026-11-22T12:05:00Z',
    nearMiss: 'certificate will expire on 2027-11-22',
  },
  {
    explanation: 'certificate-time',
    text: 'failed to load certificate: the certificate is not valid yet',
    nearMiss: 'the certificate is valid',
  },
  {
    explanation: 'certificate-of-another-ca',
    text: 'x509: certificate signed by unknown authority (possibly because of "crypto/rsa: verification error" while trying to verify candidate authority certificate "kubernetes")',
    nearMiss: 'x509: certificate signed by kubernetes',
  },
  {
    explanation: 'certificate-refused',
    text: '{"level":"warn","msg":"rejected connection on peer endpoint","remote-addr":"192.168.13.31:34276","error":"remote error: tls: bad certificate"}',
    nearMiss: 'remote error: tls: handshake failure',
  },
  {
    explanation: 'plain-http',
    text: 'Client sent an HTTP request to an HTTPS server.',
    nearMiss: 'Client sent an HTTPS request',
  },
  {
    explanation: 'runtime-without-cri',
    text: '[ERROR CRI]: container runtime is not running: output: validate service connection: CRI v1 runtime API is not implemented for endpoint "unix:///run/containerd/containerd.sock": rpc error: code = Unimplemented desc = unknown service runtime.v1.RuntimeService',
    nearMiss: 'unknown service runtime.v1alpha2.ImageService',
  },
  {
    explanation: 'cgroup-driver-differs',
    text: 'OCI runtime create failed: expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups',
    nearMiss: 'kubelet cgroup driver: systemd',
  },
  {
    explanation: 'cgroup-v1',
    text: 'failed to validate kubelet configuration, error: kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is unsupported and will be removed in a future release',
    nearMiss: 'cgroup v1 is in maintenance mode',
  },
  {
    explanation: 'kernel-does-not-forward',
    text: '[ERROR FileContent--proc-sys-net-ipv4-ip_forward]: /proc/sys/net/ipv4/ip_forward contents are not set to 1',
    nearMiss: 'net.ipv4.ip_forward = 1',
  },
  {
    explanation: 'kubelet-version',
    text: 'the kubelet version is higher than the control plane version. This is not a supported version skew and may lead to a malfunctional cluster. Kubelet version: "1.38.0" Control plane version: "1.37.2"',
    nearMiss: 'Kubelet version: "1.37.2"',
  },
  {
    explanation: 'image-not-pulled',
    text: '[ERROR ImagePull]: failed to pull image registry.k8s.io/etcd:3.6.5-0: rpc error: code = DeadlineExceeded',
    nearMiss: '[config/images] Pulled registry.k8s.io/etcd:3.6.5-0',
  },
  {
    explanation: 'firewalld',
    text: '[WARNING Firewalld]: firewalld is active, please ensure ports [6443 10250] are open or your cluster may not function correctly',
    nearMiss: 'firewalld is running',
  },
  {
    explanation: 'shared-file-absent',
    text: '"command failed" err="loading audit policy file: failed to read file path \\"/etc/kubernetes/audit/policy-config.yaml\\": open /etc/kubernetes/audit/policy-config.yaml: no such file or directory"',
    nearMiss: 'loading audit policy file: failed decoding: no kind "Policy" is registered',
  },
  {
    explanation: 'shared-file-absent',
    text: 'error opening encryption provider configuration file "/etc/kubernetes/enc-conf.yaml": open /etc/kubernetes/enc-conf.yaml: no such file or directory',
    nearMiss: 'error while parsing encryption provider configuration file "/etc/kubernetes/enc-conf.yaml"',
  },
  {
    explanation: 'mirror-pod-deleted',
    text: 'pod "kube-apiserver-k8smaster1.example.com" deleted',
    nearMiss: 'pod "coredns-1" deleted',
  },
  {
    explanation: 'kubelet-holds-dead-connection',
    text: 'E0623 03:14:45.912484   22255 kubelet_node_status.go:402] Error updating node status, will retry: error getting node "vm10": Get "https://vm10:8443/api/v1/nodes/vm10?timeout=10s": write tcp 16.155.199.4:39668->16.155.199.4:8443: use of closed network connection',
    nearMiss: 'Error on socket receive: read tcp 127.0.0.1:14905->127.0.0.1:9946: use of closed network connection',
  },
  {
    explanation: 'health-check-unauthorized',
    text: 'Server control-planes/k8smaster1 is DOWN, reason: Layer7 wrong status, code: 401, info: "Unauthorized", check duration: 4ms.',
    nearMiss: 'Server control-planes/k8smaster1 is UP, reason: Layer7 check passed, code: 200',
  },
  {
    explanation: 'no-backend',
    text: "[ALERT]    (8) : backend 'control-planes' has no server available!",
    nearMiss: "backend 'control-planes' has 3 servers available",
  },
  {
    explanation: 'backend-down',
    text: 'Server control-planes/k8smaster2 is DOWN, reason: Layer4 connection problem, info: "Connection refused", check duration: 0ms. 1 active and 0 backup servers left.',
    nearMiss: 'Server control-planes/k8smaster2 is UP, reason: Layer7 check passed, code: 200, check duration: 3ms.',
  },
  {
    explanation: 'router-id-shared',
    text: 'Keepalived_vrrp[3352]: (ens3-1) ip address associated with VRID 1 not present in MASTER advert : 200.200.200.200',
    nearMiss: '(quorate) Entering BACKUP STATE',
  },
  {
    explanation: 'router-id-shared',
    text: 'Keepalived_vrrp[8548]: bogus VRRP packet received on eth0 !!!',
    nearMiss: 'VRRP packet received',
  },
  {
    explanation: 'two-holders',
    text: '(quorate) Received advert from 192.168.13.31 with lower priority 199, ours 200, forcing new election',
    nearMiss: '(quorate) Master received advert from 192.168.13.31 with higher priority 200, ours 199',
  },
  {
    explanation: 'two-holders',
    text: 'VRRP_Instance(VI_1) Received lower prio advert 101, forcing new election',
    nearMiss: 'VRRP_Instance(VI_1) Received higher prio advert 103',
  },
  {
    explanation: 'kube-vip-forbidden',
    text: 'leases.coordination.k8s.io "plndr-cp-lock" is forbidden: User "kubernetes-admin" cannot get resource "leases"',
    nearMiss: 'successfully acquired lease kube-system/plndr-cp-lock',
  },
  {
    explanation: 'server-not-reached',
    text: 'reflector.go:227] "Failed to watch" err="failed to list *v1.Service: Get \\"https://192.168.13.30:6443/api/v1/services\\": dial tcp 192.168.13.30:6443: connect: connection refused"',
    nearMiss: '"Failed to watch" err="the server has asked for the client to provide credentials"',
  },
  {
    explanation: 'kubelet-did-not-start',
    text: 'error execution phase kubelet-start: timed out waiting for the condition',
    nearMiss: 'error: timed out waiting for the condition on pods/coredns-1',
  },
  {
    explanation: 'kubelet-did-not-start',
    text: '[kubelet-check] The kubelet is not healthy after 4m0.000453s',
    nearMiss: '[kubelet-check] The kubelet is healthy after 1.5s',
  },
  {
    explanation: 'kubelet-did-not-start',
    text: '\ttimed out waiting for the condition',
    nearMiss:
      '[kubelet-check] Waiting for a healthy kubelet at http://127.0.0.1:10248/healthz. This can take up to 4m0s',
  },
  {
    explanation: 'api-server-refused',
    text: 'Unable to connect to the server: dial tcp 192.168.13.100:8443: connect: connection refused',
    nearMiss: 'dial tcp 192.168.13.100:8443: i/o timeout',
  },
  {
    explanation: 'api-server-refused',
    text: 'dial tcp 192.168.13.30:6443: getsockopt: connection refused',
    nearMiss: 'connection refused by peer',
  },
]

/** At least one for each explanation, as programs of several releases print them. */
export const allSaid: readonly Said[] = [...ofOurTables, ...saidInPublic]
